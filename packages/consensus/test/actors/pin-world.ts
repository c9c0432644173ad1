/**
 * A network of pinning nodes for tests of its rules: nodes admitted with real evidence by software, each with blocks of
 * its own, reporting by the same steps as the product. What is not honest is made by the tests.
 */
import type { Address, AttoFil, CID } from "@holdfast/base";
import { attoFil, epoch, filToAtto, publicKeyOf, rawCid } from "@holdfast/base";
import type { CodeTable, PinNode, PinReport, PinSample, UnsignedPinReport } from "@holdfast/consensus";
import {
  askEntropy,
  askStart,
  assignedPins,
  pinAskTag,
  pinNonceTag,
  pinReportFacts,
  pinSlotAt,
  pinSlotTag,
  readGapEnd,
  readPin,
  readPinNode,
  sampledPlace,
  sampleSeed,
  signPinReport,
  walkPin,
} from "@holdfast/consensus";
import {
  type AttestedUse,
  anyPlatform,
  networkSeed,
  type PlatformRule,
  reportDataOf,
} from "@holdfast/proofs/attestation";
import { type SoftwareAuthority, softwareAuthority } from "@holdfast/proofs/attestation/software";
import { BlockMap } from "./pin-dag.ts";
import {
  type Account,
  account,
  alice,
  bob,
  carol,
  hash32,
  testNetworkId,
  testRandomness,
  World,
  type WorldOptions,
} from "./world.ts";

/** 2025-06-15. */
export const startMs = 1_750_000_000_000;
export const program = hash32("the program");
export const nextProgram = hash32("the next program");
export const stake = filToAtto(10n);
export const deposit = attoFil(1_000n);
export const authority = alice;
export const operator = bob;

let known: SoftwareAuthority | undefined;
const softwareOfTests = (): SoftwareAuthority => (known ??= softwareAuthority(networkSeed(testNetworkId)));

export const pinParams = {
  upgradeAuthority: authority.address,
  pinSlotEpochs: 10,
  pinSamples: 4,
  pinStake: stake,
  pinEvidenceEpochs: 2_000,
  pinAnswerEpochs: 5,
  pinDisputeSlots: 3,
  pinPenaltySlots: 2,
  pinChallengeDeposit: deposit,
} as const;

const unknownRoot = rawCid(new Uint8Array(0));

/** The nonce epoch is the last one, unless the test says so. */
interface Given {
  readonly use?: AttestedUse;
  readonly nonceEpoch?: number;
  readonly nonceOf?: number;
  readonly program?: Uint8Array;
  readonly claimed?: Uint8Array;
  readonly networkId?: Uint8Array;
  readonly operator?: Address;
  readonly peerId?: string;
  readonly debug?: boolean;
  readonly atSeconds?: number;
  /** What the collateral says of the platform. */
  readonly tcbStatus?: string;
  readonly revoked?: boolean;
}

export class PinWorld extends World {
  readonly nodes: TestNode[] = [];
  readonly content = new BlockMap();

  constructor(options: WorldOptions = {}) {
    super({ timestampMs: startMs, ...options, params: { ...pinParams, ...options.params } });
    this.list(program);
  }

  /** From now on the actors have this code; undefined: their own. */
  useCodes(codes: CodeTable | undefined): void {
    const { codes: _, ...env } = this.env;
    Object.assign(this, { env: codes === undefined ? env : { ...env, codes } });
  }

  get slot(): number {
    return pinSlotAt(this.params.pinSlotEpochs, this.height + 1);
  }

  list(which: Uint8Array, expires = 1_000_000, rule: Partial<PlatformRule> = {}): number {
    const platform = { ...anyPlatform, ...rule };
    const listed = { kind: "software", program: which, name: "tests" } as const;
    const entry = { ...listed, expires: epoch(expires), platform };
    return this.send(authority, this.builtins.pins, "pins.setProgram", entry).exitCode;
  }

  /** Goes to the middle of a slot, block by block: its draw is known, and the chain has not stood still. */
  toSlot(slot: number): void {
    this.mineTo(slot * this.params.pinSlotEpochs + 3);
  }
  nextSlot(): void {
    this.toSlot(pinSlotAt(this.params.pinSlotEpochs, this.height) + 1);
  }

  proof(key: Account, peerId: string, given: Given = {}) {
    const nonceEpoch = given.nonceEpoch ?? this.height;
    const nonce = testRandomness(epoch(given.nonceOf ?? nonceEpoch), pinNonceTag, new Uint8Array(0));
    const identity = {
      use: given.use ?? "pin-node",
      networkId: given.networkId ?? testNetworkId,
      nodeKey: publicKeyOf(key.privateKey),
      peerId: given.peerId ?? peerId,
      operator: given.operator ?? operator.address,
      epoch: nonceEpoch,
      nonce,
    } as const;
    const software = softwareOfTests();
    const quote = {
      program: given.program ?? program,
      reportData: reportDataOf(identity),
      svn: 1,
      ...(given.debug === undefined ? {} : { debug: given.debug }),
    };
    const atSeconds = given.atSeconds ?? Math.floor(startMs / 1000);
    const { tcbStatus = "UpToDate", revoked = false } = given;
    const statement = { tcbStatus, revoked };
    const evidence = {
      kind: "software",
      evidence: software.quote(quote),
      collateral: [software.collateral({ atSeconds, ...statement })],
    } as const;
    return { program: given.claimed ?? given.program ?? program, nonceEpoch: epoch(nonceEpoch), evidence };
  }

