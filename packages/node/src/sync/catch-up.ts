/**
 * Catching up: each peer's newest word about a chain that is not here is a target, and each target is reached by
 * headers first, then bodies from several peers, then execution in order. A peer has one target, so what anybody can
 * have us do is bounded; the targets of the most useful peers come first. A target whose chain breaks a rule is
 * remembered as bad and whoever told of it is a liar; one that only could not be fetched is tried again, until all
 * that its teller had us walk down in vain is too much.
 * Invariant: nothing here decides what is valid or which head is better; both go through the lane of the blocks.
 */
import { type CID, HoldfastError, type PeerId } from "@holdfast/base";
import { type FullBlock, sortCids, type Tipset, tipsetKey } from "@holdfast/consensus";
import { Bounded } from "../bounded.ts";
import { limits } from "../limits.ts";
import type { Asker } from "./ask.ts";
import type { BadEntry, BadTipsets } from "./bad.ts";
import { type ClimbNeeds, climb } from "./climb.ts";
import type { SyncNeeds } from "./needs.ts";
import type { PeerScores } from "./scores.ts";
import type { FetchBlocks } from "./singles.ts";
import { BadChain, walkDown } from "./walk.ts";

export interface CatchUpNeeds extends SyncNeeds {
  readonly bad: BadTipsets;
  readonly scores: PeerScores;
  readonly asker: Asker;
  readonly fetchBlocks: FetchBlocks;
  readonly signal: AbortSignal;
  /** Validates a fetched tipset, in the lane of the blocks. */
  takeInTipset(blocks: readonly FullBlock[]): Promise<Tipset>;
  /** Moves the head there if that is better, in the lane of the blocks. */
  offerHead(tipset: Tipset): Promise<void>;
  /** Takes in a block whose parents are here now. */
  takeInBlock(block: FullBlock): Promise<void>;
  /** Targets are remembered, and followed later. */
  isWaiting(): boolean;
}

/** What one peer has told of. */
interface Target {
  readonly peer: PeerId;
  readonly cids: readonly CID[];
  readonly key: string;
  readonly height: number;
  /** A block on top of it that came by gossip. */
  readonly orphan: FullBlock | undefined;
  failures: number;
  notBeforeMs: number;
}

/** Why a target could not be reached. */
export interface Failure {
  readonly peer: PeerId;
  readonly height: number;
  readonly code: string;
  readonly reason: string;
  /** Where the chain breaks a rule, if it does. */
  readonly bad: BadEntry | undefined;
  readonly atMs: number;
}

export interface Progress {
  /** The height that is being made for. */
  readonly height: number;
  /** What is being done: looking for headers, or getting the tipsets above the head. */
  readonly stage: "headers" | "bodies";
  /** Tipsets that are still to be executed. */
  readonly left: number;
  readonly executed: number;
  readonly sinceMs: number;
}

/** What a peer has cost that came to nothing. */
interface Vain {
  tries: number;
  /** Headers that were followed, less the tipsets that its chains have brought. */
  tipsets: number;
  /** Since when it gave nothing at all of what it told of; undefined once it gave something. */
  emptySinceMs: number | undefined;
}

interface Run {
  readonly target: Target;
  /** Tipsets that this run has come by and will bring in. */
  readonly keys: Set<string>;
  stage: Progress["stage"];
  left: number;
  executed: number;
  readonly sinceMs: number;
}

/** Codes of targets that will not be taken, however often they are tried. */
const final: ReadonlySet<string> = new Set([
  "sync/not-heavier",
  "sync/beyond-finality",
  "chain/contradicts-checkpoint",
]);

/** Codes of targets that their teller does not give. */
const notGiven: ReadonlySet<string> = new Set(["sync/ancestors-missing", "sync/bodies-missing"]);

export class CatchUp {
  readonly #needs: CatchUpNeeds;
  readonly #targets = new Map<PeerId, Target>();
  readonly #runs = new Set<Run>();
  readonly #work = new Set<Promise<void>>();
  readonly #vain = new Bounded<Vain>(limits.peerScores);
  #moved = Promise.withResolvers<void>();
  /** Sizes of the orphans of all targets. */
  readonly #orphans = new Map<FullBlock, number>();
  #orphanBytes = 0;
  #failure: Failure | undefined;

  constructor(needs: CatchUpNeeds) {
    this.#needs = needs;
  }

