/**
 * Whether somebody else mines with the keys of this miner. Two nodes with the same keys win the same rounds, sign two
 * blocks of a height and lose everything; but for the same reason a win that passes without a block of another shows
 * that there is none. Invariant: this node signs only while it has no reason to think of a twin, and never again in
 * this life after it has seen one.
 *
 * clear: the record of signed blocks is of this folder and of this start of the machine, and the chain shows nothing
 * newer; a node that was away first follows the chain again. careful: another start of the machine, which a copied disk
 * would be too: the first win is signed late in its round, so that a twin's block is there first. looking: no record,
 * one from another folder, or one that is behind the chain: some rounds pass and wins are given up before the node is
 * careful. twin: a block was signed with its keys since the start, and not here.
 */
import {
  type Address,
  blake2b256,
  type Clock,
  type HoldfastError,
  type Logger,
  utf8Bytes,
} from "@holdfast/base";
import { type BlockHeader, blockCid, timestampOf } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { mineErrors } from "./errors.ts";
import type { MineChain } from "./needs.ts";
import type { MinerPlace, SignedHeights } from "./store.ts";

export interface TwinGuard {
  readonly place: MinerPlace;
  /** The operator knows that there is no other, so nothing is waited for. */
  readonly isSole: boolean;
  /** The node sees what the network does: it has peers and follows their chain. */
  readonly isFollowing: () => boolean;
  /** There is no peer. */
  readonly isUnconnected: () => boolean;
  /** Every valid block that this node gets to know, its own ones too. Returns what ends it. */
  readonly onBlock: (listener: (header: BlockHeader) => void) => () => void;
}

export interface TwinNeeds {
  readonly miner: Address;
  readonly chain: Pick<MineChain, "params" | "genesisTimestampMs" | "head" | "tipsetAt">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly twins: TwinGuard;
}

export type Standing = "clear" | "careful" | "looking" | "twin";

/** In which part of a round a careful node signs: a twin that is not careful has signed at its beginning. */
const carefulFrom = 0.3;
const carefulSpread = 0.4;

export class TwinWatch implements Disposable {
  readonly #needs: TwinNeeds;
  readonly #heights: SignedHeights;
  /** Of the start: whatever is signed for a later one was signed since. */
  readonly #startRound: number;
  readonly #startMs: number;
  readonly #end: () => void;
  #standing: Standing;
  #reason: string | null = null;
  #refusal: HoldfastError | undefined;
  /** The chain at hand is old: what it does not show is not yet known. */
  #isStale: boolean;
  #winsLeft: number = limits.twinWins;
  #roundsLeft: number = limits.twinRounds;
  #lastLook = 0;
  #newestSeen = 0;
  /** Heights that would have been signed, of which nothing is known yet. */
  readonly #open = new Set<number>();

