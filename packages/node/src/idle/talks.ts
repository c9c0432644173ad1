/**
 * What goes to the chain, one thing at a time, a release before an append. A request is written down before it is made,
 * and named by the state that it is made on: when the chain has another state, it has been taken or can never be.
 */
import { decode, encode, epoch, equalBytes, HoldfastError } from "@holdfast/base";
import {
  type IdleAppend,
  type IdleCommitStatement,
  type IdleRangeTree,
  type IdleState,
  idleAppendCodec,
  idleAppendSeed,
  idleAppendStatement,
  idleReleaseCodec,
  idleStateDigest,
} from "@holdfast/proofs";
import { idleErrors } from "./errors.ts";
import { belowFolder, keptFileBytes } from "./making.ts";
import type { IdleNeeds } from "./needs.ts";
import { layerBelow, releasedFiles, surplusFiles } from "./plan.ts";
import type { IdleSettings, IdleStore, LayerRow } from "./store.ts";
import type { Tasks } from "./tasks.ts";

export interface TalksNeeds extends Pick<IdleNeeds, "network" | "profile" | "maker"> {
  readonly store: IdleStore;
  readonly tasks: Tasks;
  readonly folder: (row: LayerRow) => string;
}

/** What the loop has seen. */
export interface Seen {
  readonly state: IdleState;
  readonly height: number;
  readonly tree: IdleRangeTree;
  readonly settings: IdleSettings;
  /** What those who wait for room still want. */
  readonly wantedBytes: number;
}

export class Talks {
  readonly #needs: TalksNeeds;

  constructor(needs: TalksNeeds) {
    this.#needs = needs;
  }

  /** Goes on with what is under way, or begins what is due. */
  go(seen: Seen): void {
    const { store, tasks, network } = this.#needs;
    const { state, height } = seen;
    const before = idleStateDigest(state);
    for (const kind of ["release", "append"] as const) {
      const bytes = store.pending(kind);
      if (bytes === undefined) continue;
      const message = kind === "release" ? decode(idleReleaseCodec, bytes) : decode(idleAppendCodec, bytes);
      if (equalBytes(message.before, before) && message.validUntil >= height) {
        if (kind === "append") this.#append(state, bytes);
        else this.#release(bytes);
        return;
      }
      tasks.abort(kind);
      store.dropPending(kind);
    }
    const validUntil = epoch(height + network.patienceEpochs);
    const count = this.#filesToRelease(seen);
    if (count > 0) {
      const bytes = encode(idleReleaseCodec, { before, count, validUntil });
      store.setPending("release", bytes);
      this.#release(bytes);
      return;
    }
    const append = this.#nextAppend(seen);
    if (append === undefined) return;
    const bytes = encode(idleAppendCodec, { before, ...append, validUntil });
    store.setPending("append", bytes);
    this.#append(state, bytes);
  }

  #filesToRelease({ state, settings, wantedBytes }: Seen): number {
    const { profile, store } = this.#needs;
    const surplus = surplusFiles(profile, store, settings);
    if (wantedBytes === 0 && surplus === 0) return 0;
    const due = releasedFiles(profile, store, state.front); // about to be deleted
    const forRoom = Math.ceil(wantedBytes / keptFileBytes(profile)) - due;
    const forLimit = surplus - due;
    return Math.max(0, Math.min(state.rear - state.front, Math.max(forRoom, forLimit)));
  }

  #nextAppend({ state, tree, settings }: Seen): Pick<IdleAppend, "range" | "roots" | "under"> | undefined {
    const { profile, store } = this.#needs;
    if (tree.leaves !== state.rear || !settings.isFilling) return undefined;
    const layer = state.rear / profile.files;
    const row = store.find(layer);
    const own = row?.state === "made" ? row.made : undefined;
    const below = layerBelow(profile, layer);
    const under = below === undefined ? undefined : store.find(below)?.made;
    if (own === undefined || (below !== undefined && under === undefined)) return undefined;
    return {
      range: tree.peaks(),
      roots: own.roots,
      under: under === undefined ? null : { ...under.roots, previous: under.previous },
    };
  }

  #release(bytes: Uint8Array): void {
    const release = decode(idleReleaseCodec, bytes);
    this.#needs.tasks.begin("release", (signal) => this.#needs.network.release(release, signal));
  }

  #append(state: IdleState, bytes: Uint8Array): void {
    const { profile, network, store, tasks } = this.#needs;
    const append = decode(idleAppendCodec, bytes);
    tasks.begin("append", async (signal) => {
      const { challenge, randomness } = await network.announce(append, signal);
      const statement = idleAppendStatement(state, profile, append, idleAppendSeed(challenge, randomness));
      const layer = state.rear / profile.files;
      const own = store.find(layer);
      const below = store.find(layerBelow(profile, layer) ?? -1);
      if (own === undefined) throw idleErrors.damaged({ path: String(layer) });
      const proof = await this.#prove(own, below, statement, signal);
      await network.certify(append, challenge, proof, signal);
    });
  }

  async #prove(
    own: LayerRow,
    below: LayerRow | undefined,
    statement: IdleCommitStatement,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { profile, maker, store, folder: folderOf } = this.#needs;
    const folder = folderOf(own);
    const hasCopy = own.scratch === "layers-and-below";
    const under = hasCopy ? belowFolder(folder) : below === undefined ? null : folderOf(below);
    try {
      return await maker.prove(statement, { profile, folder, below: under }, signal);
    } catch (error) {
      const isDamaged = error instanceof HoldfastError && error.code === "idle/damaged";
      if (isDamaged) store.setState(own.layer, "making");
      throw error;
    }
  }
}
