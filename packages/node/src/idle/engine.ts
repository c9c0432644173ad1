/**
 * The one writer of a miner's idle space. A loop looks at the chain, at its own rows and at what was asked, and does
 * the first thing that is due; what takes long (making a layer, proving it, waiting for the chain) runs beside it and
 * wakes it. Nothing is remembered but in the rows, so a start is nothing but another look.
 *
 * Order of importance: answers to the chain, what makes room, what is under way on the chain, making more.
 * Invariant: only the loop and what it began change rows; a file is deleted when the chain no longer claims it and
 * every open challenge has its answers kept; what a layer may take is accounted before its first byte is written.
 */
import { equalBytes, HoldfastError } from "@holdfast/base";
import { IdleRangeTree, type IdleState, idleLayerElements, nextIdleLayer } from "@holdfast/proofs";
import { workLimits } from "../work-limits.ts";
import { Audits } from "./audits.ts";
import { idleErrors } from "./errors.ts";
import { Holdings } from "./holdings.ts";
import { keptFileBytes, type MadeLayer, setMemoryBytes } from "./making.ts";
import { moveAway } from "./moves.ts";
import type { IdleNeeds, OpenAudit } from "./needs.ts";
import { Patrol } from "./patrol.ts";
import {
  layerBelow,
  layersPerSet,
  newLayerBytes,
  nextToMake,
  releasedOf,
  rowBytes,
  totalBytes,
  unfinishedOf,
} from "./plan.ts";
import { RoomRequests } from "./requests.ts";
import { type IdleSettings, IdleStore, type LayerRow } from "./store.ts";
import { Talks } from "./talks.ts";
import { Tasks } from "./tasks.ts";

export const usualSettings: IdleSettings = {
  maxBytes: null,
  isFilling: false,
  threads: 1,
  memoryBytes: 4 * 2 ** 30,
};

export class IdleEngine {
  readonly store: IdleStore;
  readonly tasks: Tasks;
  readonly #needs: IdleNeeds;
  readonly #requests = new RoomRequests();
  readonly #holdings: Holdings;
  readonly #audits: Audits;
  readonly #talks: Talks;
  readonly #patrol: Patrol;
  #tree: IdleRangeTree;
  #holds = 0;
  #isFull = false;
  /** Since which height the chain has fewer layers certified than this node saw. */
  #behindSince: number | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopWatching: () => void = () => undefined;

  constructor(needs: IdleNeeds) {
    this.#needs = needs;
    this.store = new IdleStore(needs.database);
    this.tasks = new Tasks(needs.logger);
    this.#tree = new IdleRangeTree(needs.profile.files);
    const { store, tasks } = this;
    const holdings = new Holdings(needs, store);
    this.#holdings = holdings;
    this.#talks = new Talks({ ...needs, store, tasks, folder: (row) => holdings.folder(row) });
    this.#audits = new Audits({ ...needs, store, tasks, holdings });
    this.#patrol = new Patrol({ ...needs, store, tasks, holdings });
  }

  get settings(): IdleSettings {
    return this.store.settings() ?? usualSettings;
  }

  start(): void {
    this.#stopWatching = this.#needs.network.onChange(() => this.wake());
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopWatching();
    await this.tasks.end(idleErrors.stopped({}));
    await this.#running;
    this.#requests.failAll(idleErrors.stopped({}));
  }

  /** Look again: the chain, the settings or the disks may be others. */
  wake(): void {
    this.#isFull = false;
    this.tasks.wake();
  }

