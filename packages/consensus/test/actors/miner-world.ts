/** A miner in a test chain, with short names for what its worker does. */
import type { Address, AttoFil, Epoch } from "@holdfast/base";
import { epoch, sectorId } from "@holdfast/base";
import type { None, PreCommitSector, Sector } from "@holdfast/consensus";
import {
  deadlineOf,
  nextDeadlineAfter,
  periodStartAt,
  readMinerState,
  readSector,
  readSectors,
} from "@holdfast/consensus";
import type { Account, Outcome, World } from "./world.ts";
import { createMiner, goodProof, hash32, worker } from "./world.ts";

export interface SendOptions {
  readonly from?: Account;
  readonly value?: AttoFil;
  readonly gasLimit?: number;
}

export class MinerWorld {
  readonly world: World;
  readonly miner: Address;

  constructor(world: World, miner: Address) {
    this.world = world;
    this.miner = miner;
  }

  get view() {
    return readMinerState(this.world.store, this.world.state, this.miner);
  }
  sector(id: number): Sector | undefined {
    return readSector(this.world.store, this.world.state, this.miner, sectorId(id));
  }
  sectors(): Sector[] {
    return readSectors(this.world.store, this.world.state, this.miner);
  }

  preCommit(id: number, over: Partial<PreCommitSector> = {}, options: SendOptions = {}): Outcome<None> {
    const { height } = this.world;
    const given: PreCommitSector = {
      sectorId: id as PreCommitSector["sectorId"],
      sectorBytes: 1024,
      commD: hash32(`commD ${id}`),
      commR: hash32(`commR ${id}`),
      commRStar: hash32(`commR* ${id}`),
      ticketEpoch: epoch(height),
      expiration: epoch(height + 400),
      ...over,
    };
    const { from = worker, ...rest } = options;
    return this.world.send(from, this.miner, "miner.preCommitSector", given, rest);
  }

  /** Makes blocks until a commit in the next one is accepted. */
  waitForChallenge(): void {
    this.world.mineTo(this.world.height + this.world.params.sealChallengeDelayEpochs);
  }

  commit(id: number, options: SendOptions & { readonly proof?: Uint8Array } = {}): Outcome<None> {
    const { from = worker, proof = goodProof, ...rest } = options;
    return this.world.send(from, this.miner, "miner.commitSector", { sectorId: sectorId(id), proof }, rest);
  }

  /** Pre-commits and commits; the sector is active at the height after. */
  addSector(id: number, over: Partial<PreCommitSector> = {}): void {
    const preCommit = this.preCommit(id, over);
    if (preCommit.exitCode !== 0) throw new RangeError(preCommit.text);
    this.waitForChallenge();
    const commit = this.commit(id);
    if (commit.exitCode !== 0) throw new RangeError(commit.text);
  }

  post(options: SendOptions & { readonly proof?: Uint8Array; readonly periodStart?: Epoch } = {}) {
    const { from = worker, proof = goodProof, periodStart = this.periodStart(), ...rest } = options;
    return this.world.send(from, this.miner, "miner.submitPost", { periodStart, proof }, rest);
  }

  /** Start of the period to which a message in the next block belongs. */
  periodStart(): Epoch {
    const start = periodStartAt(this.world.params, this.miner, epoch(this.world.height + 1));
    if (start === null) throw new RangeError("the first period has not begun");
    return start;
  }

  /** Makes blocks so that the next block is the first of a proof window; gives the period's start. */
  mineToNextPeriod(): Epoch {
    const { params } = this.world;
    const deadline = this.nextDeadline();
    const start = deadline - params.proofWindowEpochs - 1;
    const next = start >= this.world.height ? start : start + params.provingPeriodEpochs;
    this.world.mineTo(next);
    return epoch(next);
  }

  nextDeadline(): Epoch {
    return nextDeadlineAfter(this.world.params, this.miner, this.world.height);
  }

  /** Makes blocks up to and including the one in which the miner is judged next. */
  mineToDeadline(): void {
    this.world.mineTo(this.nextDeadline());
  }

  /** The whole of the current period passes: up to just after a judgement. */
  mineToJustAfterDeadline(): void {
    this.mineToDeadline();
    if (this.world.height !== deadlineOf(this.world.params, this.periodStart())) {
      throw new RangeError("a deadline is at the end of its period's window");
    }
  }

  declareFaults(ids: readonly number[], from: Account = worker) {
    const sectorIds = ids.map((id) => sectorId(id));
    return this.world.send(from, this.miner, "miner.declareFaults", { sectorIds });
  }
  declareRecovery(ids: readonly number[], from: Account = worker) {
    const sectorIds = ids.map((id) => sectorId(id));
    return this.world.send(from, this.miner, "miner.declareRecovery", { sectorIds });
  }
}

/** A world with one miner that has some free balance. */
export function createMinerWorld(world: World, value: AttoFil): MinerWorld {
  return new MinerWorld(world, createMiner(world, value));
}