  constructor(needs: TwinNeeds, heights: SignedHeights) {
    const { miner, chain, clock, twins } = needs;
    this.#needs = needs;
    this.#heights = heights;
    this.#startMs = clock.nowMs();
    this.#startRound = Math.floor((this.#startMs - chain.genesisTimestampMs) / chain.params.roundMs);
    this.#isStale = !twins.isSole && this.#startRound - chain.head().height > limits.twinStaleRounds;
    const doubt = this.#doubt();
    if (doubt === undefined) {
      const isSameBoot = twins.isSole || heights.place(miner)?.boot === twins.place.boot;
      this.#standing = isSameBoot ? "clear" : "careful";
    } else if (twins.isSole) {
      this.#standing = "clear";
      heights.adopt(miner, twins.place, Math.max(0, this.#startRound));
    } else {
      this.#standing = "looking";
      this.#look(doubt);
    }
    this.#end = twins.onBlock((header) => this.#see(header));
  }

  standing(): { readonly standing: Standing; readonly reason: string | null; readonly fix: string | null } {
    const standing = this.#standing;
    if (this.#refusal !== undefined) {
      return { standing, reason: this.#refusal.message, fix: this.#refusal.fix ?? null };
    }
    if (this.#isStale) {
      const reason = "it was away: it signs no block before it follows the chain";
      return { standing, reason, fix: "`holdfast why sync` says what it waits for" };
    }
    if (standing === "clear") return { standing, reason: null, fix: null };
    if (standing === "careful") {
      const reason = "the first win since the machine was started is signed late in its round";
      return { standing, reason, fix: null };
    }
    const left = `${this.#roundsLeft} more rounds and ${this.#winsLeft} wins pass before it signs a block`;
    return {
      standing,
      reason: `${this.#reason}; it looks whether another node mines with the same keys: ${left}`,
      fix: "if you know that there is none, start it with `holdfast daemon --sole-miner`",
    };
  }

  get isTwin(): boolean {
    return this.#standing === "twin";
  }

  /** Once a round, before anything is drawn: what was given up some rounds ago has shown that nobody else is there. */
  nextRound(round: number): void {
    const { miner, logger, twins } = this.#needs;
    if (round <= this.#lastLook) return;
    this.#lastLook = round;
    const isFollowing = twins.isFollowing();
    // Where nobody is, nobody can be asked.
    // Who has never signed loses nothing by beginning alone.
    const patience = (this.#heights.claimed(miner) ?? 0) === 0 ? 1 : limits.twinRounds;
    const isInVain = twins.isUnconnected() && round - this.#startRound > patience;
    if (isFollowing || isInVain) this.#isStale = false;
    if (this.#standing !== "looking" || !isFollowing) return;
    this.#roundsLeft = Math.max(0, this.#roundsLeft - 1);
    for (const height of this.#open) {
      if (round - height < limits.twinSilenceRounds) continue;
      this.#open.delete(height);
      this.#winsLeft = Math.max(0, this.#winsLeft - 1);
    }
    if (this.#roundsLeft > 0 || this.#winsLeft > 0) return;
    this.#standing = "careful";
    this.#heights.adopt(miner, { ...twins.place, boot: "" }, Math.max(round - 1, this.#newestSeen));
    logger.info("nobody else mines with these keys, as far as this node sees", { miner });
  }

  /** The round was won: whether it may be signed. While the node looks, the win is given up. */
  mayTake(round: number): boolean {
    if (this.#isStale) return false;
    if (this.#standing === "clear" || this.#standing === "careful") return true;
    if (this.#standing === "looking" && this.#needs.twins.isFollowing()) this.#open.add(round);
    return false;
  }

  /** Waits as long as the node is careful; false if a twin has shown itself meanwhile. */
  async isAlone(round: number, signal: AbortSignal): Promise<boolean> {
    const { chain, clock, twins } = this.#needs;
    if (this.#standing === "careful") {
      // Two that are careful at once wait for different times.
      const [drawn = 0] = blake2b256(
        utf8Bytes(`${twins.place.folder} ${twins.place.boot} ${this.#startMs} ${round}`),
      );
      const share = carefulFrom + (carefulSpread * drawn) / 256;
      const atMs = timestampOf(chain.params, chain.genesisTimestampMs, round) + share * chain.params.roundMs;
      await clock.sleep(Math.max(0, atMs - clock.nowMs()), signal);
    }
    return this.#standing === "clear" || this.#standing === "careful";
  }

  /** A block was signed and nobody has contradicted it. */
  signed(round: number): void {
    const { miner, twins } = this.#needs;
    if (this.#standing !== "careful") return;
    this.#standing = "clear";
    this.#heights.adopt(miner, twins.place, round);
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  /** Why the record does not say what was signed with these keys. */
  #doubt(): string | undefined {
    const { miner, chain, twins } = this.#needs;
    const claimed = this.#heights.claimed(miner);
    if (claimed === undefined) return "this node has no record of the blocks that it has signed";
    if (this.#heights.place(miner)?.folder !== twins.place.folder)
      return "its record of signed blocks comes from another folder or machine";
    const floor = Math.max(claimed, chain.head().height - chain.params.finalityEpochs);
    for (let at = chain.head(); at.height > floor; at = chain.tipsetAt(at.height - 1)) {
      if (at.blocks.some((header) => header.miner === miner)) return behind(at.height);
    }
    return undefined;
  }

  #look(reason: string): void {
    this.#standing = "looking";
    this.#reason = reason;
    this.#winsLeft = limits.twinWins;
    this.#roundsLeft = limits.twinRounds;
    this.#open.clear();
    this.#needs.logger.warn("no block is signed until it is clear that nobody else does", { reason });
  }

  #see(header: BlockHeader): void {
    const { miner, chain, twins } = this.#needs;
    const { height } = header;
    // Below finality the record forgets what it has signed.
    const isPast = height < chain.head().height - chain.params.finalityEpochs;
    if (header.miner !== miner || isPast || this.isTwin || this.#isOwn(header)) return;
    this.#newestSeen = Math.max(this.#newestSeen, height);
    const isKnown = height <= (this.#heights.claimed(miner) ?? -1);
    if (height > this.#startRound) this.#refuse(header);
    else if (!isKnown && this.#standing !== "looking" && !twins.isSole) this.#look(behind(height));
  }

  #isOwn(header: BlockHeader): boolean {
    const signed = this.#heights.kept(header.miner).find(({ height }) => height === header.height);
    return signed !== undefined && blockCid(signed).equals(blockCid(header));
  }

  #refuse(header: BlockHeader): void {
    const { miner, height } = header;
    const block = blockCid(header).toString();
    this.#standing = "twin";
    this.#refusal = mineErrors.twinSeen({ miner, height, block });
    this.#needs.logger.error(this.#refusal.message, { code: this.#refusal.code, fix: this.#refusal.fix });
  }
}

const behind = (height: number): string =>
  `the chain has a block of this miner at height ${height} that its record does not know`;
