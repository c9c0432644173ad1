/** Errors of proofs of retrievability, for those who prove; a false proof of a peer is `false`, never an error. */
import { defineErrors } from "@holdfast/base";

export const porErrors = defineErrors("por", {
  badRequest: {
    exit: "usage",
    message: (data: { what: string; found: number; allowed: string }) =>
      `a proof of retrievability cannot have ${data.what} ${data.found}: ${data.allowed}`,
    fix: "check the numbers against the piece and the limits of the request",
  },
  otherData: {
    exit: "proof-invalid",
    message: (data: { expected: string; found: string }) =>
      `the data has the commitment ${data.found}, the proof is asked for ${data.expected}`,
    fix: "the stored data is damaged or belongs to another piece: fetch it again",
  },
});
