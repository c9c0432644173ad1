/**
 * Nobody stops the chain by a message to the actors of pins and idle space: an exception that is no exit code ends the
 * whole tipset, so one would keep every miner from making a block. Right parameters of each method, some of their
 * values replaced by edge values of the same kind.
 */
import type { Address, CborValue, Codec } from "@holdfast/base";
import { addressBytes, attoFil, CID, decodeCbor, encode, encodeCbor, epoch, filToAtto } from "@holdfast/base";
import { methods, vmExitCodes as x } from "@holdfast/consensus";
import { anyPlatform } from "@holdfast/proofs/attestation";
import { describe, expect, it } from "vitest";
import { filled, verifiers } from "./idle-world.ts";
import { authority, nextProgram, operator, PinWorld, program } from "./pin-world.ts";
import { type Account, account, bob, carol, createMiner, owner, type World, worker } from "./world.ts";

type Params = { readonly [method: string]: object };
interface Case {
  readonly world: World;
  readonly to: Address;
  readonly table: {
    readonly [method: string]: { readonly params: Codec<unknown>; readonly payable?: boolean };
  };
  readonly params: Params;
  /** Who may; else `operator`. */
  readonly senders: { readonly [method: string]: Account };
}

const tableOf = (table: object): Case["table"] => table as unknown as Case["table"];

/** Two nodes with an order, reports, a challenge and an ask. */
function pinCase(): Case {
  const world = new PinWorld();
  for (const name of ["a", "b"]) world.admit(name);
  const { root, bytes } = world.content.file("a file", 12);
  world.order(root, bytes, { wanted: 2 });
  world.spread();
  world.nextSlot();
  world.reportAll();
  world.nextSlot();
  const [a, b] = world.nodes as [(typeof world.nodes)[0], (typeof world.nodes)[0]];
  const old = a.report();
  const lie = { ...a.draft(), program: "another" };
  a.submit(old);
  const { blocks } = a.walk(a.seedOf(old, 0), root) ?? { blocks: [] };
  const paid = { value: filToAtto(1n) };
  world.askAbout(0, a.number);
  world.mineTo(world.height + 2);
  world.send(carol, world.builtins.pins, "pins.challengeSample", { report: old, sample: 0 }, paid);
  const newcomer = account("node new");
  const admission = { publicKey: world.proofKey("new"), proof: world.proof(newcomer, "peer-new") };
  const kind = "software" as const;
  const params = {
    setProgram: { kind, program, name: "x", expires: epoch(9), platform: anyPlatform },
    clearProgram: { kind, program: nextProgram },
    admitNode: { ...admission, peerId: "peer-new", capacityBytes: 5, leastPrice: attoFil(0n) },
    renewNode: { node: 0, publicKey: world.proofKey("a"), proof: world.proof(a.key, "peer-a") },
    setNodeTerms: { node: 0, capacityBytes: 5, leastPrice: attoFil(0n) },
    leave: { node: 0 },
    withdrawStake: { node: 0 },
    claimEarned: { node: 0 },
    addPin: { cid: root, bytes, wanted: 1, price: attoFil(1n), slots: 1 },
    extendPin: { pin: 0, slots: 1 },
    removePin: { pin: 0 },
    settlePins: { pins: [0, 1] },
    repairPin: { pin: 0 },
    submitReport: { report: b.report() },
    disprove: { report: old, sample: 0, blocks },
    reportEquivocation: { first: old, second: { ...lie, signature: old.signature } },
    challengeSample: { report: old, sample: 1 },
    answerChallenge: { challenge: 0, blocks },
    closeChallenge: { challenge: 0 },
    askOrder: { pin: 0, node: b.number },
    answerAsk: { pin: 0, node: a.number, blocks: a.askedWalk(0) ?? [] },
    closeAsk: { pin: 0, node: a.number },
    getHeld: {},
    getNode: { node: 0 },
    findNode: { key: a.key.address },
    getPin: { pin: 0 },
    getProgram: { kind, program },
    getSlotPrice: { bytes: 1, price: attoFil(1n) },
  };
  const senders = { setProgram: authority, removePin: authority, askOrder: authority };
  return { world, to: world.builtins.pins, table: tableOf(methods.pins), params, senders };
}

/** A miner with a certified set, an announced layer and an answered challenge. */
function idleCase(): Case {
  const space = filled();
  const { world } = space;
  space.untilChallenged();
  const { state, randomness } = space.audit;
  const answers = space.answers();
  space.answer(answers);
  const append = space.append();
  space.announce(append);
  space.drawOpenings();
  const of = { miner: space.miner };
  const [verifier] = verifiers.map(({ address }) => address) as [Address];
  const proof = new PinWorld().proof(account("enclave"), "v", { use: "idle-verifier" });
  const params = {
    admitVerifier: { operator: bob.address, peerId: "v", expires: epoch(1_000) },
    attestVerifier: { publicKey: new PinWorld().proofKey("a"), proof },
    removeVerifier: { verifier },
    postBond: { verifier },
    withdrawBond: { verifier },
    accuseVerifier: { verdict: space.verdict(answers), state, randomness, opened: space.opened(answers, 0) },
    register: { miner: createMiner(world) },
    deposit: of,
    withdraw: { ...of, amount: attoFil(1n) },
    announce: { ...of, digest: new Uint8Array(32) },
    giveUp: of,
    certify: space.certification(append),
    release: { ...of, count: 1 },
    answer: { ...of, total: new Uint8Array(32) },
    settle: { ...of, verdict: space.verdict(answers), openings: space.openings(answers, true) },
    leave: of,
    getMiner: of,
    getVerifiers: {},
  };
  const [of1] = verifiers as [Account];
  world.transfer(bob, of1.address, filToAtto(1n));
  const byWorker = Object.fromEntries(Object.keys(params).map((method) => [method, worker]));
  const senders = { ...byWorker, admitVerifier: authority, attestVerifier: of1, removeVerifier: of1 };
  return { world, to: world.builtins.idle, table: tableOf(methods.idle), params, senders };
}

