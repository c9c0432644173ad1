/**
 * The miner, its deadlines and the market's tick against a model: any sequence of sealing, proving, skipping,
 * failing, declaring, withdrawing, waiting and standing still gives the predicted exit codes, sectors, pledge,
 * power and money. The money of the whole network is added up after every step.
 */
import { attoFil, epoch, filToAtto } from "@holdfast/base";
import type { CodeTable } from "@holdfast/consensus";
import { none, provingOffset, vmExitCodes as x } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokenMiner } from "./canaries.ts";
import { machineParams, minerCanaries } from "./miner-canaries.ts";
import { MinerModel, type ModelSector } from "./miner-model.ts";
import { applyTerms, type TermsOp, termsOps } from "./miner-terms.ts";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import { badProof, goodProof, openingBalance, owner, pledge, World } from "./world.ts";

const params = machineParams;
const { proofWindowEpochs: windowEpochs } = params;
const { sealChallengeDelayEpochs: delay, preCommitExpiryEpochs: expiryEpochs } = params;
const opening = filToAtto(4n);
const ids = [0, 1, 2, 3, 300, 301] as const;
const id = fc.constantFrom(...ids);

type Op =
  | { kind: "preCommit"; id: number; big: boolean; life: number; value: 0 | 1 }
  | { kind: "commit"; id: number; good: boolean }
  | { kind: "seal"; id: number; life: number }
  | { kind: "post"; good: boolean; partitions: readonly number[]; skipped: readonly number[] }
  | { kind: "sealSome"; ids: readonly number[] }
  | { kind: "prove"; skipped: readonly number[]; declared: readonly number[] }
  | { kind: "miss" }
  | { kind: "faults" | "recovery"; ids: readonly number[] }
  | { kind: "withdraw"; percent: number }
  | { kind: "heal"; life: number }
  | { kind: "wait" | "skip"; epochs: number }
  | TermsOp;

