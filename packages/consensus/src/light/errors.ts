/** Operating errors of a light client: what its provider got wrong or left out. */
import { defineErrors } from "@holdfast/base";

const another = "Ask another node; this one is wrong or incomplete.";

export const lightErrors = defineErrors("light", {
  witnessTooLarge: {
    exit: "refused",
    message: (d: { bytes: number; limit: number }) =>
      `The proof has ${d.bytes} bytes; the limit is ${d.limit}.`,
    fix: "Ask for less at once.",
  },
  witnessIncomplete: {
    exit: "refused",
    message: (d: { cid: string }) => `The proof lacks the object ${d.cid} of the state.`,
    fix: another,
  },
  unknownParents: {
    exit: "refused",
    message: (d: { height: number }) => `The parents of the headers of height ${d.height} are not known.`,
    fix: "Give the headers from the last final tipset on, in ascending order.",
  },
  badHeader: {
    exit: "refused",
    message: (d: { height: number; reason: string }) =>
      `A header of height ${d.height} cannot stand on its parents: ${d.reason}.`,
    fix: another,
  },
  tooManyTipsets: {
    exit: "refused",
    message: (d: { limit: number }) => `More than ${d.limit} tipsets wait for finality.`,
    fix: "Give the proof that the oldest of them are final, or forget them and ask another node.",
  },
});
