/**
 * Random chains of tipsets against a naive ledger: transfers, calls that work, fail, run out of gas or are
 * malformed, several blocks with overlapping and conflicting messages, null rounds. After every tipset all
 * money is there to the last attoFIL and every balance and nonce is what the ledger says.
 */
import { attoFil, c, compareBytes, encode, epoch } from "@holdfast/base";
import type { FullBlock, SignedMessage } from "@holdfast/consensus";
import {
  applyTipset,
  blockCid,
  builtinAddresses,
  isPermanentRejection,
  messageCid,
  messageErrors,
  methods,
  moneyInvariant,
  readActor,
} from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LedgerBug } from "./support/ledger.ts";
import { Ledger, ledgerBugs } from "./support/ledger.ts";
import { sendCodec } from "./support/test-actor.ts";
import type { Parent } from "./support/world.ts";
import { createWorld, genesisParent, keysOf, message, mineBlock, testActorAddress } from "./support/world.ts";

const world = createWorld({
  miners: [2, 1, 1],
  balance: attoFil(3_000_000n),
  params: { minPledgePerSector: attoFil(1000n) },
});
const senders = [...world.accounts, keysOf("fresh 0"), keysOf("fresh 1")];
const builtins = builtinAddresses(1);
const owners = new Map(world.miners.map((miner) => [miner.address, miner.owner]));

const kinds = [
  "transfer",
  "increment",
  "fail",
  "burnGas",
  "relay",
  "unknownMethod",
  "badParams",
  "createMiner",
  "createChannel",
  "addAsk",
] as const;

const messageSpec = fc.record({
  kind: fc.constantFrom(...kinds),
  from: fc.nat(senders.length - 1),
  to: fc.nat(senders.length - 1),
  nonceStep: fc.constantFrom(0, 0, 0, 1, 1, 2, -1),
  value: fc.constantFrom(0n, 1n, 1000n, 500_000n, 2_900_000n),
  gasPrice: fc.constantFrom(0n, 1n, 7n),
  gasLimit: fc.constantFrom(3_500, 5_000, 20_000, 100_000),
  amount: fc.nat(30_000),
});
type MessageSpec = typeof messageSpec extends fc.Arbitrary<infer T> ? T : never;

const tipsetSpec = fc.record({
  rounds: fc.constantFrom(1, 1, 2, 7, 65),
  messages: fc.array(messageSpec, { maxLength: 9 }),
  /** For each miner: which of the messages it knows; 0 makes no block. */
  masks: fc.tuple(fc.nat(511), fc.nat(511), fc.nat(511)),
  tickets: fc.nat(5),
});
type TipsetSpec = typeof tipsetSpec extends fc.Arbitrary<infer T> ? T : never;

function bodyOf(spec: MessageSpec) {
  const amount = encode(c.uint(), spec.amount);
  const target = senders[spec.to]?.address ?? testActorAddress;
  switch (spec.kind) {
    case "transfer":
      return { to: target };
    case "increment":
      return { to: testActorAddress, method: "increment", params: amount };
    case "fail":
      return { to: testActorAddress, method: "fail", params: encode(c.uint(), 1 + spec.amount) };
    case "burnGas":
      return { to: testActorAddress, method: "burnGas", params: amount, value: 0n };
    case "relay": {
      const inner = { to: target, method: "", value: attoFil(spec.amount), params: new Uint8Array(0) };
      return { to: testActorAddress, method: "relay", params: encode(sendCodec, inner) };
    }
    case "unknownMethod":
      return { to: builtins.broker, method: "noSuchMethod" };
    case "badParams":
      return { to: builtins.market, method: "createMiner", params: Uint8Array.of(0xff) };
    case "createMiner": {
      const [miner] = world.miners;
      const worker = miner?.worker.address ?? target;
      const workerKey = new Uint8Array(48).fill(0x81);
      const params = encode(methods.market.createMiner.params, { worker, workerKey, peerId: "peer" });
      return { to: builtins.market, method: "createMiner", params };
    }
    case "createChannel": {
      const params = encode(methods.broker.createChannel.params, { target, eol: epoch(10_000) });
      return { to: builtins.broker, method: "createChannel", params };
    }
    case "addAsk":
      return { to: world.miners[0]?.address ?? target, method: "addAsk", params: amount, value: 0n };
  }
}

function signedOf(spec: MessageSpec, ledger: Ledger): SignedMessage | undefined {
  const from = senders[spec.from];
  if (from === undefined) return undefined;
  const { nonce } = ledger.line(from.address);
  const { value, gasPrice, gasLimit } = spec;
  const body = bodyOf(spec);
  const to = body.to === from.address ? testActorAddress : body.to;
  return message(from, {
    value,
    gasPrice,
    gasLimit,
    nonce: Math.max(0, nonce + spec.nonceStep),
    ...body,
    to,
  });
}

interface Mined {
  readonly block: FullBlock;
  readonly owner: Parameters<Ledger["line"]>[0];
}

