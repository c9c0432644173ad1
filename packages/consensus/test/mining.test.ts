/** Filling blocks, and what a verifier says to a body or a root that is not what executing gives. */
import type { Address } from "@holdfast/base";
import {
  attoFil,
  c,
  cidOfCbor,
  encode,
  epoch,
  HoldfastError,
  MemoryBlockstore,
  zeroAddress,
} from "@holdfast/base";
import type { Env, FullBlock, SignedMessage } from "@holdfast/consensus";
import {
  applyBlock,
  applyTipset,
  blockCid,
  checkBlockBody,
  checkMessage,
  executeForMining,
  inclusionGas,
  messageBytes,
  messageCid,
  messagesRoot,
  moneyInvariant,
  readActor,
  readElectionFacts,
  readMessageCids,
  readPower,
  readReceipts,
  readSectors,
  receiptsRoot,
  signMessage,
  usualGas,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { noParams } from "./support/test-actor.ts";
import type { Keys, World } from "./support/world.ts";
import {
  blockAround,
  createWorld,
  genesisParent,
  keysOf,
  message,
  mineBlock,
  testActorAddress,
  testNetworkId,
} from "./support/world.ts";

const world = createWorld({ miners: [1, 1], accounts: 4 });
const [alice, bob, carol] = world.accounts as [Keys, Keys, Keys, Keys];
const [first, second] = world.miners.map((miner) => miner.address) as [Address, Address];
const parent = genesisParent(world);
const at = { parent, height: 3 };

const increment = (from: Keys, nonce: number, more = {}): SignedMessage =>
  message(from, { nonce, to: testActorAddress, method: "increment", params: encode(c.uint(), 1), ...more });

function codeOf(run: () => unknown): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

const tipset = (blocks: FullBlock[], env: Env = world.env, state = parent.state) =>
  applyTipset({ store: world.store, parentState: state, blocks, env });

describe("filling a block", () => {
  it("takes what can be applied and says why the rest cannot", () => {
    const good = [increment(alice, 0), increment(alice, 1), increment(bob, 0, { gasPrice: 2n })];
    const forged = { ...increment(carol, 0), signature: new Uint8Array(65) };
    const bad: [SignedMessage, string, boolean][] = [
      [increment(alice, 0, { value: 1n }), "message/nonce-too-low", true],
      [increment(bob, 5), "message/nonce-too-high", false],
      [increment(keysOf("unknown"), 0), "message/sender-not-found", false],
      [increment(carol, 0, { value: 10n ** 30n }), "message/insufficient-funds", false],
      [forged, "message/bad-signature", true],
      [message(carol, { nonce: 0, to: carol.address }), "message/self-send", true],
      [increment(carol, 0, { value: -1n }), "message/negative-amount", true],
      [increment(carol, 0, { gasPrice: -1n }), "message/negative-amount", true],
      [increment(carol, 0, { gasLimit: 10_000_001 }), "message/gas-limit-too-high", true],
      [increment(carol, 0, { gasLimit: 1_000 }), "message/gas-limit-too-low", true],
      [increment(carol, 0, { params: new Uint8Array(600_000) }), "message/too-large", true],
    ];
    const { mined, block } = mineBlock(world, first, at, [...good, ...bad.map(([one]) => one)]);
    expect(mined.included).toEqual(good);
    expect(mined.rejected.map(({ reason, permanent }) => [reason, permanent])).toEqual(
      bad.map(([, reason, permanent]) => [reason, permanent]),
    );
    expect(mined.receipts.map((receipt) => receipt.exitCode)).toEqual([0, 0, 0]);
    const { stateRoot, receipts } = tipset([block]);
    expect(stateRoot.toString()).toBe(mined.stateRoot.toString());
    expect([...receipts.values()]).toEqual(mined.receipts);
    moneyInvariant(world.store, stateRoot, world.genesis.total);
  });

  it("refuses addresses of another network and the zero address", () => {
    const params = { ...world.params, networkByte: 0 as const };
    expect(checkMessage(increment(alice, 0), { ...world.env, params })?.code).toBe("message/wrong-network");
    const zero = message(alice, { nonce: 0, to: zeroAddress(1) });
    expect(checkMessage(zero, world.env)?.code).toBe("message/zero-recipient");
    expect(checkMessage(increment(alice, 0), world.env)).toBeUndefined();
  });

  it("respects count, gas and bytes of a block", () => {
    const many = Array.from({ length: 6 }, (_, i) => increment(alice, i, { gasLimit: 1_000_000 }));
    const mineIn = (params: Partial<World["params"]>) => {
      const other = createWorld({ miners: [1], params });
      const miner = other.miners[0]?.address ?? first;
      return mineBlock(other, miner, { ...at, parent: genesisParent(other) }, many).mined;
    };
    expect(mineIn({ maxBlockMessages: 2 }).included).toHaveLength(2);
    const byGas = mineIn({ blockGasLimit: 3_500_000 });
    expect(byGas.included).toHaveLength(3);
    expect(byGas.rejected.every((one) => one.reason === "message/block-full" && !one.permanent)).toBe(true);
    const { store } = world;
    const size = many.slice(0, 4).reduce((sum, one) => sum + messageBytes(one), 0);
    const byBytes = executeForMining({
      store,
      parentState: parent.state,
      miner: first,
      height: epoch(3),
      candidates: many,
      env: world.env,
      maxBodyBytes: size,
    });
    expect(byBytes.included).toHaveLength(4);
  });

  it("leaves out a message that trips a defect of an actor, and mines on", () => {
    const crash = message(alice, { nonce: 0, to: testActorAddress, method: "crash", params: noParams });
    const { mined } = mineBlock(world, first, at, [crash, increment(bob, 0)]);
    expect(mined.rejected).toMatchObject([{ reason: "message/fault", permanent: true }]);
    expect(mined.included).toHaveLength(1);
    expect(readActor(world.store, mined.stateRoot, alice.address)?.nonce).toBe(0);
  });

  it("spends the reserve of the fee before the call, so that no call can spend it", () => {
    const balance = readActor(world.store, parent.state, alice.address)?.balance ?? 0n;
    const gasLimit = 50_000;
    const all = message(alice, {
      nonce: 0,
      to: bob.address,
      value: balance - 7n * 50_000n,
      gasPrice: 7n,
      gasLimit,
    });
    const { mined } = mineBlock(world, first, at, [all]);
    const [receipt] = mined.receipts;
    expect(receipt?.exitCode).toBe(0);
    const left = readActor(world.store, mined.stateRoot, alice.address)?.balance;
    expect(left).toBe(7n * BigInt(50_000 - (receipt?.gasUsed ?? 0)));
    const more = message(alice, { nonce: 0, to: bob.address, value: balance, gasPrice: 7n, gasLimit });
    expect(mineBlock(world, first, at, [more]).mined.rejected[0]?.reason).toBe("message/insufficient-funds");
  });
});

describe("a block whose body or roots lie", () => {
  const { block: honest } = mineBlock(world, first, at, [increment(alice, 0), increment(bob, 0)]);
  const rebuilt = (messages: SignedMessage[]): FullBlock => ({
    header: { ...honest.header, messages: messagesRoot(new MemoryBlockstore(), messages) },
    messages,
  });
  const [a, b] = honest.messages as [SignedMessage, SignedMessage];
  const other = cidOfCbor(Uint8Array.of(0x81, 0));
  const receipts = (codes: number[]) => {
    const real = readReceipts(world.store, honest.header.receipts);
    const told = real.map((receipt, i) => ({ ...receipt, exitCode: codes[i] ?? 0 }));
    return receiptsRoot(new MemoryBlockstore(), told);
  };

  it.each<[string, string, FullBlock]>([
    ["another message", "block/wrong-messages-root", { ...honest, messages: [a] }],
    ["another order", "block/wrong-messages-root", { ...honest, messages: [b, a] }],
    ["a message twice", "block/duplicate-message", rebuilt([a, b, a])],
    ["a message that cannot be applied", "block/invalid-message", rebuilt([a, b, increment(carol, 3)])],
    ["an unsigned message", "block/invalid-message", rebuilt([{ ...a, signature: new Uint8Array(65) }])],
    [
      "another state",
      "block/wrong-state-root",
      { ...honest, header: { ...honest.header, stateRoot: other } },
    ],
    [
      "a receipt of another content",
      "block/wrong-receipts-root",
      { ...honest, header: { ...honest.header, receipts: receipts([0, 1]) } },
    ],
    [
      "an unknown miner",
      "block/unknown-miner",
      { ...honest, header: { ...honest.header, miner: alice.address } },
    ],
  ])("%s is %s", (_name, code, block) => {
    expect(codeOf(() => tipset([block]))).toBe(code);
  });

  it("is refused for its size too", () => {
    const params = { ...world.params, maxBlockMessages: 1 };
    expect(codeOf(() => checkBlockBody(honest, { ...world.env, params }))).toBe("block/too-many-messages");
    const gas = { ...world.params, blockGasLimit: 150_000 };
    expect(codeOf(() => checkBlockBody(honest, { ...world.env, params: gas }))).toBe("block/gas-above-limit");
  });

  it("leaves nothing in the store", () => {
    const lie = { ...honest, header: { ...honest.header, stateRoot: other, height: epoch(77) } };
    const before = world.store.blockCount;
    expect(codeOf(() => tipset([lie]))).toBe("block/wrong-state-root");
    expect(world.store.blockCount).toBe(before);
  });

  it("has its messages and receipts readable by their roots", () => {
    const { header, messages } = honest;
    tipset([honest]);
    const cids = readMessageCids(world.store, header.messages).map(String);
    expect(cids).toEqual(messages.map((one) => messageCid(one).toString()));
    expect(readReceipts(world.store, header.receipts)).toHaveLength(2);
  });
});

describe("a tipset of several blocks", () => {
  it("applies a shared message once and collects a conflict", () => {
    const shared = increment(alice, 0);
    const mine = message(bob, { nonce: 0, to: carol.address, value: 10n });
    const yours = message(bob, { nonce: 0, to: carol.address, value: 20n });
    const blocks = [
      mineBlock(world, first, at, [shared, mine]).block,
      mineBlock(world, second, at, [shared, yours]).block,
    ];
    const result = tipset(blocks);
    expect(result.receipts.size).toBe(2);
    expect(result.failures).toHaveLength(1);
    expect(result.failures[0]?.reason).toBe("message/nonce-too-low");
    expect(result.gasUsed).toBe([...result.receipts.values()].reduce((sum, one) => sum + one.gasUsed, 0));
    moneyInvariant(world.store, result.stateRoot, world.genesis.total);
  });

  it("refuses the whole tipset if one of its blocks lies", () => {
    const good = mineBlock(world, first, at, []).block;
    const { mined } = mineBlock(world, second, at, []);
    const empty = { miner: second, height: epoch(3), parent };
    const bad = blockAround(world, { ...empty, mined: { ...mined, stateRoot: parent.state } });
    expect(codeOf(() => tipset([good, bad]))).toBe("block/wrong-state-root");
  });
});

describe("the tick of the network", () => {
  it("takes the power of sectors that nobody proves, also across null rounds", () => {
    const { store, genesis } = world;
    const before = readPower(store, genesis.state);
    let { state, cids } = parent;
    const seen: bigint[] = [];
    for (let height = 7; height < 200; height += 7) {
      const { block } = mineBlock(world, first, { parent: { state, cids }, height }, []);
      state = tipset([block], world.env, state).stateRoot;
      cids = [blockCid(block.header)];
      const { burnt } = moneyInvariant(store, state, genesis.total);
      seen.push(readPower(store, state));
      expect(burnt > 0n).toBe(readPower(store, state) < before);
    }
    expect(seen[0]).toBe(before);
    expect(seen.at(-1)).toBe(0n);
    expect(readSectors(store, state, first)[0]?.faultySince).not.toBeNull();
    // Nobody has power left: the election counts what is faulty, so that the network can come back.
    expect(readElectionFacts(store, state, first)?.readProvableSectors()).not.toEqual([]);
  });
});

describe("a network without rewards", () => {
  it("creates no record for an owner who gets nothing", () => {
    const poor = createWorld({ miners: [1], params: { blockReward: attoFil(0n) } });
    const miner = poor.miners[0];
    const sender = poor.accounts[0];
    if (miner === undefined || sender === undefined) expect.fail("the world has both");
    const run = (gasPrice: bigint) => {
      const start = { parent: genesisParent(poor), height: 1 };
      const { mined } = mineBlock(poor, miner.address, start, [increment(sender, 0, { gasPrice })]);
      expect(mined.receipts[0]?.exitCode).toBe(0);
      return readActor(poor.store, mined.stateRoot, miner.owner);
    };
    expect(run(0n)).toBeUndefined();
    expect(run(1n)?.balance).toBeGreaterThan(0n);
  });
});

describe("one block alone", () => {
  it("is the same by applyBlock, by mining and by its tipset", () => {
    const messages = [increment(alice, 0), message(bob, { nonce: 0, to: alice.address, value: 1n })];
    const { mined, block } = mineBlock(world, first, at, messages);
    const { store, env } = world;
    const alone = applyBlock({
      store,
      parentState: parent.state,
      block: { miner: first, height: epoch(3) },
      messages,
      env,
    });
    const roots = [mined.stateRoot, alone.stateRoot, tipset([block]).stateRoot].map(String);
    expect(new Set(roots).size).toBe(1);
    expect(alone.receiptsRoot.toString()).toBe(mined.receiptsRoot.toString());
    expect(alone.gasUsed).toBe(mined.gasUsed);
    expect(inclusionGas(usualGas, 0)).toBeGreaterThan(0);
  });

  it("cannot be built on a signature that the cache does not know", () => {
    const env: Env = { ...world.env, verifiedMessages: new Set<string>() };
    const forged = signMessage(bob.privateKey, testNetworkId, increment(alice, 0).message);
    expect(mineBlock(world, first, at, [forged], env).mined.rejected[0]?.reason).toBe(
      "message/bad-signature",
    );
  });
});
