/** Who asks to be admitted in tests: evidence by software of a network's own, with a knob for all that can be wrong. */
import { seedAddress, toHex } from "@holdfast/base";
import {
  type AdmissionRequest,
  type AttestedIdentity,
  anyPlatform,
  networkSeed,
  type PlatformRule,
  reportDataOf,
} from "@holdfast/proofs/attestation";
import { type SoftwareCollateral, softwareAuthority } from "@holdfast/proofs/attestation/software";

export const day = 86_400;
export const atSeconds = 1_750_000_000;
export const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
export const networkId = filled(32, 1);
export const program = filled(32, 0x50);
export const operator = seedAddress(1, "operator");
export const nonceAt = (epoch: number): Uint8Array => filled(32, epoch % 251);
const authorities = new Map(
  [networkId, filled(32, 2)].map((id) => [toHex(id), softwareAuthority(networkSeed(id))]),
);

export const identity: AttestedIdentity = {
  ...{ use: "pin-node", networkId, nodeKey: filled(65, 4), peerId: "12D3KooWtest", operator },
  ...{ epoch: 100, nonce: nonceAt(100) },
};

interface Made {
  readonly identity?: Partial<AttestedIdentity>;
  /** What the evidence is bound to, if not to the identity that is sent with it. */
  readonly bound?: Partial<AttestedIdentity>;
  readonly program?: Uint8Array;
  readonly debug?: boolean;
  readonly authority?: Uint8Array;
  readonly collateral?: Partial<SoftwareCollateral>;
  readonly bend?: (quote: Uint8Array) => void;
}

export function requestOf(made: Made = {}, change: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const authority = authorities.get(toHex(made.authority ?? networkId)) ?? softwareAuthority(filled(32, 9));
  const sent = { ...identity, ...made.identity };
  const reportData = reportDataOf({ ...sent, ...made.bound });
  const { debug = false } = made;
  const quote = authority.quote({ program: made.program ?? program, reportData, svn: 1, debug });
  made.bend?.(quote);
  const collateral = [authority.collateral({ atSeconds, ...made.collateral })];
  return {
    evidence: { kind: "software", evidence: quote, collateral },
    identity: sent,
    expected: {
      ...{ use: "pin-node", networkId, nodeKey: identity.nodeKey, peerId: identity.peerId, operator },
      ...{ epoch: 120, mostAgeEpochs: 50, nonceAt },
    },
    ...{
      atSeconds,
      softwareAllowed: true,
      allowed: { kind: "software", program, platform: anyPlatform },
      ...change,
    },
  };
}

export const admitted = requestOf();
export const expecting = (expected: Partial<AdmissionRequest["expected"]>): Partial<AdmissionRequest> => ({
  expected: { ...admitted.expected, ...expected },
});

/** With a line of the list that asks so much of platforms. */
export const asking = (rule: Partial<PlatformRule>): Partial<AdmissionRequest> => ({
  allowed: { kind: "software", program, platform: { ...anyPlatform, ...rule } },
});
