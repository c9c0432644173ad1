/** Errors of verifiers of idle space, and of miners who need one. */
import { defineErrors } from "@holdfast/base";

export const verifierErrors = defineErrors("verifier", {
  notOurs: {
    exit: "refused",
    message: (data: { account: string }) =>
      `the verifier is to be that of ${data.account}, and this node has no key of it`,
    fix: "set verifier.account in config.toml to one of this node's addresses, or leave it empty",
  },
  notAttesting: {
    exit: "refused",
    message: (data: { reason: string }) => `this verifier cannot show what program it runs: ${data.reason}`,
    fix: "run it in an enclave, or on a network that lets software attest (pins.attestation in config.toml)",
  },
  programNotAllowed: {
    exit: "refused",
    message: (data: { kind: string; program: string }) =>
      `the network lets no node run this program: ${data.kind} ${data.program} is not on its list, or no longer`,
    fix: "run a release that is on the list, or let the network's authority add this one (`holdfast pin program`)",
  },
  noneAnswered: {
    exit: "retry-later",
    message: (data: { asked: number; last: string }) =>
      `none of ${data.asked} verifiers with a seat has certified it (the last one: ${data.last})`,
    fix: "it is asked again at the next block; `holdfast verifier ls` shows which are in office",
  },
  refused: {
    exit: "refused",
    message: (data: { verifier: string; reason: string }) =>
      `the verifier ${data.verifier} refuses: ${data.reason}`,
    fix: "look at the reason; another verifier with a seat is asked next",
  },
  badAnswer: {
    exit: "network",
    message: (data: { verifier: string; detail: string }) =>
      `the answer of the verifier ${data.verifier} is not to be trusted: ${data.detail}`,
    fix: "another verifier with a seat is asked next",
  },
  chainRefused: {
    exit: "refused",
    message: (data: { method: string; meaning: string }) =>
      `the chain has refused the message ${data.method} about idle space: ${data.meaning}`,
    fix: "see `holdfast idle status`; what can be done again is done at the next block",
  },
  gone: {
    exit: "retry-later",
    message: (data: { what: string }) => `the chain does not wait for ${data.what} any more`,
    fix: "nothing is to be done; the next request follows by itself",
  },
});
