/**
 * A model of the miner and of the tick, written for obviousness: periods by search, sums by adding up. Only
 * the sizes of the fees are taken from the actor itself.
 */
import type { AttoFil } from "@holdfast/base";
import { attoFil } from "@holdfast/base";
import { expiredPreCommitFee, maxFaultyPeriods, missedProofFee, ongoingFaultFee } from "@holdfast/consensus";
import { pledge, testParams } from "./world.ts";

const { provingPeriodEpochs: period, proofWindowEpochs: windowEpochs } = testParams;
const { preCommitExpiryEpochs: expiryEpochs } = testParams;

export interface ModelSector {
  bytes: bigint;
  since: number;
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
  readonly sectors = new Map<number, ModelSector>();
  readonly preCommits = new Map<number, ModelPreCommit>();
  readonly used = new Set<number>();
  balance: bigint;
  burnt = 0n;
  deadline: number | null = null;
  /** Heights of all tipsets. */
  readonly blocks: number[];
  readonly offset: number;

  constructor(opening: AttoFil, height: number, firstDeadline: number) {
    this.balance = opening;
    this.blocks = Array.from({ length: height + 1 }, (_, at) => at);
    this.offset = (firstDeadline - windowEpochs - 1) % period;
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
  /** Start of the period of a height, by search. */
  startOf(height: number): number | null {
    for (let start = height - 1; start >= 0; start--) if (start % period === this.offset) return start;
    return null;
  }
  nextDeadline(height: number): number {
    let at = height + 1;
    while ((at - windowEpochs - 1 - this.offset) % period !== 0) at++;
    return at;
  }
  isDue(sector: ModelSector, start: number): boolean {
    if (sector.since >= start || sector.end <= start) return false;
    return sector.faulty === null || (sector.recovering !== null && sector.recovering < start);
  }
  due(start: number): ModelSector[] {
    return [...this.sectors.values()].filter((sector) => this.isDue(sector, start));
  }
  /** A gap of at least half a window that touches the window of the period. */
  isStalled(start: number): boolean {
    return this.blocks.some((at, index) => {
      const before = this.blocks[index - 1];
      if (before === undefined || 2 * (at - before - 1) < windowEpochs) return false;
      return before <= start + windowEpochs && at - 1 > start;
    });
  }

  block(height: number): void {
    this.blocks.push(height);
    while (this.deadline !== null && this.deadline <= height) this.judge(this.deadline, height);
  }

  burn(amount: AttoFil): void {
    this.burnt += amount;
    this.balance -= amount;
  }

  judge(deadline: number, height: number): void {
    const start = deadline - windowEpochs - 1;
    const stalled = this.isStalled(start);
    for (const [number, preCommit] of this.preCommits) {
      if (height <= preCommit.at + expiryEpochs) continue;
      this.burn(expiredPreCommitFee(pledge));
      this.preCommits.delete(number);
    }
    for (const [number, sector] of this.sectors) {
      if (!stalled) this.punish(number, sector, start, height);
      if (sector.end <= height) this.sectors.delete(number);
    }
    const isEmpty = this.sectors.size + this.preCommits.size === 0;
    this.deadline = isEmpty ? null : stalled ? this.nextDeadline(height) : deadline + period;
  }

  punish(number: number, sector: ModelSector, start: number, height: number): void {
    const missed = this.isDue(sector, start) && (sector.proven === null || sector.proven <= start);
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
