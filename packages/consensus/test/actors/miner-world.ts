/** A miner in a test chain, with short names for what its worker does. */
import type { Address, AttoFil, Epoch } from "@holdfast/base";
import { epoch, sectorId } from "@holdfast/base";
import type { DeadlineWindow, None, PreCommitSector, Sector, SubmitPost } from "@holdfast/consensus";
import {
  nextJudgementAfter,
  nextWindowOf,
  readMinerState,
  readSector,
  readSectors,
  windowAt,
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

  /** By default all of the first partition of the open deadline. */
  post(
    options: SendOptions & { readonly skipped?: readonly number[] } & Partial<
        Omit<SubmitPost, "skipped">
      > = {},
  ) {
    const { from = worker, value, gasLimit, ...given } = options;
    const { proof = goodProof, windowStart = this.window().start, partitions = [0], skipped = [] } = given;
    const params = { windowStart, partitions, skipped: skipped.map((id) => sectorId(id)), proof };
    const rest = {
      ...(value === undefined ? {} : { value }),
      ...(gasLimit === undefined ? {} : { gasLimit }),
    };
    return this.world.send(from, this.miner, "miner.submitPost", params, rest);
  }

  /** The window to which a message in the next block belongs. */
  window(): DeadlineWindow {
    const window = windowAt(this.world.params, this.miner, epoch(this.world.height + 1));
    if (window === null) throw new RangeError("the first window has not begun");
    return window;
  }

  /** The deadline of a sector, by default of the miner's first. */
  home(id?: number): number {
    const sector = id === undefined ? this.sectors()[0] : this.sector(id);
    return sector?.deadlineIndex ?? 0;
  }

  /** Makes blocks so that the next block is the first of a window of a deadline; gives the window's start. */
  mineToWindow(index = this.home()): Epoch {
    const { start } = nextWindowOf(this.world.params, this.miner, index, this.world.height);
    this.world.mineTo(start);
    return start;
  }

  /** The epoch at which a deadline is judged next. */
  nextJudgement(index = this.home()): Epoch {
    const { params, height } = this.world;
    const from = epoch(Math.max(0, height - params.proofWindowEpochs));
    return nextWindowOf(params, this.miner, index, from).judgedAt;
  }

  /** Makes blocks up to and including the one in which a deadline is judged next. */
  mineToJudgement(index = this.home()): void {
    this.world.mineTo(this.nextJudgement(index));
  }

  /** The next window of a deadline is proven and judged. */
  proveHome(index = this.home()): void {
    this.mineToWindow(index);
    this.post();
    this.mineToJudgement(index);
  }

  /** Some deadline of the miner has just been judged. */
  mineToJustAfterJudgement(): void {
    this.world.mineTo(nextJudgementAfter(this.world.params, this.miner, this.world.height));
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
