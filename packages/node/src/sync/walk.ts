/**
 * Headers first: from a tipset that a peer has told of down to one that is known here. Each answer must be named by
 * the header above it, so it does not matter who gives it; what the headers say is checked link by link as they come,
 * and a chain that by its own claims cannot outweigh ours is left alone before its bodies are fetched. Heights fall
 * with every step and time bounds the first, so no chain is endless; memory is bounded by the route.
 */
import type { Cancel, CID, Clock, PeerId } from "@holdfast/base";
import { createTipset, type Tipset, tipsetKey } from "@holdfast/consensus";
import { finalTipset } from "../final.ts";
import { limits } from "../limits.ts";
import type { Asker } from "./ask.ts";
import type { BadEntry, BadTipsets } from "./bad.ts";
import { syncErrors } from "./errors.ts";
import { type RangeTipset, rangeParts } from "./exchange.ts";
import { checkAlone, checkFooting, checkLink, mostWeight } from "./links.ts";
import type { SyncChain } from "./needs.ts";
import { Route } from "./route.ts";

export interface WalkNeeds {
  readonly chain: SyncChain;
  readonly clock: Clock;
  readonly bad: BadTipsets;
  readonly asker: Asker;
  /** Waits while another walk or fetch is bringing this tipset in; false if nobody is. */
  awaitOther(key: string): Promise<boolean>;
  /** Tipsets of this walk, so that others need not follow them too. */
  visited(key: string): void;
}

export interface WalkOptions {
  readonly target: readonly CID[];
  /** Who has told of it: asked first. */
  readonly teller: PeerId;
  readonly signal: Cancel;
}

export interface Walked {
  readonly common: Tipset;
  readonly route: Route;
  /** The lowest tipset above the common one; undefined if the target is known. */
  readonly lowest: Tipset | undefined;
}

/** What is wrong with a chain, and the tipset from which on it is. */
export class BadChain extends Error {
  readonly entry: BadEntry;

  constructor(entry: BadEntry) {
    super(entry.reason);
    this.entry = entry;
  }
}

/**
 * Errors: `BadChain` if the headers prove it; `sync/not-heavier`, `chain/contradicts-checkpoint`,
 * `sync/beyond-finality`, `sync/ancestors-missing`, `block/from-the-future`, those of the signal.
 */
export async function walkDown(needs: WalkNeeds, options: WalkOptions): Promise<Walked> {
  const walk = new Walk(needs, options);
  return walk.run();
}

class Walk {
  readonly #needs: WalkNeeds;
  readonly #options: WalkOptions;
  readonly #route = new Route();
  #child: Tipset | undefined;

  constructor(needs: WalkNeeds, options: WalkOptions) {
    this.#needs = needs;
    this.#options = options;
  }

  async run(): Promise<Walked> {
    const { chain, asker } = this.#needs;
    const { teller, signal } = this.#options;
    let expected = this.#options.target;
    for (let first = true; ; first = false) {
      const common = await this.#known(expected);
      if (common !== undefined) return this.#arrive(common);
      const { tipsets } = await asker.ask(
        { from: expected, count: limits.exchangeTipsets, parts: rangeParts.headers },
        // Who tells of a chain may be slow; what lies below its top, others have as well.
        first ? { first: teller, signal } : { last: teller, signal },
      );
      for (const headers of tipsets) {
        if (chain.tipset(tipsetKey(expected)) !== undefined) break;
        expected = this.#step(headers, expected);
      }
    }
  }

  /** The tipset, if it is known here, if need be when somebody else has brought it in. */
  async #known(cids: readonly CID[]): Promise<Tipset | undefined> {
    const { chain, bad, awaitOther } = this.#needs;
    const key = tipsetKey(cids);
    for (let waited = false; ; waited = true) {
      const entry = [key, ...cids.map(String)].map((name) => bad.find(name)).find((one) => one !== undefined);
      if (entry !== undefined) throw this.#isBad(entry);
      const known = chain.tipset(key);
      if (known !== undefined || waited || !(await awaitOther(key))) return known;
    }
  }

  /** Takes one tipset of an answer; gives the CIDs of the next. */
  #step({ headers }: RangeTipset, cids: readonly CID[]): readonly CID[] {
    const { chain, clock, bad, visited } = this.#needs;
    const key = tipsetKey(cids);
    for (const header of headers) {
      const entry = bad.of(header);
      if (entry !== undefined) throw this.#isBad(entry);
    }
    let tipset: Tipset;
    try {
      tipset = createTipset(headers);
      const { params, genesisTimestampMs: genesisTimeMs } = chain;
      checkAlone(tipset, { params, genesisTimeMs, nowMs: clock.nowMs() });
    } catch (error) {
      throw this.#broken({ key, height: headers[0]?.height ?? 0 }, error);
    }
    if (this.#child !== undefined) {
      const child = this.#child;
      chain.checkCheckpoint(child, tipset);
      try {
        checkLink(child, tipset);
      } catch (error) {
        throw this.#broken(child, error);
      }
    }
    if (this.#child === undefined) this.#checkWeight(tipset);
    this.#route.push(tipset, headers);
    visited(key);
    this.#child = tipset;
    this.#checkFinality(tipset);
    return tipset.parents;
  }

  /** Brothers of its blocks may still be missing: they are given what all power weighs. */
  #checkWeight({ parentWeight, blocks, height }: Tipset): void {
    const { chain } = this.#needs;
    const own = chain.weightOf(chain.head().key) ?? 0n;
    if (parentWeight + 2n * mostWeight(blocks.length) < own) throw syncErrors.notHeavier({ height });
  }

  #checkFinality(tipset: Tipset): void {
    const { chain } = this.#needs;
    const { finalityEpochs } = chain.params;
    if (tipset.height <= finalTipset(chain).height)
      throw syncErrors.beyondFinality({ finality: finalityEpochs });
  }

  #arrive(common: Tipset): Walked {
    const { chain } = this.#needs;
    const lowest = this.#child;
    if (lowest === undefined) return { common, route: this.#route, lowest };
    if (common.height < finalTipset(chain).height)
      throw syncErrors.beyondFinality({ finality: chain.params.finalityEpochs });
    chain.checkCheckpoint(lowest, common);
    const weight = chain.weightOf(common.key);
    const state = chain.stateAfter(common.key);
    if (weight === undefined || state === undefined)
      throw syncErrors.ancestorsMissing({ key: common.key, tried: 0 });
    try {
      checkFooting(lowest, common, { weight, state });
    } catch (error) {
      throw this.#broken(lowest, error);
    }
    return { common, route: this.#route, lowest };
  }

  /** An error that proves this tipset bad becomes one that says so; any other stays as it is. */
  #broken(at: { readonly key: string; readonly height: number }, error: unknown): unknown {
    const entry = this.#needs.bad.prove(at, error);
    return entry === undefined ? error : this.#isBad(entry);
  }

  /** Everything of this walk stands on it. */
  #isBad(entry: BadEntry): BadChain {
    markRoute(this.#needs.bad, this.#route, entry);
    return new BadChain(entry);
  }
}

/** Everything on a route that lies above a bad tipset is bad: the lowest ones first, as many as are remembered. */
export function markRoute(bad: BadTipsets, route: Route, entry: BadEntry): void {
  for (const { key, height } of route.steps().slice(0, limits.badBlocks)) {
    if (height > entry.height) bad.markAbove(entry, { key, height });
  }
}
