/**
 * A light client with one or several providers: it follows headers from what it trusts, chooses where providers
 * differ by the weight that it counts itself, moves its trust by the majority, and asks about the trusted state.
 * Invariant: no provider can make it believe more than the others together could prove to it; what one gives that
 * does not hold refuses that one alone, with a code. It has no clock and no wire of its own: both are handed to it.
 */
import { type CID, HoldfastError } from "@holdfast/base";
import { networkIdOfGenesis } from "../types/network-id.ts";
import { createTipset, sortCids, type Tipset, tipsetKey } from "../types/tipset.ts";
import { type ProtocolState, protocolAt } from "../types/upgrade.ts";
import { type LightChainOptions, type TrustBasis, type TrustedTipset, tipsetsPerEpoch } from "./chain.ts";
import { compareBranches, forkOf, isSame } from "./compare.ts";
import { askElectorate, type Electorate } from "./electorate.ts";
import { lightErrors } from "./errors.ts";
import { checkFirst, type LightProvider, ProviderView } from "./provider.ts";
import { askLight, electorateQuestions, type LightAnswers, type LightQuestion } from "./questions.ts";
import { checkRead, type StateWitness } from "./witness.ts";

/** What a light client keeps from one time to the next. */
export interface LightTrust {
  readonly genesis: CID;
  readonly genesisTimeMs: number;
  readonly trusted: TrustedTipset;
  /** Undefined: it was told, and not found by following headers. */
  readonly basis: TrustBasis | undefined;
}

export interface ProviderReport {
  readonly name: string;
  /**
   * `behind`: the same chain, and less of it. `unsigned`: more of it, which no miner with power has signed. `lighter`:
   * another one. `elsewhere`: it does not have what is trusted. `refused`: what it gave does not hold.
   */
  readonly verdict: "agrees" | "behind" | "unsigned" | "lighter" | "elsewhere" | "refused";
  /** Of the newest tipset that it gave. */
  readonly height: number;
  /** The first height at which its chain is another; null if it is not. */
  readonly forkHeight: number | null;
  readonly code: string | null;
  readonly detail: string | null;
}

export interface LightBelief extends LightTrust {
  readonly rules: ProtocolState;
  /** The newest tipset of the heaviest chain; not final. */
  readonly top: Tipset;
  readonly providers: readonly ProviderReport[];
}

export interface LightClientOptions {
  readonly trust: LightTrust;
  readonly providers: readonly LightProvider[];
  readonly nowMs: () => number;
  /** Told of each step, with the height that is trusted and the newest that is known. */
  readonly onProgress?: (trustedHeight: number, topHeight: number) => void;
}

/** Where to begin: the genesis, or a tipset above it that somebody vouches for. */
export interface LightAnchor {
  readonly genesis: CID;
  readonly checkpoint?: { readonly cids: readonly CID[]; readonly height: number };
}

/**
 * The first trust, from the first provider that has it. A checkpoint's headers commit to the state before it, so trust
 * begins at its parents. `light/no-provider`, `light/all-refused`.
 */
export async function beginLight(
  providers: readonly LightProvider[],
  anchor: LightAnchor,
): Promise<LightTrust> {
  const failures: [LightProvider, HoldfastError][] = [];
  for (const provider of providers) {
    try {
      return await beginWith(provider, anchor);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      failures.push([provider, error]);
    }
  }
  throw noneOf(failures.map(([{ name }, error]) => ({ name, error })));
}

async function beginWith(provider: LightProvider, { genesis, checkpoint }: LightAnchor): Promise<LightTrust> {
  const first = await tipsetOf(provider, [genesis]);
  const [header] = first.blocks;
  if (header === undefined || first.height !== 0)
    throw lightErrors.wrongTipset({ wanted: "a genesis", found: `a block of height ${first.height}` });
  const common = { genesis, genesisTimeMs: header.timestampMs, basis: undefined };
  if (checkpoint === undefined || checkpoint.height === 0)
    return { ...common, trusted: { tipset: first, state: header.stateRoot } };
  const tipset = await tipsetOf(provider, checkpoint.cids);
  if (tipset.height !== checkpoint.height)
    throw lightErrors.wrongTipset({
      wanted: `a checkpoint of height ${checkpoint.height}`,
      found: `one of height ${tipset.height}`,
    });
  return {
    ...common,
    trusted: { tipset: await tipsetOf(provider, tipset.parents), state: tipset.parentState },
  };
}