/** Every miner with a mask makes a block of the messages it knows, by ascending nonces. */
function mineAll(spec: TipsetSpec, candidates: SignedMessage[], parent: Parent, height: number): Mined[] {
  const mined: Mined[] = [];
  for (const [index, miner] of world.miners.entries()) {
    const mask = spec.masks[index] ?? 0;
    if (mask === 0 && !(index === 0 && spec.masks.every((one) => one === 0))) continue;
    const known = candidates.filter((_, i) => (mask >> i) & 1);
    known.sort((a, b) => a.message.nonce - b.message.nonce);
    const { block, mined: result } = mineBlock(world, miner.address, { parent, height }, known);
    const tried = new Set([...result.included, ...known.filter((one) => !result.included.includes(one))]);
    expect(tried.size).toBe(known.length);
    const ticket = block.header.ticket.map((byte, i) => (i === 0 ? byte ^ spec.tickets : byte));
    mined.push({ block: { ...block, header: { ...block.header, ticket } }, owner: miner.owner });
  }
  return mined.sort((a, b) => compareBytes(a.block.header.ticket, b.block.header.ticket));
}

function startLedger(bug: LedgerBug | undefined): Ledger {
  const ledger = new Ledger(bug);
  for (const address of [
    ...senders.map((one) => one.address),
    ...owners.values(),
    builtins.reward,
    builtins.broker,
    builtins.market,
    testActorAddress,
  ]) {
    ledger.line(address).balance = readActor(world.store, world.genesis.state, address)?.balance ?? 0n;
  }
  return ledger;
}

/** Runs a chain; throws (through `expect`) where the rules and the ledger differ. */
function checkChain(specs: readonly TipsetSpec[], bug?: LedgerBug): void {
  const ledger = startLedger(bug);
  let parent: Parent = genesisParent(world);
  let height = 0;
  for (const spec of specs) {
    height += spec.rounds;
    const candidates = spec.messages.flatMap((one) => signedOf(one, ledger) ?? []);
    const mined = mineAll(spec, candidates, parent, height);
    const blocks = mined.map((one) => one.block);
    const { store, env, params, genesis } = world;
    const result = applyTipset({ store, parentState: parent.state, blocks: [...blocks].reverse(), env });
    const expected = ledger.apply(mined, params.blockReward, result.receipts);
    expect(new Set(result.receipts.keys())).toEqual(expected.applied);
    const conflicts = result.failures.map((failure) => failure.message.toString());
    expect(new Set(conflicts)).toEqual(expected.conflicting);
    moneyInvariant(store, result.stateRoot, genesis.total);
    for (const [address, { balance, nonce }] of ledger.lines) {
      const record = readActor(store, result.stateRoot, address);
      expect([address, record?.balance ?? 0n, record?.nonce ?? 0]).toEqual([address, balance, nonce]);
    }
    const cids = blocks.map((block) => blockCid(block.header));
    parent = { state: result.stateRoot, cids };
  }
}

const chain = fc.array(tipsetSpec, { minLength: 1, maxLength: 4 });

describe("tipsets", () => {
  it("move money and nonces exactly as a ledger says", () => {
    fc.assert(
      fc.property(chain, (specs) => checkChain(specs)),
      { numRuns: 60 },
    );
  });

  it.each(ledgerBugs)("would be caught if: %s", (bug) => {
    const result = fc.check(
      fc.property(chain, (specs) => checkChain(specs, bug)),
      {
        numRuns: 200,
        endOnFailure: true,
      },
    );
    expect(result.failed).toBe(true);
  });

  it("have one state, whatever the order in which the blocks arrive", () => {
    const parent = genesisParent(world);
    const [a, b] = world.accounts as [(typeof senders)[0], (typeof senders)[0]];
    const messages = [
      message(a, { nonce: 0, to: b.address, value: 5n, gasPrice: 1n }),
      message(a, { nonce: 1, to: testActorAddress, method: "increment", params: encode(c.uint(), 2) }),
    ];
    const spec: TipsetSpec = { rounds: 1, messages: [], masks: [3, 1, 3], tickets: 0 };
    const blocks = mineAll(spec, messages, parent, 1).map((one) => one.block);
    expect(blocks).toHaveLength(3);
    const roots = [blocks, [...blocks].reverse()].map((order) =>
      applyTipset({ store: world.store, parentState: parent.state, blocks: order, env: world.env }),
    );
    expect(roots[0]?.stateRoot.toString()).toBe(roots[1]?.stateRoot.toString());
    expect([...(roots[0]?.receipts.keys() ?? [])].sort()).toEqual(
      messages.map((one) => messageCid(one).toString()).sort(),
    );
  });
});

describe("rejections", () => {
  it("say which messages can still become valid", () => {
    const data = { from: "a", nonce: 1, expected: 0 };
    expect(isPermanentRejection(messageErrors.nonceTooHigh(data))).toBe(false);
    expect(isPermanentRejection(messageErrors.nonceTooLow(data))).toBe(true);
    expect(isPermanentRejection(messageErrors.senderNotFound({ from: "a" }))).toBe(false);
    expect(isPermanentRejection(messageErrors.selfSend({ address: "a" }))).toBe(true);
  });
});
