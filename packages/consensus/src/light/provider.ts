/** Whom a light client asks, and what it makes of each: the headers that it has given, and why it is left out. */
import { type CID, HoldfastError } from "@holdfast/base";
import { type BlockHeader, blockCid } from "../types/block.ts";
import { type Tipset, tipsetKey } from "../types/tipset.ts";
import { LightChain, type LightChainOptions } from "./chain.ts";
import { type Branch, forkOf } from "./compare.ts";
import { lightErrors } from "./errors.ts";
import type { HeadersAnswer, HeadersRequest, ProofAnswer, ProofRequest } from "./wire.ts";
import { maxLightTipsets } from "./wire.ts";

/** Carries questions to one node. Answers are decoded strictly and bounded (wire.ts), and not looked at otherwise. */
export interface LightProvider {
  readonly name: string;
  headers(request: HeadersRequest): Promise<HeadersAnswer>;
  prove(request: ProofRequest): Promise<ProofAnswer>;
}

/** Times that a provider may leave its own chain while it is asked. */
const mostTurns = 3;

/** One provider's chain above the trusted tipset. */
export class ProviderView {
  readonly provider: LightProvider;
  /** Ascending, each on the one before, the first on the trusted one. */
  tipsets: Tipset[] = [];
  /** There was no more to be had. */
  isAtEnd = false;
  /** Why it is not asked any more. */
  refusal: HoldfastError | undefined;
  /** The height at which its chain leaves the one that is trusted, once trust has moved on. */
  leftAt: number | undefined;
  /** Its chain ends below what is trusted. */
  isBehind = false;
  #options: LightChainOptions;
  #chain: LightChain;
  #turns = 0;

  constructor(provider: LightProvider, options: LightChainOptions) {
    this.provider = provider;
    this.#options = options;
    this.#chain = new LightChain(options);
  }

  get name(): string {
    return this.provider.name;
  }
  get isUsable(): boolean {
    return this.refusal === undefined && this.leftAt === undefined && !this.isBehind;
  }
  get chain(): LightChain {
    return this.#chain;
  }
  /** The newest tipset of its chain; the trusted one if it has none above. */
  get top(): Tipset {
    return this.tipsets.at(-1) ?? this.#options.trusted.tipset;
  }

  /** An operating error is the provider's; any other is ours. */
  refuse(error: unknown): void {
    if (!(error instanceof HoldfastError)) throw error;
    this.refusal = error;
  }

  /** Asks until so many tipsets are here, or there are no more. What is wrong with the answers refuses the provider. */
  async pull(count: number, nowMs: () => number): Promise<void> {
    try {
      while (this.isUsable && !this.isAtEnd && this.tipsets.length < count) {
        const missing = count - this.tipsets.length;
        await this.#pullOnce(Math.min(maxLightTipsets, missing + 1), nowMs());
      }
    } catch (error) {
      this.refuse(error);
    }
  }

  async #pullOnce(count: number, nowMs: number): Promise<void> {
    const { top } = this;
    const { state, tipsets } = await this.provider.headers({ from: top.cids, count });
    if (state === "busy") throw lightErrors.busy({});
    if (state !== "found") return this.#lost(top);
    checkFirst(tipsets, top.cids);
    this.isAtEnd = tipsets.length === 1;
    for (const headers of tipsets.slice(1)) {
      const below = this.top;
      const tipset = this.#chain.add(headers, nowMs);
      if (tipsetKey(tipset.parents) !== below.key)
        throw lightErrors.unknownParents({ height: tipset.height });
      this.tipsets.push(tipset);
    }
  }

  /** Its chain may have turned; then it is asked again from where trust is. */
  #lost(top: Tipset): void {
    this.#turns += 1;
    if (this.tipsets.length === 0 || this.#turns > mostTurns)
      throw lightErrors.tipsetNotHeld({ tipset: `${top.key}@${top.height}` });
    this.tipsets = [];
    this.#chain.clear();
  }

  /** Trust moves on along the leader's chain: who does not have the new tipset is behind, or elsewhere. */
  follow(trusted: Tipset, leader: Branch): void {
    if (this.tipsets.some(({ key }) => key === trusted.key)) return;
    this.leftAt = forkOf(leader, this);
    this.isBehind = this.leftAt === undefined;
  }

  /**
   * Begins at another trusted tipset; what it has above stays. Only now is the state after that tipset known, and a
   * chain that claims another refuses its provider alone.
   */
  rebase(options: LightChainOptions, nowMs: number): void {
    const at = this.tipsets.findIndex(({ key }) => key === options.trusted.tipset.key);
    const above = this.tipsets.slice(at + 1);
    this.#options = options;
    this.#chain = new LightChain(options);
    this.tipsets = [];
    try {
      for (const { blocks } of above) this.tipsets.push(this.#chain.add(blocks, nowMs));
    } catch (error) {
      this.refuse(error);
    }
  }
}

/** The tipset that an answer begins with is the one that was named. `light/wrong-tipset`. */
export function checkFirst(
  tipsets: HeadersAnswer["tipsets"],
  wanted: readonly CID[],
): readonly BlockHeader[] {
  const [first] = tipsets;
  const found = first === undefined ? "nothing" : keyOf(first);
  const key = tipsetKey(wanted);
  if (first === undefined || found !== key) throw lightErrors.wrongTipset({ wanted: key, found });
  return first;
}

function keyOf(headers: readonly BlockHeader[]): string {
  return tipsetKey(headers.map((header) => blockCid(header)));
}
