/**
 * A chain of headers for who executes nothing: a phone, a browser, an auditor. It starts from a tipset that it
 * trusts (the genesis, or a checkpoint) with the state after it, links headers, and moves its trust forward to a
 * tipset that is final: at least `finalityEpochs` below the top of a chain in which miners with more than half of
 * the power of the trusted state have signed blocks above it. Each such block commits, through its parents, to
 * the state after the tipset.
 *
 * Invariant: if miners with more than half of the power of a trusted state follow the rules, one of them has executed
 * the next trusted state and built on it: it follows from the rules, whatever a provider says. That it is on the
 * heaviest chain is not proven by this alone: a provider with nearly half of the power can add its own blocks to a
 * fork that honest miners have left, so several nodes are to be asked (client.ts weighs what they say). Nothing
 * rests on the power or the weight that the headers claim: a single winner could claim a state in which it owns
 * everything. Keys are those of the trusted state; a worker that has changed since does not count until trust has
 * moved past the change.
 */
import type { Address, CID } from "@holdfast/base";
import { addEpochs } from "@holdfast/base";
import { timestampOf } from "../rules/header.ts";
import type { BlockHeader } from "../types/block.ts";
import { isBlockSigned } from "../types/block.ts";
import type { NetworkParams } from "../types/params.ts";
import type { Tipset } from "../types/tipset.ts";
import { createTipset, tipsetKey } from "../types/tipset.ts";
import { askElectorate, type Electorate, type Voice } from "./electorate.ts";
import { lightErrors } from "./errors.ts";
import type { StateQuestion, StateWitness } from "./witness.ts";
import { checkRead } from "./witness.ts";

export interface TrustedTipset {
  readonly tipset: Tipset;
  /** The state after it. */
  readonly state: CID;
}

export type LightParams = Pick<NetworkParams, "roundMs" | "finalityEpochs" | "futureToleranceMs">;

export interface LightChainOptions {
  readonly trusted: TrustedTipset;
  readonly params: LightParams;
  /** `networkIdOfGenesis`: what headers are signed for. */
  readonly networkId: Uint8Array;
  /** Timestamp of the genesis block (milliseconds). */
  readonly genesisTimeMs: number;
}

/** Why a tipset is trusted. */
export interface TrustBasis {
  /** Of the newest tipset above it that a miner with power has signed. */
  readonly topHeight: number;
  /** Of the miners that have signed above it, by the state that was trusted before; and of all. */
  readonly signedPower: bigint;
  readonly totalPower: bigint;
  readonly signers: number;
}

interface Final {
  readonly trusted: TrustedTipset;
  readonly basis: TrustBasis;
}

/** Tipsets above the trusted one, for each epoch of finality: forks and null rounds included. */
export const tipsetsPerEpoch = 8;

export class LightChain {
  readonly #params: LightParams;
  readonly #networkId: Uint8Array;
  readonly #genesisTimeMs: number;
  /** By key; all of them descend from the trusted one. */
  readonly #tipsets = new Map<string, Tipset>();
  #trusted: TrustedTipset;
  #basis: TrustBasis | undefined;

  constructor({ trusted, params, networkId, genesisTimeMs }: LightChainOptions) {
    this.#trusted = trusted;
    this.#params = params;
    this.#networkId = networkId;
    this.#genesisTimeMs = genesisTimeMs;
  }

  /** The last final tipset, and the state that questions are checked against. */
  get trusted(): TrustedTipset {
    return this.#trusted;
  }

  /** Of the last advance; undefined before the first. */
  get basis(): TrustBasis | undefined {
    return this.#basis;
  }

  /** Tipsets that wait for finality. */
  get pendingCount(): number {
    return this.#tipsets.size;
  }

