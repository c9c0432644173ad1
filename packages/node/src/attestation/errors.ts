/** Errors of making evidence, of keys that belong to it, and of fetching what it is judged by. */
import { defineErrors } from "@holdfast/base";

export const attestationErrors = defineErrors("attestation", {
  notAvailable: {
    exit: "refused",
    message: (data: { kind: string; reason: string }) =>
      `this machine makes no evidence of kind ${data.kind}: ${data.reason}`,
    fix: "run inside an enclave or a confidential guest; test networks may take `--kind software`",
  },
  softwareRefused: {
    exit: "refused",
    message: (_data: Record<never, never>) => "this network takes no evidence by software",
    fix: "name a network that does (`attest quote --network FILE`), or run on hardware that attests; softwareAttestation in the genesis decides",
  },
  deviceFailed: {
    exit: "refused",
    message: (data: { path: string; problem: string }) => `the device ${data.path} fails: ${data.problem}`,
    fix: "look whether the guest or enclave was started with attestation, and whether this user may use it",
  },
  deviceBusy: {
    exit: "retry-later",
    message: (data: { path: string; tries: number }) =>
      `another program has used the device ${data.path} meanwhile, ${data.tries} times`,
    fix: "try again",
  },
  notBound: {
    exit: "refused",
    message: (data: { kind: string; found: string }) =>
      `the device gave evidence (${data.kind}) that is bound to something else: ${data.found}`,
    fix: "do not use it; the host hands out evidence that was not asked for",
  },
  unreadable: {
    exit: "refused",
    message: (data: { kind: string; code: string }) =>
      `the device gave bytes that are no evidence of kind ${data.kind} (${data.code})`,
    fix: "look at the versions of firmware and driver",
  },
  badReportData: {
    exit: "usage",
    message: (data: { lengthBytes: number }) => `evidence is bound to 64 bytes, not to ${data.lengthBytes}`,
    fix: "give 128 characters of hex; shorter ones are padded with zeros by `attest quote`",
  },
  notFetched: {
    exit: "network",
    message: (data: { url: string; problem: string }) => `${data.url} was not fetched: ${data.problem}`,
    fix: "look at the network, or take another service with --service; collateral that is kept goes on to work until it expires",
  },
  badCollateral: {
    exit: "network",
    message: (data: { url: string; problem: string }) =>
      `${data.url} gave something else than collateral: ${data.problem}`,
    fix: "take another service with --service",
  },
  noPlatform: {
    exit: "usage",
    message: (data: { problem: string }) =>
      `the evidence does not say what platform it is of: ${data.problem}`,
    fix: "give a quote of SGX or TDX with its certificates, or a report of SEV-SNP",
  },
  identityDamaged: {
    exit: "refused",
    message: (data: { name: string }) => `the sealed identity ${data.name} cannot be opened by this program`,
    fix: "remove the file: the node makes a new key and enters again; pins are not lost by that",
  },
  programUnreadable: {
    exit: "refused",
    message: (data: { path: string; problem: string }) =>
      `the program cannot measure itself: ${data.path}: ${data.problem}`,
    fix: "install it anew, and let nobody but its owner write to its folder",
  },
  unlistedModule: {
    exit: "refused",
    message: (data: { path: string; problem: string }) =>
      `the program cannot measure itself: ${data.path}: ${data.problem}`,
    fix: "remove it, or install the program anew (`npm ci`)",
  },
  programEnvironment: {
    exit: "refused",
    message: (data: { variable: string; problem: string }) =>
      `what this program has loaded cannot be measured: ${data.variable} ${data.problem}`,
    fix: "start it without (`env -u VARIABLE holdfast …`); options for memory and warnings are fine",
  },
});