const numbers = [0, 1, 2, 16, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 50, Number.MAX_SAFE_INTEGER];
const greatest = new Uint8Array(17).fill(0xff);
const amounts = [new Uint8Array(0), Uint8Array.of(0, 1), Uint8Array.of(1, 1)].concat(
  [0, 1].map((sign) => greatest.map((byte, i) => (i === 0 ? sign : byte))),
);

const everybody: readonly Account[] = [operator, authority, carol, owner, worker];

/** Values of the same kind, at the edges of what their codecs take. */
function edges(value: CborValue): readonly CborValue[] {
  if (typeof value === "number") return [...numbers, Math.max(0, value - 1), value + 1];
  if (typeof value === "string") return ["", "x", "x".repeat(64)];
  if (value === null) return [0, []];
  if (value instanceof CID) return [new CID(1, 0x71, value.multihash, value.bytes)];
  if (!(value instanceof Uint8Array)) return [null];
  if (value.length === 22) return everybody.map(({ address }) => addressBytes(address));
  const { length } = value;
  const filled = [0, 0x80, 0xff].map((byte) => new Uint8Array(length).fill(byte));
  const turned = value.map((byte, i) => (i === length - 1 ? byte ^ 1 : byte));
  return length <= 17 ? [...amounts, ...filled] : [...filled, turned, value.subarray(0, length >> 1)];
}

/** All places of a value that hold no others; lists are also made empty and longer. */
function places(value: CborValue, path: readonly number[] = []): (readonly number[])[] {
  if (!Array.isArray(value)) return [path];
  return [path, ...value.flatMap((member, i) => places(member, [...path, i]))];
}

function replaced(
  value: CborValue,
  path: readonly number[],
  change: (old: CborValue) => CborValue,
): CborValue {
  const [at, ...rest] = path;
  if (at === undefined || !Array.isArray(value)) return change(value);
  return value.map((member: CborValue, i) => (i === at ? replaced(member, rest, change) : member));
}

/** The value with each of its places changed, and with two of them where there are few. */
function* changes(value: CborValue): IterableIterator<CborValue> {
  const all = places(value);
  const turns = (given: CborValue, path: readonly number[]): readonly CborValue[] => {
    const other: CborValue[] = [];
    replaced(given, path, (old) => {
      const fits = Array.isArray(old) ? [[], [...old, ...old.slice(-1)]] : edges(old);
      other.push(...fits.map((edge) => replaced(given, path, () => edge)));
      return old;
    });
    return other;
  };
  for (const path of all) yield* turns(value, path);
  if (all.length > 4) return;
  for (const [i, path] of all.entries())
    for (const once of turns(value, path)) for (const next of all.slice(i + 1)) yield* turns(once, next);
}

/** Of one method; of more than these each second, third, … is tried. */
const mostChanges = 300;

function faults({ world, to, table, params, senders }: Case, method: string): readonly string[] {
  const spec = table[method];
  if (spec === undefined) throw new RangeError(method);
  const right = decodeCbor(encode(spec.params, params[method]));
  const { state, height } = world;
  const value = spec.payable === true ? filToAtto(20n) : attoFil(0n);
  const from = senders[method] ?? operator;
  const found: string[] = [];
  const all = [...changes(right)];
  const some = all.filter((_, i) => i % Math.ceil(all.length / mostChanges) === 0);
  for (const changed of [right, ...some]) {
    world.state = state;
    world.height = height;
    try {
      const { exitCode } = world.sendRaw(from, to, method, encodeCbor(changed), { value });
      if (exitCode === x.unknownMethod) found.push("no such method");
    } catch (error) {
      found.push(String(error));
    }
  }
  world.state = state;
  return found;
}

describe.each([
  ["pins", pinCase],
  ["idle", idleCase],
] as const)("no message makes the actor of %s fault:", (_, make) => {
  const given = make();
  it.each(Object.keys(given.params))("%s", (method) => {
    expect(faults(given, method)).toEqual([]);
  });

  it("each of its methods is tried", () => {
    const inner = ["judgeVerifier", "minerSlashed", "cronTick"];
    const open = Object.keys(given.table).filter((method) => !inner.includes(method));
    expect(Object.keys(given.params).sort()).toEqual(open.sort());
  });
});
