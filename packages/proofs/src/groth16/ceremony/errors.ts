/** Errors of those who take part in a ceremony. What a verifier finds wrong is in its verdict, not thrown. */
import { defineErrors } from "@holdfast/base";

export const ceremonyErrors = defineErrors("ceremony", {
  badName: {
    exit: "usage",
    message: (data: { name: string }) => `"${data.name}" is no name for a contribution`,
    fix: "use 1 to 64 printable characters without quotes and backslashes",
  },
  badSize: {
    exit: "usage",
    message: (data: { logSize: number; min: number; max: number }) =>
      `powers of tau for 2^${data.logSize} rows: the exponent must be from ${data.min} to ${data.max}`,
    fix: "choose the exponent so that 2^exponent is at least the number of rows of the largest circuit",
  },
  tooSmall: {
    exit: "usage",
    message: (data: { rows: number; powers: number }) =>
      `the circuit has ${data.rows} rows and the powers of tau only suffice for ${data.powers}`,
    fix: "start from a larger first phase",
  },
  closed: {
    exit: "refused",
    message: (data: { phase: number }) => `phase ${data.phase} ended with its beacon`,
    fix: "go on with the next phase, or start a new ceremony",
  },
  full: {
    exit: "refused",
    message: (data: { contributions: number }) => `there are ${data.contributions} contributions already`,
    fix: "end the phase with a beacon",
  },
  badBeacon: {
    exit: "usage",
    message: (data: { seedBytes: number; iterations: number; maxIterations: number }) =>
      `a beacon of ${data.seedBytes} bytes and ${data.iterations} iterations (at most ${data.maxIterations})`,
    fix: "pass the 32 bytes of the public value and a power of two of iterations",
  },
  badPoints: {
    exit: "proof-invalid",
    message: (data: { what: string }) => `${data.what} holds bytes that are no points of the subgroup`,
    fix: "do not contribute: these files would leak your secret; fetch them again and verify them",
  },
});