  tryAdmit(
    name: string,
    given: Given & { readonly capacity?: number; readonly price?: bigint; readonly value?: AttoFil } = {},
    by: Account = operator,
  ) {
    const key = account(`node ${name}`);
    const params = {
      publicKey: publicKeyOf(key.privateKey),
      peerId: `peer-${name}`,
      capacityBytes: given.capacity ?? 2 ** 30,
      leastPrice: attoFil(given.price ?? 0n),
      proof: this.proof(key, `peer-${name}`, given),
    };
    return this.send(by, this.builtins.pins, "pins.admitNode", params, { value: given.value ?? stake });
  }

  admit(name: string, given: Parameters<PinWorld["tryAdmit"]>[1] = {}): TestNode {
    const { returns, text } = this.tryAdmit(name, given);
    if (returns === undefined) throw new RangeError(`not admitted: ${text}`);
    const node = new TestNode(this, returns, account(`node ${name}`), this.content.copy());
    this.nodes.push(node);
    return node;
  }

  proofKey(name: string, key: Account = account(`node ${name}`)): Uint8Array {
    return publicKeyOf(key.privateKey);
  }

  /** The same node after it has taken another key. */
  withKey(node: TestNode, key: Account): TestNode {
    return new TestNode(this, node.number, key, node.disk);
  }

  /** Everybody who should have content has it. */
  spread(): void {
    for (const node of this.nodes)
      for (const [cid, block] of this.content.blocks) node.disk.blocks.set(cid, block);
  }

  order(
    root: CID,
    bytes: number,
    given: {
      readonly wanted?: number;
      readonly price?: bigint;
      readonly slots?: number;
      readonly value?: bigint;
      readonly by?: Account;
    } = {},
  ) {
    const { wanted = 1, price = 2n ** 30n, slots = 10, value = filToAtto(100n), by = alice } = given;
    const params = { cid: root, bytes, wanted, price: attoFil(price), slots };
    return this.send(by, this.builtins.pins, "pins.addPin", params, { value: attoFil(value) });
  }

  node(number: number): PinNode {
    const found = readPinNode(this.store, this.state, number);
    if (found === undefined) throw new RangeError(`no node ${number}`);
    return found;
  }

  /** Each given node reports in this slot. */
  reportAll(nodes: readonly TestNode[] = this.nodes): void {
    for (const node of nodes) {
      const { exitCode, text } = node.submit();
      if (exitCode !== 0) throw new RangeError(`node ${node.number}: ${text}`);
    }
  }

  settle(...pins: readonly number[]) {
    return this.send(alice, this.builtins.pins, "pins.settlePins", { pins });
  }

  /** Waits until a running order is credited up to now. */
  credit(...pins: readonly number[]) {
    this.toSlot(this.slot + this.params.pinDisputeSlots);
    return this.settle(...pins);
  }

  /** The buyer asks a node about an order. */
  askAbout(pin: number, node: number, by: Account = alice, value: AttoFil = deposit) {
    return this.send(by, this.builtins.pins, "pins.askOrder", { pin, node }, { value });
  }
  answer(pin: number, node: number, blocks: readonly Uint8Array[], by: Account = carol) {
    return this.send(by, this.builtins.pins, "pins.answerAsk", { pin, node, blocks });
  }
  closeAsk(pin: number, node: number, by: Account = carol) {
    return this.send(by, this.builtins.pins, "pins.closeAsk", { pin, node });
  }

  call(path: "pins.leave" | "pins.withdrawStake" | "pins.claimEarned", node: number, by: Account = operator) {
    return this.send(by, this.builtins.pins, path, { node });
  }
}

export class TestNode {
  readonly world: PinWorld;
  readonly number: number;
  readonly key: Account;
  readonly disk: BlockMap;

  constructor(world: PinWorld, number: number, key: Account, disk: BlockMap) {
    this.world = world;
    this.number = number;
    this.key = key;
    this.disk = disk;
  }

  get state(): PinNode {
    return this.world.node(this.number);
  }

  slotHash(slot = this.world.slot): Uint8Array {
    const start = epoch(slot * this.world.params.pinSlotEpochs);
    return testRandomness(start, pinSlotTag, new Uint8Array(0));
  }