async function tipsetOf(provider: LightProvider, cids: readonly CID[]): Promise<Tipset> {
  const { state, tipsets } = await provider.headers({ from: sortCids(cids), count: 1 });
  if (state === "busy") throw lightErrors.busy({});
  if (state !== "found") throw lightErrors.tipsetNotHeld({ tipset: tipsetKey(cids) });
  return createTipset(checkFirst(tipsets, cids));
}

export class LightClient {
  readonly #options: LightClientOptions;
  readonly #views: ProviderView[];
  #trust: LightTrust;

  constructor(options: LightClientOptions) {
    this.#options = options;
    this.#trust = options.trust;
    // The rules are read from the trusted state before a header is looked at.
    const unread = { roundMs: 1, finalityEpochs: 1, futureToleranceMs: 0 };
    this.#views = options.providers.map((provider) => new ProviderView(provider, this.#chainOptions(unread)));
  }

  get trust(): LightTrust {
    return this.#trust;
  }

  /** Follows headers to the end. `light/no-provider`, `light/all-refused`, `light/no-majority`. */
  async sync(): Promise<LightBelief> {
    const { nowMs, onProgress } = this.#options;
    let rules = await this.#moved();
    for (let want = 2; ; ) {
      const span = protocolAt(rules, this.#trust.trusted.tipset.height + 1).params.finalityEpochs + 1;
      await Promise.all(this.#usable().map((view) => view.pull(want * span, nowMs)));
      const best = await this.#heaviest();
      onProgress?.(this.#trust.trusted.tipset.height, best.top.height);
      if (await this.#advance(best)) {
        rules = await this.#moved();
        want = 2;
      } else if (best.isAtEnd) return this.#belief(rules, best);
      else if (want >= tipsetsPerEpoch - 1) {
        const { height } = this.#trust.trusted.tipset;
        throw lightErrors.noMajority({ height, tipsets: best.tipsets.length });
      } else want += 1;
    }
  }

  /** What the trusted state says, proven. `state/…`, `light/no-provider`, `light/all-refused`. */
  async ask<Kind extends LightQuestion["kind"]>(
    question: Extract<LightQuestion, { kind: Kind }>,
  ): Promise<LightAnswers[Kind]> {
    const { state } = this.#trust.trusted;
    return this.#prove([question], (witness) => checkRead(witness, askLight<Kind>(question, state)));
  }

  #chainOptions(params: LightChainOptions["params"]): LightChainOptions {
    const { genesis, genesisTimeMs, trusted } = this.#trust;
    return { trusted, params, networkId: networkIdOfGenesis(genesis), genesisTimeMs };
  }

  #usable(): ProviderView[] {
    return this.#views.filter(({ isUsable }) => isUsable);
  }

  /** Trust is somewhere else: the rules that hold there, and who follows. */
  async #moved(): Promise<ProtocolState> {
    const rules = await this.ask({ kind: "rules" });
    const { params } = protocolAt(rules, this.#trust.trusted.tipset.height + 1);
    const options = this.#chainOptions(params);
    const nowMs = this.#options.nowMs();
    for (const view of this.#usable()) view.rebase(options, nowMs);
    return rules;
  }

  async #heaviest(): Promise<ProviderView> {
    const networkId = networkIdOfGenesis(this.#trust.genesis);
    let best: ProviderView | undefined;
    for (const view of this.#usable()) {
      if (best === undefined) {
        best = view;
        continue;
      }
      const other: ProviderView = best;
      if (isSame(view, other)) continue;
      const electorate = await this.#electorate([...other.tipsets, ...view.tipsets]);
      const base = this.#trust.trusted.tipset;
      if (compareBranches(view, other, base, { electorate, networkId }) > 0) best = view;
    }
    if (best?.isUsable === true) return best;
    if (best !== undefined) return this.#heaviest();
    throw this.#nobody();
  }

  async #electorate(tipsets: readonly Tipset[]): Promise<Electorate> {
    const miners = [...new Set(tipsets.flatMap(({ blocks }) => blocks.map(({ miner }) => miner)))];
    const ask = askElectorate(this.#trust.trusted.state, miners);
    return this.#prove(electorateQuestions(miners), (witness) => checkRead(witness, ask));
  }

  async #advance(best: ProviderView): Promise<boolean> {
    const { chain } = best;
    const miners = chain.miners();
    if (miners.length === 0) return false;
    const trusted = await this.#prove(electorateQuestions(miners), (witness) => chain.advance(witness));
    if (trusted === undefined) return false;
    for (const view of this.#usable()) view.follow(trusted.tipset, best);
    this.#trust = { ...this.#trust, trusted, basis: chain.basis };
    return true;
  }

  /** Asks one provider after the other for a proof that holds; questions about one state, proofs added together. */
  async #prove<Answer>(
    questions: readonly LightQuestion[],
    check: (witness: StateWitness) => Answer,
  ): Promise<Answer> {
    const { state } = this.#trust.trusted;
    let unable: HoldfastError | undefined;
    for (const view of this.#usable()) {
      try {
        const witness: Uint8Array[] = [];
        for (const question of questions) {
          const answer = await view.provider.prove({ state, question });
          if (answer.state === "busy") throw lightErrors.busy({});
          if (answer.state !== "found") throw lightErrors.stateNotHeld({ state: state.toString() });
          witness.push(...answer.witness);
        }
        return check(witness);
      } catch (error) {
        // Of a proof that holds, the question's own answer.
        if (error instanceof HoldfastError && error.code.startsWith("state/")) throw error;
        // Who has let the state go may still have the headers.
        if (error instanceof HoldfastError && error.code === "light/state-not-held") unable = error;
        else view.refuse(error);
      }
    }
    throw unable ?? this.#nobody();
  }

  #nobody(): HoldfastError {
    return noneOf(
      this.#views.map(({ name, refusal, leftAt }) => ({
        name,
        error:
          refusal ?? lightErrors.tipsetNotHeld({ tipset: `of the trusted chain at height ${leftAt ?? 0}` }),
      })),
    );
  }

  #belief(rules: ProtocolState, best: ProviderView): LightBelief {
    const reports = this.#views.map((view) => reportOf(view, best));
    return { ...this.#trust, rules, top: best.top, providers: reports };
  }
}