  /** A peer has told of a chain. `orphan`: a block on it, and its size. */
  tell(
    peer: PeerId,
    at: { readonly cids: readonly CID[]; readonly height: number },
    orphan?: { readonly block: FullBlock; readonly bytes: number },
  ): void {
    const key = tipsetKey(at.cids);
    const old = this.#targets.get(peer);
    if (old !== undefined && old.key === key && old.orphan === undefined && orphan === undefined) return;
    const hasRoom = this.#orphanBytes + (orphan?.bytes ?? 0) <= limits.orphanBytes;
    this.#forget(old);
    if (orphan !== undefined && hasRoom) {
      this.#orphanBytes += orphan.bytes;
      this.#orphans.set(orphan.block, orphan.bytes);
    }
    this.#targets.set(peer, {
      peer,
      key,
      height: at.height,
      cids: sortCids(at.cids),
      orphan: hasRoom ? orphan?.block : undefined,
      failures: 0,
      notBeforeMs: 0,
    });
    this.poke();
  }

  gone(peer: PeerId): void {
    this.#forget(this.#targets.get(peer));
  }

  /** Starts what can be started now. */
  poke(): void {
    const { scores, clock, chain, bad, signal } = this.#needs;
    if (signal.aborted || this.#needs.isWaiting()) return;
    for (const peer of scores.rank([...this.#targets.keys()])) {
      const target = this.#targets.get(peer);
      if (target === undefined || target.notBeforeMs > clock.nowMs()) continue;
      const isHere = target.orphan === undefined && chain.tipset(target.key) !== undefined;
      if (isHere || bad.find(target.key) !== undefined) this.#forget(target);
      else if (this.#runs.size < limits.routes && !this.#isRunning(target)) this.#start(target);
    }
  }

  /** Those that make progress or try to, the highest first. */
  progress(): readonly Progress[] {
    const all = [...this.#runs].map(({ target: { height }, stage, left, executed, sinceMs }) => ({
      height,
      stage,
      left,
      executed,
      sinceMs,
    }));
    return all.sort((a, b) => b.height - a.height);
  }
  /** The last one that matters still: a head that moved to where it was to lead ends it. */
  get failure(): Failure | undefined {
    const failure = this.#failure;
    return failure !== undefined && this.#isDoubted(failure.peer) ? undefined : failure;
  }
  get size(): { readonly targets: number; readonly orphanBytes: number } {
    return { targets: this.#targets.size, orphanBytes: this.#orphanBytes };
  }
  get isIdle(): boolean {
    return this.#work.size === 0;
  }
  /** Of these heights those whose tellers give something of what they tell of. */
  believed(heights: ReadonlyMap<PeerId, number>): readonly number[] {
    return [...heights].filter(([peer]) => !this.#isDoubted(peer)).map(([, height]) => height);
  }
  /** Heights that peers have told of and that are not reached. */
  waiting(): readonly { readonly peer: PeerId; readonly height: number }[] {
    return [...this.#targets.values()].map(({ peer, height }) => ({ peer, height }));
  }
  /** Targets are tried again at once: something was mended. */
  forgetFailure(): void {
    this.#failure = undefined;
    for (const target of this.#targets.values()) target.notBeforeMs = 0;
    this.poke();
  }
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** For a while it has told of chains and given nothing of them: its word alone is no reason to wait. */
  #isDoubted(peer: PeerId): boolean {
    const { clock, chain } = this.#needs;
    const { tries = 0, emptySinceMs = Number.POSITIVE_INFINITY } = this.#vain.get(peer) ?? {};
    const passedMs = clock.nowMs() - emptySinceMs;
    return tries >= limits.vainTries && passedMs >= limits.vainRounds * chain.params.roundMs;
  }

  #isRunning({ peer, key }: Target): boolean {
    return [...this.#runs].some(({ target }) => target.peer === peer || target.key === key);
  }

  #forget(target: Target | undefined): void {
    if (target === undefined) return;
    if (this.#targets.get(target.peer) === target) this.#targets.delete(target.peer);
    if (target.orphan === undefined) return;
    this.#orphanBytes -= this.#orphans.get(target.orphan) ?? 0;
    this.#orphans.delete(target.orphan);
  }

  #start(target: Target): void {
    const sinceMs = this.#needs.clock.nowMs();
    const run: Run = { target, keys: new Set(), stage: "headers", left: 0, executed: 0, sinceMs };
    this.#runs.add(run);
    const work = this.#run(run)
      .then(
        () => this.#reached(run),
        (error: unknown) => this.#failed(run, error),
      )
      .finally(() => {
        this.#runs.delete(run);
        this.#work.delete(work);
        this.#tellMoved();
        this.poke();
      });
    this.#work.add(work);
  }

  async #run(run: Run): Promise<void> {
    const { chain, signal } = this.#needs;
    const { target } = run;
    const walk = {
      ...this.#needs,
      awaitOther: (key: string) => this.#awaitOther(key, run),
      visited: (key: string) => void run.keys.add(key),
    };
    while (chain.tipset(target.key) === undefined) {
      run.stage = "headers";
      const { common, route } = await walkDown(walk, { target: target.cids, teller: target.peer, signal });
      if (route.length === 0) break;
      run.stage = "bodies";
      await climb(this.#climbNeeds(run), route, common);
    }
    if (this.#failure?.peer === target.peer) this.#failure = undefined;
    if (target.orphan !== undefined) await this.#needs.takeInBlock(target.orphan);
  }

  #climbNeeds(run: Run): ClimbNeeds {
    return {
      ...this.#needs,
      moved: (left) => {
        run.left = left;
        run.executed += 1;
        this.#tellMoved();
      },
    };
  }

  /** Waits while another run is bringing a tipset in; false if none is. */
  async #awaitOther(key: string, own: Run): Promise<boolean> {
    const isUnderWay = (): boolean => [...this.#runs].some((run) => run !== own && run.keys.has(key));
    if (!isUnderWay()) return false;
    while (isUnderWay() && this.#needs.chain.tipset(key) === undefined) {
      this.#needs.signal.throwIfAborted();
      await this.#moved.promise;
    }
    return true;
  }
  #tellMoved(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  #reached({ target, executed }: Run): void {
    const vain = this.#vain.get(target.peer);
    if (vain !== undefined) {
      vain.tipsets = Math.max(0, vain.tipsets - executed);
      vain.emptySinceMs = undefined;
    }
    this.#forget(target);
  }

  #failed(run: Run, error: unknown): void {
    const { clock, logger, signal, bad } = this.#needs;
    if (signal.aborted) return;
    const { target } = run;
    const { peer, height } = target;
    const entry = error instanceof BadChain ? error.entry : bad.find(target.key);
    const code = entry?.code ?? (error instanceof HoldfastError ? error.code : "internal");
    const reason = entry?.reason ?? (error instanceof Error ? error.message : String(error));
    logger.info("a chain was not reached", { peer, height, code, reason });
    if (code !== "sync/not-heavier") {
      this.#failure = { peer, height, code, reason, bad: entry, atMs: clock.nowMs() };
    }
    if (entry !== undefined) this.#blame(entry);
    else if (final.has(code)) this.#forget(target);
    else {
      // What a peer tells of, it has; one that does not give it is asked after all others.
      if (notGiven.has(code)) this.#wasInVain(run, reason);
      target.failures += 1;
      const pauseMs = limits.syncRetryMs * 2 ** Math.min(16, target.failures - 1);
      target.notBeforeMs = clock.nowMs() + Math.min(limits.syncRetryMaxMs, pauseMs);
    }
  }

  /**
   * A peer that is there and does not give the lower end of a chain whose upper end it told of is slow a few times, and
   * then a liar: what anybody can cost is bounded, whatever it tells of next.
   */
  #wasInVain({ target: { peer }, keys, executed }: Run, reason: string): void {
    const { wire, asker, clock } = this.#needs;
    asker.judge(peer, "late", { detail: reason });
    if (!wire.peers().some(({ id }) => id === peer)) return;
    const vain = this.#vain.get(peer) ?? { tries: 0, tipsets: 0, emptySinceMs: undefined };
    vain.emptySinceMs = keys.size > 0 ? undefined : (vain.emptySinceMs ?? clock.nowMs());
    vain.tries += 1;
    vain.tipsets += Math.max(0, keys.size - executed);
    this.#vain.set(peer, vain);
    if (vain.tries < limits.vainTries || vain.tipsets < limits.vainTipsets) return;
    this.#vain.delete(peer);
    asker.lied(peer, `it told of chains whose ${vain.tipsets} headers led nowhere`);
  }

  /** Who tells of a chain says that it has it: an honest peer has executed it. */
  #blame(entry: BadEntry): void {
    for (const target of [...this.#targets.values()]) {
      const found = this.#needs.bad.find(target.key);
      if (found === undefined || found.root !== entry.root) continue;
      this.#forget(target);
      this.#needs.asker.lied(target.peer, `its chain is wrong at height ${entry.height}: ${entry.reason}`);
    }
  }
}