  /** The miners of all pending tipsets, for `askElectorate`. */
  miners(): Address[] {
    const miners = new Set<Address>();
    for (const { blocks } of this.#tipsets.values()) for (const { miner } of blocks) miners.add(miner);
    return [...miners];
  }

  /**
   * Links the headers of one tipset to those that are known. Signatures are checked when trust moves, against
   * keys that are trusted. `tipset/…`, `light/unknown-parents`, `light/bad-header`, `light/too-many-tipsets`.
   */
  add(headers: readonly BlockHeader[], nowMs: number): Tipset {
    const tipset = createTipset(headers);
    const known = this.#tipsets.get(tipset.key);
    if (known !== undefined) return known;
    const parent = this.#find(tipsetKey(tipset.parents));
    if (parent === undefined) throw lightErrors.unknownParents({ height: tipset.height });
    this.#checkLink(tipset, parent, nowMs);
    const limit = tipsetsPerEpoch * (this.#params.finalityEpochs + 1);
    if (this.#tipsets.size >= limit) throw lightErrors.tooManyTipsets({ limit });
    this.#tipsets.set(tipset.key, tipset);
    return tipset;
  }

  /** Forgets all that waits: who has been given headers that lead nowhere begins again with another provider. */
  clear(): void {
    this.#tipsets.clear();
  }

  /**
   * Moves trust to the highest tipset that is final by the power of the present trusted state; the witness proves
   * `askElectorate(trusted.state, miners())`. Undefined if none is final yet. `light/witness-…`.
   */
  advance(witness: StateWitness): TrustedTipset | undefined {
    const electorate = checkRead(witness, askElectorate(this.#trusted.state, this.miners()));
    const best = this.#highestFinal(electorate);
    if (best === undefined) return undefined;
    this.#trusted = best.trusted;
    this.#basis = best.basis;
    for (const [key, { height }] of this.#tipsets)
      if (height <= best.trusted.tipset.height) this.#tipsets.delete(key);
    this.#dropStrangers();
    return best.trusted;
  }

  /** The answer to a question about the trusted state. `light/witness-…`, and the question's own. */
  check<Answer>(witness: StateWitness, ask: (state: CID) => StateQuestion<Answer>): Answer {
    return checkRead(witness, ask(this.#trusted.state));
  }

  #find(key: string): Tipset | undefined {
    return key === this.#trusted.tipset.key ? this.#trusted.tipset : this.#tipsets.get(key);
  }

  #checkLink(tipset: Tipset, parent: Tipset, nowMs: number): void {
    const refuse = (reason: string): never => {
      throw lightErrors.badHeader({ height: tipset.height, reason });
    };
    if (tipset.height <= parent.height) refuse("it is not above them");
    // The state after a single block is in that block; after the trusted tipset it is known.
    const [only] = parent.blocks.length === 1 ? parent.blocks : [];
    const expected = parent === this.#trusted.tipset ? this.#trusted.state : only?.stateRoot;
    if (expected !== undefined && !tipset.parentState.equals(expected)) refuse("it claims another state");
    for (const { timestampMs, height } of tipset.blocks) {
      if (timestampMs !== timestampOf(this.#params, this.#genesisTimeMs, height)) refuse("its time is wrong");
      if (timestampMs > nowMs + this.#params.futureToleranceMs) refuse("it is from the future");
    }
  }

  /** From each top downwards: the first tipset that is deep enough and has the majority above it. */
  #highestFinal({ totalPower, voices }: Electorate): Final | undefined {
    const parents = new Set([...this.#tipsets.values()].map((tipset) => tipsetKey(tipset.parents)));
    const spokenBy = rememberedSignatures(voices, this.#networkId);
    let best: Final | undefined;
    for (const top of this.#tipsets.values()) {
      if (parents.has(top.key)) continue;
      const final = this.#finalBelow(top, totalPower, spokenBy);
      const highest = best?.trusted.tipset.height ?? -1;
      if (final !== undefined && final.trusted.tipset.height > highest) best = final;
    }
    return best;
  }

  #finalBelow(
    top: Tipset,
    totalPower: bigint,
    spokenBy: (header: BlockHeader) => Voice | undefined,
  ): Final | undefined {
    const heard = new Set<Address>();
    let power = 0n;
    /** Headers that nobody known has signed make nothing deeper. */
    let topHeight: number | undefined;
    let child = top;
    for (;;) {
      for (const header of child.blocks) {
        const voice = heard.has(header.miner) ? undefined : spokenBy(header);
        if (voice === undefined) continue;
        heard.add(header.miner);
        power += voice.power;
        if (voice.power > 0n) topHeight ??= child.height;
      }
      const tipset = this.#tipsets.get(tipsetKey(child.parents));
      if (tipset === undefined) return undefined;
      const isDeep = addEpochs(tipset.height, this.#params.finalityEpochs) <= (topHeight ?? 0);
      if (topHeight !== undefined && isDeep && 2n * power > totalPower) {
        const basis = { topHeight, signedPower: power, totalPower, signers: heard.size };
        return { trusted: { tipset, state: child.parentState }, basis };
      }
      child = tipset;
    }
  }

  /** Forgets what does not descend from the trusted tipset. */
  #dropStrangers(): void {
    const ascending = [...this.#tipsets.values()].sort((a, b) => a.height - b.height);
    for (const tipset of ascending) {
      if (this.#find(tipsetKey(tipset.parents)) === undefined) this.#tipsets.delete(tipset.key);
    }
  }
}

/** Whose voice a header is, if it is signed. Many tops stand on the same headers: each signature is checked once. */
function rememberedSignatures(
  voices: ReadonlyMap<Address, Voice>,
  networkId: Uint8Array,
): (header: BlockHeader) => Voice | undefined {
  const known = new Map<BlockHeader, Voice | undefined>();
  return (header) => {
    if (known.has(header)) return known.get(header);
    const voice = voices.get(header.miner);
    const spoken = voice !== undefined && isBlockSigned(header, voice.worker, networkId) ? voice : undefined;
    known.set(header, spoken);
    return spoken;
  };
}