  change(settings: Partial<IdleSettings>): void {
    const next = { ...this.settings, ...settings };
    const neededBytes = setMemoryBytes(this.#needs.profile) * next.threads;
    if (next.isFilling && neededBytes > next.memoryBytes) {
      throw idleErrors.tooMuchMemory({ neededBytes, mostBytes: next.memoryBytes });
    }
    this.store.saveSettings(next);
    this.wake();
  }

  /** No new layers are begun until the function that it returns is called. */
  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      this.wake();
    };
  }

  /** Resolves when so many bytes are free that idle space had; gives nothing up for what it has not got. */
  async makeRoom(bytes: number, signal?: AbortSignal): Promise<void> {
    const freedBytes = totalBytes(this.#needs.profile, this.store) - this.#requests.wantedBytes;
    if (bytes > freedBytes) throw idleErrors.noRoom({ askedBytes: bytes, freedBytes });
    await this.#requests.wait(bytes, () => this.wake(), signal);
  }

  /** Why a step failed last, until one goes well: it is tried every round and said once. */
  #trouble = "";
  async #run(): Promise<void> {
    let isRecovered = false;
    while (!this.tasks.isEnded) {
      const seen = this.tasks.wakes;
      try {
        if (!isRecovered) await this.#recover();
        isRecovered = true;
        while (!this.tasks.isEnded && (await this.#step()));
        this.#trouble = "";
      } catch (error) {
        if (this.tasks.isEnded) return;
        if (!(error instanceof HoldfastError)) throw error;
        const { code, message: detail } = error;
        if (this.#trouble !== detail) this.#needs.logger.warn("idle: a step failed", { code, detail });
        this.#trouble = detail;
      }
      await this.tasks.woken(seen);
    }
  }

  async #recover(): Promise<void> {
    await this.#holdings.recover();
    const space = this.store.space();
    this.#tree = new IdleRangeTree(this.#needs.profile.files);
    if (space !== undefined) this.#tree.beginWith(space.base);
  }

  /** Does the first thing that is due; false: there is nothing. */
  async #step(): Promise<boolean> {
    const { network } = this.#needs;
    await this.#holdings.accountIfDue();
    const { state, audits, height } = network.view();
    if (state === undefined) {
      if (this.settings.isFilling) this.tasks.begin("register", (signal) => network.register(signal));
      this.#requests.failAll(idleErrors.noRoom({ askedBytes: this.#requests.wantedBytes, freedBytes: 0 }));
      return false;
    }
    if (await this.#register(state)) return true;
    if (await this.#certified(state)) return true;
    if (await this.#takenBack(state, height)) return true;
    this.#audits.go(audits, this.#tree);
    if (await this.#tidy(state, audits)) return true;
    if (await this.#giveWay(state)) return true;
    const { settings } = this;
    const { wantedBytes } = this.#requests;
    this.#talks.go({ state, height, tree: this.#tree, settings, wantedBytes });
    this.#patrol.go();
    this.#leave();
    if (unfinishedOf(this.store).some((row) => this.#make(row))) return true;
    return await this.#fill(state);
  }

  /** Another registration is another space: nothing of the old one is worth anything. */
  async #register(state: IdleState): Promise<boolean> {
    const { profile } = this.#needs;
    const space = this.store.space();
    if (space !== undefined && this.store.isOf(space, state.miner, profile.id, state.nonce)) return false;
    await this.tasks.cancelAll();
    await this.#holdings.clear();
    this.store.begin(state.miner, profile.id, state.nonce);
    this.#tree = new IdleRangeTree(profile.files);
    await this.#holdings.account();
    return true;
  }

  /** Takes over what the chain says of layers, and appends to the range what is certified. */
  async #certified(state: IdleState): Promise<boolean> {
    const { profile } = this.#needs;
    for (const row of this.store.active) {
      if (row.state !== "made" || (row.layer + 1) * profile.files > state.rear) continue;
      this.store.setState(row.layer, "certified");
      return true;
    }
    await this.#append(state);
    const next = this.#tree.leaves / profile.files;
    if (this.#tree.leaves >= state.rear || this.store.find(next) !== undefined) return false;
    const volumeId = this.store.find(this.store.highest ?? 0)?.volumeId ?? 0;
    this.store.addLayer(next, volumeId, "none"); // certified, and this node has forgotten it: it is made again
    await this.#holdings.account();
    return true;
  }

  /** Brings the range up to what is certified, as far as it is made here: after a start that may be all. */
  async #append({ networkId, miner, nonce, rear }: IdleState): Promise<void> {
    const { profile } = this.#needs;
    if (this.#tree.leaves >= rear) return;
    let done = 0;
    for (const { layer, made } of this.store.from(this.#tree.leaves / profile.files)) {
      const { leaves } = this.#tree;
      if (leaves >= rear || layer * profile.files !== leaves || made === undefined) return;
      const identity = { networkId, miner, nonce, set: Math.floor(layer / layersPerSet(profile)) };
      this.#tree.append(idleLayerElements(profile, identity, leaves, made.roots.fileRoots));
      done += 1;
      if (done % workLimits.idleAppendsAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.tasks.isEnded) return;
    }
  }

  /**
   * A reorganisation may take a certificate back. Its message comes into another block as a rule; if it has not by the
   * time that a request is good for, the layer is made anew, because what its proof needs is gone.
   */
  async #takenBack(state: IdleState, height: number): Promise<boolean> {
    const { profile, network } = this.#needs;
    const above = [...this.store.from(Math.ceil(state.rear / profile.files))]; // few: what is not certified yet
    const row = above.findLast((one) => one.state === "certified" || one.state === "lost");
    this.#behindSince = row === undefined ? undefined : (this.#behindSince ?? height);
    if (row === undefined || height - (this.#behindSince ?? height) <= network.patienceEpochs) return false;
    await this.tasks.cancel(`make ${row.layer}`);
    if (this.#tree.leaves > state.rear) this.#tree.cut(state.rear);
    await this.#holdings.abandon(row);
    return true;
  }

  /** Deletes what is no longer claimed, and what a certified layer needs no more. */
  async #tidy(state: IdleState, audits: readonly OpenAudit[]): Promise<boolean> {
    const { profile } = this.#needs;
    const beside = this.store.active.find((row) => row.state === "certified" && row.scratch !== "none");
    if (beside !== undefined) {
      await this.#holdings.dropScratch(beside);
      return true;
    }
    if (state.front === 0) return false;
    const isAsked = this.#audits.isAnyUnread(audits);
    const { lowest } = this.store;
    for (const row of this.store.from(lowest ?? 0)) {
      if (row.layer * profile.files >= state.front) break;
      const released = releasedOf(profile, row.layer, state.front);
      if (row.state !== "certified" || isAsked || row.movingTo !== null || this.#isRead(row.layer)) continue;
      if (released > row.firstKept) {
        await this.#holdings.deleteFiles(row, released);
        this.#requests.freed((released - row.firstKept) * keptFileBytes(profile));
        return true;
      }
      const isTop = row.layer === state.rear / profile.files - 1 && this.#isUnder(row.layer);
      // Who answers names the range of the challenge: it is kept until the chain has all of it.
      if (audits.some(({ isAnswered }) => !isAnswered)) continue;
      if (released === profile.files && row.layer === lowest && !isTop) return this.#forget(row);
    }
    return false;
  }

  /** Whether a layer above it in its set may still be certified. */
  #isUnder(layer: number): boolean {
    return layerBelow(this.#needs.profile, layer + 1) !== undefined;
  }

  #forget({ layer }: LayerRow): true {
    const base = this.#tree.peaks((layer + 1) * this.#needs.profile.files);
    this.store.transaction(() => {
      this.store.setBase(base);
      this.store.dropLayer(layer);
    });
    this.#tree.forget(base.leaves);
    return true;
  }

  /** Whoever waits for room gets it: first what is not certified, the newest before the others. */
  async #giveWay(state: IdleState): Promise<boolean> {
    const { profile } = this.#needs;
    const { maxBytes } = this.settings;
    const isOver = maxBytes !== null && totalBytes(profile, this.store) > maxBytes;
    if (this.#requests.isEmpty && !isOver) return false;
    const underWay = this.store.pending("append") === undefined ? undefined : state.rear / profile.files;
    const idle = this.store.active.findLast(
      (row) => (row.state === "making" || row.state === "made") && row.layer !== underWay,
    );
    if (idle !== undefined && idle.layer * profile.files >= state.rear) {
      await this.tasks.cancel(`make ${idle.layer}`);
      await this.#holdings.abandon(idle);
      this.#requests.freed(rowBytes(profile, idle));
      return true;
    }
    if (this.#requests.isEmpty) return false;
    const isNothingLeft = state.front === state.rear && totalBytes(profile, this.store) === 0;
    if (!isNothingLeft) return false;
    this.#requests.failFirst(({ bytes, freedBytes }) => idleErrors.noRoom({ askedBytes: bytes, freedBytes }));
    return true;
  }

  /** Codes by which layers could not be moved since one could. */
  readonly #immovable = new Set<string>();
  /** Takes layers away from volumes that are drained. */
  #leave(): void {
    const { tasks, store } = this;
    const holdings = this.#holdings;
    const isInUse = (row: LayerRow): boolean => tasks.has(`make ${row.layer}`) || this.#isRead(row.layer);
    const needs = { ...this.#needs, store, holdings, isInUse, told: this.#immovable };
    tasks.begin("move", (signal) => moveAway(needs, signal));
  }

  /** Whether the files of a layer are needed to make or prove the one above. */
  #isRead(layer: number): boolean {
    if (!this.#isUnder(layer)) return false;
    const above = this.store.find(layer + 1);
    const isNew = above?.state === "making" || above?.state === "made";
    return this.tasks.has(`make ${layer + 1}`) || (isNew && above.scratch === "layers");
  }

  /** Begins to make a layer that has a row. */
  #make(row: LayerRow): boolean {
    const { profile, maker, miner, networkId } = this.#needs;
    const name = `make ${row.layer}`;
    const isBusy = this.tasks.has(name) || row.movingTo !== null;
    if (this.tasks.count("make ") >= this.settings.threads || isBusy) return false;
    const { nonce } = this.store.space() ?? { nonce: new Uint8Array(32) };
    const set = Math.floor(row.layer / layersPerSet(profile));
    const { keptLayer } = nextIdleLayer(
      { networkId, miner, nonce, rear: row.layer * profile.files },
      profile,
    );
    const below = this.store.find(layerBelow(profile, row.layer) ?? -1);
    if (row.scratch === "layers" && below !== undefined && !isResting(below)) return false; // until it is made again
    const resume =
      below?.made && isResting(below) && row.scratch !== "layers-and-below"
        ? { folder: this.#holdings.folder(below), commitment: below.made.commitment }
        : null;
    const identity = { networkId, miner, nonce, set };
    const task = {
      profile,
      identity,
      keptLayer,
      folder: this.#holdings.folder(row),
      resume,
      scratch: row.scratch,
    };
    return this.tasks.begin(name, async (signal) => this.#took(row, await maker.make(task, signal)));
  }

  #took(row: LayerRow, made: MadeLayer): void {
    const { layer } = row;
    if (row.state === "lost") {
      if (row.made !== undefined && !equalBytes(row.made.commitment, made.commitment)) {
        throw idleErrors.otherRoots({ layer });
      }
      this.store.setState(layer, "certified");
      this.#needs.logger.info("idle: damaged files are made again", { folder: this.#holdings.folder(row) });
    } else this.store.made(layer, made);
    this.#holdings.changed();
  }

  /** Begins one more layer, if it may and there is room. */
  async #fill(state: IdleState): Promise<boolean> {
    const { profile, volumes } = this.#needs;
    const { settings } = this;
    const isBusy = this.#holds > 0 || !this.#requests.isEmpty || this.#isFull;
    if (!settings.isFilling || isBusy || this.tasks.count("make ") >= settings.threads) return false;
    const layer = nextToMake(profile, this.store, state, settings);
    if (layer === undefined) return false;
    const below = this.store.find(layerBelow(profile, layer) ?? -1);
    const isBelowGone =
      layerBelow(profile, layer) !== undefined && (below === undefined || below.firstKept > 0);
    const scratch = isBelowGone ? "layers-and-below" : "layers";
    const bytes = newLayerBytes(profile, scratch);
    const isOver = settings.maxBytes !== null && totalBytes(profile, this.store) + bytes > settings.maxBytes;
    if (isOver) return false;
    const room = (await volumes.rooms()).find(({ roomBytes }) => roomBytes >= bytes);
    if (room === undefined) {
      this.#isFull = true;
      return false;
    }
    this.store.addLayer(layer, room.volumeId, scratch);
    try {
      await this.#holdings.account();
    } catch (error) {
      this.store.dropLayer(layer);
      this.#isFull = true;
      throw error;
    }
    return true;
  }
}

/** Whether all files of a layer are there. */
const isResting = ({ state, firstKept, movingTo }: LayerRow): boolean =>
  firstKept === 0 && movingTo === null && (state === "made" || state === "certified");