const life = fc.constantFrom(9, 12, 30, 55, 90, 200);
const kind = <K extends string>(...kinds: readonly K[]) => fc.constantFrom(...kinds);
const few = fc.uniqueArray(id, { minLength: 1, maxLength: 2 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("preCommit" as const),
      id,
      big: fc.boolean(),
      life,
      value: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind("commit" as const), id, good: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: kind("seal" as const), id, life }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("post" as const),
      good: fc.boolean(),
      partitions: fc.constantFrom([0], [1], [0, 1], [1, 0], []),
      skipped: fc.constantFrom([], [], [1], [0, 2], [3, 0]),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind("prove" as const),
      skipped: fc.constantFrom([], [], [0], [1, 3], [2]),
      declared: fc.constantFrom([], [], [], [0], [1], [3]),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind("miss" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("sealSome" as const),
      ids: fc.shuffledSubarray([...ids], { minLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: kind("faults" as const), ids: few }) },
  { weight: 3, arbitrary: fc.record({ kind: kind("recovery" as const), ids: few }) },
  { weight: 2, arbitrary: termsOps(few) },
  { weight: 1, arbitrary: fc.record({ kind: kind("heal" as const), life: fc.constantFrom(90, 400) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("withdraw" as const), percent: fc.nat({ max: 120 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind("wait" as const, "skip" as const),
      epochs: fc.integer({ min: 1, max: 30 }),
    }),
  },
);

interface Run {
  readonly m: MinerWorld;
  readonly model: MinerModel;
  /** What the owner has paid in and taken out. */
  ownerSpent: bigint;
}

function preCommit(run: Run, given: { id: number; big: boolean; life: number; value: 0 | 1 }): boolean {
  const { m, model } = run;
  const height = m.world.height + 1;
  const value = given.value === 1 ? pledge : attoFil(0n);
  const expiration = epoch(height + given.life);
  const sectorBytes = given.big ? 2048 : 1024;
  const { exitCode } = m.preCommit(given.id, { sectorBytes, expiration }, { from: owner, value });
  model.block(height);
  const expected =
    given.life < params.minSectorLifetimeEpochs
      ? x.expirationOutOfRange
      : model.balance + value - model.pledge < pledge
        ? x.insufficientPledge
        : model.used.has(given.id)
          ? x.sectorExists
          : x.ok;
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return false;
  model.balance += value;
  run.ownerSpent += value;
  model.used.add(given.id);
  model.preCommits.set(given.id, { bytes: BigInt(sectorBytes), at: height, end: expiration });
  model.watched ??= model.nextJudgement(height);
  return true;
}

function commit({ m, model }: Run, given: { id: number; good: boolean }): void {
  const height = m.world.height + 1;
  const { exitCode } = m.commit(given.id, { proof: given.good ? goodProof : badProof });
  model.block(height);
  const pre = model.preCommits.get(given.id);
  const expected =
    pre === undefined
      ? x.sectorNotFound
      : height <= pre.at + delay
        ? x.sealTooEarly
        : height > pre.at + expiryEpochs
          ? x.preCommitExpired
          : pre.end <= height
            ? x.expirationOutOfRange
            : given.good
              ? x.ok
              : x.sealProofInvalid;
  expect(exitCode).toBe(expected);
  if (pre === undefined || expected !== x.ok) return;
  model.preCommits.delete(given.id);
  const healthy = { proven: null, faulty: null, recovering: null, strikes: 0 };
  const deadline = model.assign(height);
  model.sectors.set(given.id, {
    bytes: pre.bytes,
    since: height,
    deadline,
    end: pre.end,
    pledge,
    ...healthy,
  });
}

type Post = Extract<Op, { kind: "post" }>;

/** The exit code that a proof of the window from `start` meets, and what it changes if it is accepted. */
function judgePost(model: MinerModel, given: Post, start: number, height: number) {
  const { partitions, skipped, good } = given;
  const index = model.deadlineAt(start) ?? -1;
  const fail = (exitCode: number) => ({ exitCode, proven: [], skipping: [] });
  if (height > start + windowEpochs) return fail(x.proofWindowClosed);
  if (partitions.length === 0 || (partitions[1] ?? 9) <= (partitions[0] ?? 0))
    return fail(x.invalidPartitions);
  const asked: number[] = [];
  for (const partition of partitions) {
    const members = model.partition(index, partition);
    const sectors = members.flatMap((number) => model.sectors.get(number) ?? []);
    if (members.length === 0) return fail(x.invalidPartitions);
    if (!sectors.some((sector) => model.isDue(sector, start))) return fail(x.nothingToProve);
    if (!sectors.some((sector) => model.isOpen(sector, start))) return fail(x.postAlreadySubmitted);
    const isOpen = (sector: ModelSector | undefined) => sector !== undefined && model.isOpen(sector, start);
    asked.push(...members.filter((number) => isOpen(model.sectors.get(number))));
  }
  const isStrange = skipped.some((number) => !asked.includes(number));
  if (isStrange || (skipped[1] ?? Number.POSITIVE_INFINITY) <= (skipped[0] ?? -1))
    return fail(x.sectorNotDue);
  const proven = asked.filter((number) => !skipped.includes(number));
  if (!good) return fail(x.postProofInvalid);
  const named = (numbers: readonly number[]) => numbers.flatMap((number) => model.sectors.get(number) ?? []);
  return { exitCode: x.ok, proven: named(proven), skipping: named(skipped) };
}

function post({ m, model }: Run, given: Post): void {
  const height = m.world.height + 1;
  const start = model.startOf(height);
  if (start === null) return;
  const { partitions, skipped } = given;
  const everything = partitions.flatMap((one) => model.partition(model.deadlineAt(start) ?? -1, one));
  const open = everything.filter((number) => {
    const sector = model.sectors.get(number);
    return sector !== undefined && model.isOpen(sector, start);
  });
  const isAllSkipped = open.every((number) => skipped.includes(number));
  const proof = !given.good ? badProof : isAllSkipped ? new Uint8Array(0) : goodProof;
  const { exitCode } = m.post({ from: owner, windowStart: epoch(start), partitions, skipped, proof });
  model.block(height);
  const { exitCode: expected, proven, skipping } = judgePost(model, given, start, height);
  expect(exitCode).toBe(expected);
  for (const sector of proven) {
    Object.assign(sector, { proven: height, faulty: null, recovering: null, strikes: 0 });
  }
  for (const sector of skipping) model.skip(sector, height);
}

/** Proves everything that the next window asks for, but for some sectors. */
function prove(run: Run, unwanted: readonly number[], declared: readonly number[]): void {
  const { m, model } = run;
  const start = model.nextJudgement(m.world.height + windowEpochs) - windowEpochs - 1;
  waitTo(run, start);
  if (declared.length > 0) declare(run, { kind: "faults", ids: declared });
  const index = model.deadlineAt(start) ?? -1;
  for (const partition of ids.keys()) {
    const open = model.partition(index, partition).filter((number) => {
      const sector = model.sectors.get(number);
      return sector !== undefined && model.isOpen(sector, start);
    });
    if (open.length === 0) continue;
    const skipped = open.filter((number) => unwanted.includes(number));
    post(run, { kind: "post", good: true, partitions: [partition], skipped });
  }
}

function declare({ m, model }: Run, given: { kind: "faults" | "recovery"; ids: readonly number[] }): void {
  const height = m.world.height + 1;
  const isFault = given.kind === "faults";
  const { exitCode } = isFault ? m.declareFaults(given.ids) : m.declareRecovery(given.ids);
  model.block(height);
  const sectors = given.ids.map((number) => model.sectors.get(number));
  const codes = sectors.map((sector) => {
    if (sector === undefined) return x.sectorNotFound;
    if (!isFault && sector.faulty === null) return x.sectorNotFaulty;
    return model.isFrozen(sector.deadline, height) ? x.deadlineFrozen : x.ok;
  });
  // The first sector that is wrong decides.
  const expected = codes.find((code) => code !== x.ok) ?? x.ok;
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  for (const sector of sectors) {
    if (sector === undefined) continue;
    if (isFault) Object.assign(sector, { faulty: sector.faulty ?? height, recovering: null });
    else sector.recovering ??= height;
  }
}

function withdraw(run: Run, percent: number): void {
  const { m, model } = run;
  const height = m.world.height + 1;
  const amount = attoFil(((model.balance - model.pledge) * BigInt(percent)) / 100n);
  const { exitCode } = m.world.send(owner, m.miner, "miner.withdraw", { amount });
  model.block(height);
  const expected = amount > model.balance - model.pledge ? x.withdrawTooLarge : x.ok;
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  model.balance -= amount;
  run.ownerSpent -= amount;
}

/** Brings back what is faulty and lets it live longer, as its miner would. */
function heal(run: Run, life: number): void {
  const { m, model } = run;
  const faulty = ids.filter((number) => typeof model.sectors.get(number)?.faulty === "number");
  for (const number of faulty) declare(run, { kind: "recovery", ids: [number] });
  for (let deadline = 0; deadline < params.deadlinesPerPeriod; deadline++) prove(run, [], []);
  waitTo(run, model.nextJudgement(m.world.height));
  for (const number of faulty) applyTerms(m, model, { kind: "extend", ids: [number], life });
}

/** One block at each epoch up to a height. */
function waitTo({ m, model }: Run, height: number): void {
  while (m.world.height < height) {
    m.world.mineTo(m.world.height + 1);
    model.block(m.world.height);
  }
}

function apply(run: Run, given: Op): void {
  const { m, model } = run;
  if (given.kind === "preCommit") preCommit(run, given);
  else if (given.kind === "commit") commit(run, given);
  else if (given.kind === "seal") {
    if (!preCommit(run, { ...given, big: false, value: 1 })) return;
    waitTo(run, m.world.height + delay);
    commit(run, { id: given.id, good: true });
  } else if (given.kind === "sealSome") {
    const made = given.ids.filter((number) =>
      preCommit(run, { id: number, big: number > 1, life: 200, value: 1 }),
    );
    waitTo(run, m.world.height + delay);
    for (const number of made) commit(run, { id: number, good: true });
  } else if (given.kind === "prove") prove(run, given.skipped, given.declared);
  else if (given.kind === "miss") waitTo(run, model.nextJudgement(m.world.height + windowEpochs));
  else if (given.kind === "post") post(run, given);
  else if (given.kind === "withdraw") withdraw(run, given.percent);
  else if (given.kind === "wait") waitTo(run, m.world.height + given.epochs);
  else if (given.kind === "skip") {
    m.world.skipTo(m.world.height + given.epochs);
    model.block(m.world.height);
  } else if (given.kind === "heal") heal(run, given.life);
  else if (given.kind === "extend" || given.kind === "terminate") applyTerms(m, model, given);
  else if ("ids" in given) declare(run, given);
}

function compare({ m, model, ownerSpent }: Run): void {
  const { world, view } = m;
  const money = world.money();
  expect(money.pledge).toBe(model.pledge);
  expect(money.burnt).toBe(model.burnt);
  expect(world.balance(owner.address)).toBe(openingBalance - opening - ownerSpent);
  expect({
    balance: view.balance,
    pledge: view.pledge,
    power: view.power,
    burnt: view.burnt,
    watched: view.deadline,
    preCommits: view.preCommitCount,
  }).toEqual({
    balance: model.balance,
    pledge: model.pledge,
    power: model.power,
    burnt: model.burnt,
    watched: model.watched,
    preCommits: model.preCommits.size,
  });
  const { market } = world.builtins;
  expect(world.ask(market, "market.getTotalPower", none).returns).toBe(model.power);
  expect(world.ask(market, "market.getMinerPower", { miner: m.miner }).returns).toBe(model.power);
  const expected = [...model.sectors].sort(([a], [b]) => a - b);
  const found = m.sectors().map((sector): [number, ModelSector] => [
    sector.sectorId,
    {
      bytes: BigInt(sector.sectorBytes),
      since: sector.activatedAt,
      deadline: sector.deadlineIndex,
      end: sector.expiration,
      pledge: sector.pledge,
      proven: sector.lastProven,
      faulty: sector.faultySince,
      recovering: sector.recoveringSince,
      strikes: sector.faultyPeriods,
    },
  ]);
  expect(found).toEqual(expected);
}

function property(codes?: CodeTable) {
  const size = fc.constantFrom(1, 2);
  return fc.property(fc.array(op, { minLength: 12, maxLength: 30 }), size, (ops, partitionSectors) => {
    const world = new World({
      params: { ...params, partitionSectors },
      ...(codes === undefined ? {} : { codes }),
    });
    const m = createMinerWorld(world, opening);
    const offset = provingOffset(world.params, m.miner);
    const model = new MinerModel(world.params, opening, world.height, offset);
    const run: Run = { m, model, ownerSpent: 0n };
    for (const one of ops) {
      apply(run, one);
      compare(run);
    }
  });
}

describe("miner", () => {
  it("control: a wrapped method without a mistake is not caught", () => {
    const unbroken = brokenMiner("onDeadline", (_, __, run) => run());
    fc.assert(property(unbroken), { numRuns: 10 });
  });

  it("does what the model says, with exact money and power", () => {
    fc.assert(property(), { numRuns: 50 });
  });

  it("does so until sectors that stay faulty are terminated", () => {
    const world = new World({ params });
    const m = createMinerWorld(world, opening);
    const model = new MinerModel(world.params, opening, world.height, provingOffset(world.params, m.miner));
    const run: Run = { m, model, ownerSpent: 0n };
    for (const number of [0, 1, 300]) apply(run, { kind: "seal", id: number, life: 450 });
    apply(run, { kind: "recovery", ids: [0] });
    for (let period = 0; period < 14; period++) {
      apply(run, { kind: "wait", epochs: params.provingPeriodEpochs });
      compare(run);
    }
    apply(run, { kind: "wait", epochs: params.provingPeriodEpochs });
    compare(run);
    expect(m.sectors()).toEqual([]);
    expect(model.burnt).toBe(3n * pledge);
  });

  for (const [mistake, codes] of Object.entries(minerCanaries)) {
    it(`canary: ${mistake}`, () => {
      expect(fc.check(property(codes), { numRuns: 200, seed: 11, endOnFailure: true }).failed).toBe(true);
    });
  }
});
