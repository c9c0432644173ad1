/**
 * The two errors of attestation. A parser throws `malformed` where bytes have no such form; what is judged throws
 * `refused` with its code out of the table. Verdicts carry the code; neither error leaves `verifyAttestation`.
 */
import { defineErrors, HoldfastError } from "@holdfast/base";
import { type FailureCode, meaningOf } from "./codes.ts";

export const attestErrors = defineErrors("attest", {
  malformed: {
    exit: "usage",
    message: (data: { problem: string }) => `these bytes have another form: ${data.problem}`,
    fix: "give the bytes as the device or its vendor made them: raw, in hex or in base64",
  },
  refused: {
    exit: "proof-invalid",
    message: (data: { code: FailureCode }) =>
      `the evidence is refused (${data.code}): ${meaningOf(data.code)}`,
    fix: ({ code }: { code: FailureCode }) =>
      code === "collateral-missing"
        ? "fetch it: `holdfast attest collateral FILE --to DIR`, then `attest verify FILE --collateral DIR`"
        : "do not trust what it is evidence for; `holdfast attest verify FILE --json` lists every check",
  },
});

export const malformed = (problem: string): HoldfastError => attestErrors.malformed({ problem });
export const refused = (code: FailureCode): HoldfastError => attestErrors.refused({ code });

/** The code of an error that was thrown while something was judged; undefined if it is no such error. */
export function codeOf(error: unknown): FailureCode | undefined {
  if (!(error instanceof HoldfastError) || error.code !== "attest/refused") return undefined;
  return error.data.code as FailureCode;
}

/** Runs a reader: whatever is wrong with the form of its bytes is refused with this code. */
export function refusedAs<Result>(code: FailureCode, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof HoldfastError) || codeOf(error) !== undefined) throw error;
    throw refused(code);
  }
}

/** What a reader gives, or undefined where bytes have another form. */
export function orUndefined<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}
