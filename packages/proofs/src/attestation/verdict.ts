/**
 * A verdict: what the evidence says, and every check with its own code. Checks go on behind one that failed, as far
 * as they can be judged alone; the verdict's code is that of the first that failed.
 */
import type { AttestCode, FailureCode } from "./codes.ts";
import { codeOf, refused } from "./errors.ts";

export const evidenceKinds = ["sgx-ias", "sgx-dcap", "tdx", "sev-snp", "software"] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly code: AttestCode;
}

/** What was measured, by the names of the vendor; bytes in lower-case hex. */
export type Measurement = { readonly [field: string]: string | number };

export interface Verdict {
  readonly kind: EvidenceKind;
  /** All checks hold. */
  readonly ok: boolean;
  readonly code: AttestCode;
  readonly debug: boolean;
  readonly measurement: Measurement;
  /** As the vendor says it; null where nothing authentic says it. */
  readonly tcbStatus: string | null;
  readonly advisories: readonly string[];
  readonly checks: readonly Check[];
}

export class Judgement {
  readonly #checks: Check[] = [];

  /** Judges one thing; what it found, or undefined if it failed. */
  check<Result>(name: string, judge: () => Result): Result | undefined {
    try {
      const found = judge();
      this.#checks.push({ name, ok: true, code: "ok" });
      return found;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined) throw error;
      this.#checks.push({ name, ok: false, code });
      return undefined;
    }
  }

  /** A check that cannot be judged has the code of what is missing. */
  checkGiven<Input, Result>(
    name: string,
    input: Input | undefined,
    missing: FailureCode,
    judge: (input: Input) => Result,
  ): Result | undefined {
    return this.check(name, () => {
      if (input === undefined) throw refused(missing);
      return judge(input);
    });
  }

  /** The code of a check that has failed. */
  codeOf(name: string): FailureCode | undefined {
    const code = this.#checks.find((check) => check.name === name)?.code;
    return code === "ok" ? undefined : code;
  }

  verdict(facts: Omit<Verdict, "ok" | "code" | "checks">): Verdict {
    const failed = this.#checks.find(({ ok }) => !ok);
    const { kind, debug, measurement, tcbStatus, advisories } = facts;
    const code = failed?.code ?? "ok";
    const ok = failed === undefined;
    return { kind, ok, code, debug, measurement, tcbStatus, advisories, checks: this.#checks };
  }
}