  /** The walk of a sample over its own blocks, with those that it passes; undefined where one is missing. */
  walk(seed: Uint8Array, root: CID, disk: BlockMap = this.disk) {
    const walk = walkPin(seed, root);
    const blocks: Uint8Array[] = [];
    for (let step = walk.next(); ; ) {
      if (step.done === true) return step.value === undefined ? undefined : { ...step.value, blocks };
      const block = disk.get(step.value);
      if (block === undefined) return undefined;
      blocks.push(block);
      step = walk.next(block);
    }
  }

  draft(change: Partial<UnsignedPinReport> = {}): UnsignedPinReport {
    const { world, number } = this;
    const given = { node: number, height: epoch(world.height + 1), slotHash: this.slotHash() };
    const facts = pinReportFacts(world.store, world.state, { ...given, networkId: testNetworkId });
    if (facts === undefined) throw new RangeError("no such node");
    const { slot, slotHash, node, set } = facts;
    const draw = { networkId: testNetworkId, slot, slotHash, key: this.key.address };
    const samples = Array.from({ length: set.count === 0 ? 0 : facts.samples }, (_, index): PinSample => {
      const seed = sampleSeed(draw, index);
      const pin = set.at(sampledPlace(seed, set.count)) ?? -1;
      const root = facts.rootOf(pin);
      const end = root === undefined ? undefined : this.walk(seed, root);
      // Of an order that was closed since the slot began nobody knows the root any more.
      const nothing = { block: null, answer: new Uint8Array(32), bytes: 0, elapsedMs: 5 };
      if (root === undefined || end === undefined) return { pin, root: root ?? unknownRoot, ...nothing };
      return { pin, root, block: end.block, answer: end.answer, bytes: end.bytes, elapsedMs: 5 };
    });
    const waiting = [...assignedPins(world.store, world.state, number)].filter((one) => !one.isConfirmed);
    const added = waiting.map((one) => one.number);
    const fields = { node: number, key: this.key.address, slot, slotHash, previous: node.lastReport };
    return { ...fields, set: set.root, count: set.count, added, samples, program: "tests", ...change };
  }

  report(change: Partial<UnsignedPinReport> = {}): PinReport {
    return signPinReport(this.key.privateKey, testNetworkId, this.draft(change));
  }

  /** The walk that an ask is for, over this node's blocks; undefined where one is missing, or nothing is asked. */
  askedWalk(pin: number, disk: BlockMap = this.disk): readonly Uint8Array[] | undefined {
    const { world, number } = this;
    const order = readPin(world.store, world.state, pin);
    const ask = order?.replicas.find(({ node }) => node === number)?.ask;
    if (order === undefined || ask === undefined || ask === null) return undefined;
    const drawnAt = epoch(askStart(ask, readGapEnd(world.store, world.state)) + 1);
    const seed = testRandomness(drawnAt, pinAskTag, askEntropy(pin, number));
    return this.walk(seed, order.cid, disk)?.blocks;
  }

  /** A report of which only the first samples are answered. */
  partly(answered: number): PinReport {
    const draft = this.draft();
    const nothing = { block: null, answer: new Uint8Array(32), bytes: 0 };
    const samples = draft.samples.map((one, index) => (index < answered ? one : { ...one, ...nothing }));
    return signPinReport(this.key.privateKey, testNetworkId, { ...draft, samples });
  }

  submit(report: PinReport = this.report()) {
    return this.world.send(operator, this.world.builtins.pins, "pins.submitReport", { report });
  }

  /** The seed of a sample of a report of this node. */
  seedOf(report: PinReport, sample: number): Uint8Array {
    const { slot, slotHash, key } = report;
    return sampleSeed({ networkId: testNetworkId, slot, slotHash, key }, sample);
  }
}

interface Order {
  readonly number: number;
  readonly root: CID;
  readonly bytes: number;
}
interface Running {
  readonly world: PinWorld;
  readonly order: Order;
  readonly a: TestNode;
  readonly b: TestNode;
  readonly c: TestNode;
}
let ready:
  | { readonly world: PinWorld; readonly state: CID; readonly height: number; readonly order: Order }
  | undefined;

/** Three nodes and one order that all of them hold, in the first slot in which it counts. Made once, given anew. */
export function running(): Running {
  ready ??= prepare();
  const { world, order } = ready;
  world.state = ready.state;
  world.height = epoch(ready.height);
  world.nodes.length = 3;
  for (const { disk } of world.nodes) disk.blocks.clear();
  world.spread();
  const [a, b, c] = world.nodes as [TestNode, TestNode, TestNode];
  return { world, order, a, b, c };
}

function prepare(): NonNullable<typeof ready> {
  const world = new PinWorld();
  for (const name of ["a", "b", "c"]) world.admit(name);
  const { root, bytes } = world.content.file("a file", 12);
  const number = world.order(root, bytes, { wanted: 3 }).returns;
  if (number === undefined) throw new RangeError("no order");
  world.nextSlot();
  world.reportAll();
  world.nextSlot();
  return { world, state: world.state, height: world.height, order: { number, root, bytes } };
}
