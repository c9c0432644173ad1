/**
 * Evidence by software: what a device would do, done by the network's own authority, whose seed everybody knows. It
 * goes the whole way of real evidence and proves nothing; networks whose money has a value refuse it.
 */
import { networkSeed } from "@holdfast/proofs/attestation";
import { type SoftwareAuthority, softwareAuthority } from "@holdfast/proofs/attestation/software";
import { attestationErrors } from "./errors.ts";
import type { AttestingNetwork } from "./needs.ts";
import { machineKey } from "./tsm.ts";
import type { AttestationProvider, CollateralSource } from "./types.ts";

/** Of the evidence that this program makes by software; raised when what came before must not be trusted any more. */
const softwareSvn = 1;

export interface SoftwareNeeds {
  readonly network: AttestingNetwork;
  readonly program: Uint8Array;
  readonly secret: Uint8Array;
}

export interface SoftwareProvider extends AttestationProvider, CollateralSource {
  readonly authority: SoftwareAuthority;
}

export function softwareProvider({ network, program, secret }: SoftwareNeeds): SoftwareProvider {
  const authority = softwareAuthority(networkSeed(network.id));
  return {
    kind: "software",
    authority,
    probe: async () =>
      network.softwareAllowed
        ? { available: true }
        : { available: false, reason: "this network takes no evidence by software" },
    async evidence(reportData) {
      if (!network.softwareAllowed) throw attestationErrors.softwareRefused({});
      return authority.quote({ program, reportData, svn: softwareSvn });
    },
    // Another program gets another key, as in an enclave; whoever has the machine has them all.
    sealingKey: async () => machineKey(secret, "software", program),
    collateralFor: async (_evidence, atSeconds) => [authority.collateral({ atSeconds })],
  };
}