function reportOf(view: ProviderView, best: ProviderView): ProviderReport {
  const { name, refusal, leftAt, isBehind } = view;
  const { height } = view.top;
  const plain = { name, height, forkHeight: null, code: null, detail: null };
  if (refusal !== undefined) {
    const verdict = refusal.code === "light/tipset-not-held" ? "elsewhere" : "refused";
    return { ...plain, verdict, code: refusal.code, detail: refusal.message };
  }
  const forkHeight = leftAt ?? forkOf(best, view);
  if (forkHeight !== undefined) return { ...plain, verdict: "lighter", forkHeight };
  if (height > best.top.height) return { ...plain, verdict: "unsigned" };
  return { ...plain, verdict: isBehind || height < best.top.height ? "behind" : "agrees" };
}

/** Refused if any of them has lied; otherwise nobody could be asked. */
function noneOf(failed: readonly { readonly name: string; readonly error: HoldfastError }[]): HoldfastError {
  const reasons = failed.map(({ name, error }) => `${name}: ${error.message} (${error.code})`).join("; ");
  const lied = failed.find(
    ({ error: { code, exit } }) =>
      code.startsWith("tipset/") || (code.startsWith("light/") && exit === "refused"),
  );
  const data = { asked: failed.length, reasons };
  return lied === undefined
    ? lightErrors.noProvider(data, failed[0]?.error)
    : lightErrors.allRefused(data, lied.error);
}
