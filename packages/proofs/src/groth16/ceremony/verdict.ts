/** What a verifier of ceremonies says: every step with its check, up to the first that fails. */

/** Codes of what can be wrong with a ceremony. */
export type CeremonyFault =
  | "ceremony/no-contribution"
  | "ceremony/broken-chain"
  | "ceremony/after-beacon"
  | "ceremony/bad-beacon"
  | "ceremony/bad-proof-of-knowledge"
  | "ceremony/bad-ratio"
  | "ceremony/bad-points"
  | "ceremony/bad-powers"
  | "ceremony/wrong-state"
  | "ceremony/other-circuit"
  | "ceremony/too-small"
  | "ceremony/bad-derivation"
  | "ceremony/bad-key";

export interface CeremonyStep {
  readonly phase: 1 | 2;
  /** Number of the contribution, from 0, or null for what concerns the phase as a whole. */
  readonly contribution: number | null;
  /** Name of the contributor, or "". */
  readonly name: string;
  /** What was checked, in words. */
  readonly check: string;
  /** null if it holds. */
  readonly fault: CeremonyFault | null;
}

/** `ok` if every step holds; otherwise the last step is the one that does not. */
export interface CeremonyVerdict {
  readonly ok: boolean;
  readonly steps: readonly CeremonyStep[];
}

/** Collects steps; `check` says whether to go on. */
export class StepList {
  readonly steps: CeremonyStep[] = [];
  readonly #phase: 1 | 2;

  constructor(phase: 1 | 2) {
    this.#phase = phase;
  }

  check(
    what: { readonly check: string; readonly contribution?: number; readonly name?: string },
    fault: CeremonyFault,
    holds: boolean,
  ): boolean {
    const { check, contribution = null, name = "" } = what;
    this.steps.push({ phase: this.#phase, contribution, name, check, fault: holds ? null : fault });
    return holds;
  }
}

export function verdictOf(...lists: readonly StepList[]): CeremonyVerdict {
  const steps = lists.flatMap((list) => list.steps);
  return { ok: steps.length > 0 && steps.every(({ fault }) => fault === null), steps };
}
