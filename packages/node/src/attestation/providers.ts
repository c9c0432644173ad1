/** The providers of this machine, and which of them is taken. */
import { attestationErrors } from "./errors.ts";
import { gramineProvider } from "./gramine.ts";
import type { AttestingNetwork, Devices } from "./needs.ts";
import { softwareProvider } from "./software.ts";
import { tsmProvider } from "./tsm.ts";
import { type AttestationProvider, type Probe, type ProducedKind, producedKinds } from "./types.ts";

export interface ProviderNeeds {
  readonly devices: Devices;
  readonly random: { bytes(count: number): Uint8Array };
  readonly secret: Uint8Array;
  readonly program: Uint8Array;
  readonly network: AttestingNetwork;
}

export function providerOf(kind: ProducedKind, needs: ProviderNeeds): AttestationProvider {
  if (kind === "software") return softwareProvider(needs);
  return kind === "sgx-dcap" ? gramineProvider(needs.devices) : tsmProvider(kind, needs);
}

/** Every provider, with whether it could make evidence here. */
export async function probeAll(
  needs: ProviderNeeds,
): Promise<readonly { readonly kind: ProducedKind; readonly probe: Probe }[]> {
  const probed: { readonly kind: ProducedKind; readonly probe: Probe }[] = [];
  for (const kind of producedKinds) probed.push({ kind, probe: await providerOf(kind, needs).probe() });
  return probed;
}

/**
 * The one that was named, or else the first kind of hardware that is there. Software is never taken unless it is named,
 * so that nobody attests by it without knowing. Errors: `attestation/not-available`, `attestation/software-refused`.
 */
export async function chooseProvider(
  needs: ProviderNeeds,
  named: ProducedKind | undefined,
): Promise<AttestationProvider> {
  if (named !== undefined) {
    const provider = providerOf(named, needs);
    const probe = await provider.probe();
    if (probe.available) return provider;
    if (named === "software") throw attestationErrors.softwareRefused({});
    throw attestationErrors.notAvailable({ kind: named, reason: probe.reason });
  }
  const reasons: string[] = [];
  for (const { kind, probe } of await probeAll(needs)) {
    if (kind === "software") continue;
    if (probe.available) return providerOf(kind, needs);
    reasons.push(`${kind}: ${probe.reason}`);
  }
  throw attestationErrors.notAvailable({ kind: "hardware", reason: reasons.join("; ") });
}
