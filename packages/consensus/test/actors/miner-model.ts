/**
 * A model of the miner and of the tick, written for obviousness: windows by search, sums by adding up. Only
 * the sizes of the fees are taken from the actor itself.
 */
import type { AttoFil } from "@holdfast/base";
import { attoFil } from "@holdfast/base";
import {
  expiredPreCommitFee,
  maxFaultyPeriods,
  missedProofFee,
  type NetworkParams,
  ongoingFaultFee,
  skippedSectorFee,
} from "@holdfast/consensus";
import { pledge } from "./world.ts";

export interface ModelSector {
  bytes: bigint;
  since: number;
  deadline: number;
  end: number;
  pledge: AttoFil;
  proven: number | null;
  faulty: number | null;
  recovering: number | null;
  strikes: number;
}
export interface ModelPreCommit {
  bytes: bigint;
  at: number;
  end: number;
}

/** What the miner should be after each block. */
export class MinerModel {
  readonly params: NetworkParams;
  readonly sectors = new Map<number, ModelSector>();
  readonly preCommits = new Map<number, ModelPreCommit>();
  readonly used = new Set<number>();
  balance: bigint;
  burnt = 0n;
  /** The epoch of the enrolled judgement. */
  watched: number | null = null;
  /** Heights of all tipsets. */
  readonly blocks: number[];
  /** Epoch modulo the period at which the windows of deadline 0 start. */
  readonly offset: number;

  constructor(params: NetworkParams, opening: AttoFil, height: number, offset: number) {
    this.params = params;
    this.balance = opening;
    this.blocks = Array.from({ length: height + 1 }, (_, at) => at);
    this.offset = offset;
  }
  get length(): number {
    return this.params.provingPeriodEpochs / this.params.deadlinesPerPeriod;
  }
  get height(): number {
    return this.blocks.at(-1) ?? 0;
  }
  get pledge(): bigint {
    const locked = [...this.sectors.values()].reduce((total, sector) => total + sector.pledge, 0n);
    return locked + BigInt(this.preCommits.size) * pledge;
  }
  get power(): bigint {
    const healthy = [...this.sectors.values()].filter((sector) => sector.faulty === null);
    return healthy.reduce((total, sector) => total + sector.bytes, 0n);
  }

  /** The deadline whose window starts at an epoch; undefined if none does. */
  deadlineAt(start: number): number | undefined {
    const { provingPeriodEpochs: period, deadlinesPerPeriod: count } = this.params;
    for (let index = 0; index < count; index++) {
      if (start >= 0 && (start - this.offset - index * this.length) % period === 0) return index;
    }
    return undefined;
  }
  /** Start of the window whose turn it is at a height, by search. */
  startOf(height: number): number | null {
    for (let start = height - 1; start >= 0; start--) if (this.deadlineAt(start) !== undefined) return start;
    return null;
  }
  nextStart(index: number, from: number): number {
    let start = from;
    while (this.deadlineAt(start) !== index) start++;
    return start;
  }
  nextJudgement(height: number): number {
    let at = height + 1;
    while (this.deadlineAt(at - this.params.proofWindowEpochs - 1) === undefined) at++;
    return at;
  }
  /** Within the cutoff before a window of the deadline, or in the window. */
  isFrozen(index: number, height: number): boolean {
    const { proofWindowEpochs, declarationCutoffEpochs } = this.params;
    for (let start = height - proofWindowEpochs; start <= height + declarationCutoffEpochs; start++) {
      if (this.deadlineAt(start) === index) return true;
    }
    return false;
  }
  /** The deadline of a sector that is committed at a height. */
  assign(height: number): number {
    const free = Array.from({ length: this.params.deadlinesPerPeriod }, (_, index) => index)
      .filter((index) => !this.isFrozen(index, height))
      .map((index) => ({
        index,
        count: this.members(index).length,
        start: this.nextStart(index, height + 1),
      }));
    const [best] = free.sort((a, b) => a.count - b.count || a.start - b.start);
    if (best === undefined) throw new RangeError("all deadlines are frozen");
    return best.index;
  }
  /** Numbers of the sectors of a deadline, ascending. */
  members(index: number): number[] {
    const numbers = [...this.sectors].filter(([, sector]) => sector.deadline === index).map(([id]) => id);
    return numbers.sort((a, b) => a - b);
  }
  partition(index: number, partition: number): number[] {
    return this.members(index).filter((_, at) => Math.floor(at / this.params.partitionSectors) === partition);
  }
  isDue(sector: ModelSector, start: number): boolean {
    if (sector.since >= start || sector.end <= start) return false;
    return sector.faulty === null || (sector.recovering !== null && sector.recovering < start);
  }
  isOpen(sector: ModelSector, start: number): boolean {
    return this.isDue(sector, start) && (sector.proven === null || sector.proven <= start);
  }
  /** A gap of at least half a window that touches the window. */
  isStalled(start: number): boolean {
    const { proofWindowEpochs: windowEpochs } = this.params;
    return this.blocks.some((at, index) => {
      const before = this.blocks[index - 1];
      if (before === undefined || 2 * (at - before - 1) < windowEpochs) return false;
      return before <= start + windowEpochs && at - 1 > start;
    });
  }

  block(height: number): void {
    this.blocks.push(height);
    while (this.watched !== null && this.watched <= height) this.judge(this.watched, height);
  }

  burn(amount: AttoFil): void {
    this.burnt += amount;
    this.balance -= amount;
  }

  skip(sector: ModelSector, height: number): void {
    const fee = skippedSectorFee(sector.pledge);
    this.burn(fee);
    sector.pledge = attoFil(sector.pledge - fee);
    sector.faulty ??= height;
    sector.recovering = null;
  }

  judge(judgedAt: number, height: number): void {
    const start = judgedAt - this.params.proofWindowEpochs - 1;
    const index = this.deadlineAt(start);
    const stalled = this.isStalled(start);
    for (const [number, preCommit] of this.preCommits) {
      // They leave with the first judgement after their end, the first that the chain has reached.
      if (this.nextJudgement(preCommit.at + this.params.preCommitExpiryEpochs) > height) continue;
      this.burn(expiredPreCommitFee(pledge));
      this.preCommits.delete(number);
    }
    for (const [number, sector] of this.sectors) {
      if (sector.deadline !== index) continue;
      if (!stalled) this.punish(number, sector, start, height);
      if (sector.end <= height) this.sectors.delete(number);
    }
    const isEmpty = this.sectors.size + this.preCommits.size === 0;
    this.watched = isEmpty ? null : this.nextJudgement(stalled ? height : judgedAt);
  }

  punish(number: number, sector: ModelSector, start: number, height: number): void {
    const missed = this.isOpen(sector, start);
    if (!missed && sector.faulty === null) return;
    sector.strikes += 1;
    sector.faulty ??= height;
    const isLast = sector.strikes >= maxFaultyPeriods;
    const fee = missed ? missedProofFee(sector.pledge) : ongoingFaultFee(sector.pledge);
    this.burn(isLast ? sector.pledge : fee);
    sector.pledge = attoFil(sector.pledge - fee);
    if (missed) sector.recovering = null;
    if (isLast) this.sectors.delete(number);
  }
}
