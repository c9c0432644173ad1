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
  badAnswer: {
    exit: "refused",
    message: (d: { detail: string }) => `The answer is not one of the protocol: ${d.detail}.`,
    fix: another,
  },
  wrongTipset: {
    exit: "refused",
    message: (d: { wanted: string; found: string }) =>
      `The provider gave ${d.found} for the tipset ${d.wanted}.`,
    fix: another,
  },
  stateNotHeld: {
    exit: "not-found",
    message: (d: { state: string }) => `The state ${d.state} is not held there (any more).`,
    fix: "Ask a node that keeps all states, or begin at a newer checkpoint.",
  },
  tipsetNotHeld: {
    exit: "not-found",
    message: (d: { tipset: string }) => `The tipset ${d.tipset} is not on the provider's chain.`,
    fix: "It may be behind, or follow another history: ask another node, and compare the checkpoint with its source.",
  },
  busy: {
    exit: "retry-later",
    message: (_: Record<string, never>) => "The provider serves nobody else now.",
    fix: "Try again in a moment.",
  },
  noMajority: {
    exit: "refused",
    message: (d: { height: number; tipsets: number }) =>
      `Of ${d.tipsets} tipsets above height ${d.height}, none has the majority of the trusted power above it.`,
    fix: "Ask other nodes; if all say the same, begin at a newer checkpoint, from who you trust.",
  },
  noProvider: {
    exit: "network",
    message: (d: { asked: number; reasons: string }) =>
      d.asked === 0 ? "There is nobody to ask." : `None of ${d.asked} providers could be used: ${d.reasons}.`,
    fix: "Name nodes of the network with --peer or --url.",
  },
  allRefused: {
    exit: "refused",
    message: (d: { asked: number; reasons: string }) =>
      `What ${d.asked === 1 ? "the provider gives" : "the providers give"} is refused: ${d.reasons}.`,
    fix: another,
  },
});
