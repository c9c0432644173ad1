/** Requests of admission with one thing wrong, by software, with a code that each must be refused with. */
import { fromHex, seedAddress } from "@holdfast/base";
import { type AdmissionRequest, anyPlatform } from "@holdfast/proofs/attestation";
import {
  admitted,
  asking,
  atSeconds,
  day,
  expecting,
  filled,
  nonceAt,
  program,
  requestOf,
} from "./attestation-admission-world.ts";

// ux-reliability: "TEE quote replay/downgrade"; the names stand in docs/ATTACKS.md.
export const admissionAttacks: readonly (readonly [string, string, AdmissionRequest])[] = [
  ["the same evidence a second time", "evidence-replayed", requestOf({}, expecting({ lastEpoch: 100 }))],
  ["evidence of long ago", "identity-too-old", requestOf({}, expecting({ epoch: 151 }))],
  [
    "evidence of a height that is still to come",
    "identity-from-future",
    requestOf({}, expecting({ epoch: 99 })),
  ],
  [
    "a nonce of its own choice",
    "identity-nonce-mismatch",
    requestOf({ identity: { nonce: filled(32, 255) } }),
  ],
  [
    "a nonce of a height that nobody knows any more",
    "identity-nonce-mismatch",
    requestOf({}, expecting({ nonceAt: () => undefined })),
  ],
  [
    "evidence that is bound to another nonce",
    "report-data-mismatch",
    requestOf({ bound: { nonce: nonceAt(7) } }),
  ],
  [
    "another node's evidence with its own key",
    "report-data-mismatch",
    requestOf({ bound: { nodeKey: filled(65, 5) } }),
  ],
  [
    "another node's evidence and key",
    "identity-key-mismatch",
    requestOf({ identity: { nodeKey: filled(65, 5) } }),
  ],
  ["another peer's evidence", "identity-peer-mismatch", requestOf({ identity: { peerId: "12D3KooWother" } })],
  [
    "another operator's evidence",
    "identity-operator-mismatch",
    requestOf({ identity: { operator: seedAddress(1, "another") } }),
  ],
  ["evidence for another use", "identity-use-mismatch", requestOf({ identity: { use: "idle-verifier" } })],
  ["evidence of another network", "pck-root-not-pinned", requestOf({ authority: filled(32, 2) })],
  [
    "an identity of another network under this one's root",
    "identity-network-mismatch",
    requestOf({ identity: { networkId: filled(32, 2) } }),
  ],
  ["a platform that is revoked", "tcb-revoked", requestOf({ collateral: { tcbStatus: "Revoked" } })],
  [
    "a platform whose certificate is revoked",
    "pck-certificate-revoked",
    requestOf({ collateral: { revoked: true } }),
  ],
  ["a platform without updates", "tcb-out-of-date", requestOf({ collateral: { tcbStatus: "OutOfDate" } })],
  ["an enclave that can be looked into", "debug-enabled", requestOf({ debug: true })],
  ["a program that is not on the list", "measurement-not-allowed", requestOf({ program: filled(32, 0x51) })],
  [
    "the measurement of an allowed program put into the quote",
    "quote-signature-invalid",
    requestOf({ program: filled(32, 0x51), bend: (quote) => quote.set(program, 112) }),
  ],
  [
    "the program is allowed for hardware alone",
    "measurement-not-allowed",
    requestOf({}, { allowed: { kind: "sgx-dcap", program, platform: anyPlatform } }),
  ],
  [
    "collateral that has expired",
    "tcb-info-expired",
    requestOf({ collateral: { atSeconds: atSeconds - 90 * day } }),
  ],
  [
    "collateral of later",
    "tcb-info-not-yet-valid",
    requestOf({ collateral: { atSeconds: atSeconds + 60 * day } }),
  ],
  [
    "no collateral at all",
    "collateral-missing",
    { ...admitted, evidence: { ...admitted.evidence, collateral: [] } },
  ],
  [
    "collateral of before the evaluation that the network asks for",
    "tcb-info-too-old",
    requestOf({}, asking({ leastTcbEvaluation: 2 })),
  ],
  [
    "a platform with a status that this program's line does not name",
    "tcb-hardening-needed",
    requestOf({ collateral: { tcbStatus: "SWHardeningNeeded" } }, asking({ tcbStatuses: ["UpToDate"] })),
  ],
  [
    "a simulated quote where that is not allowed",
    "software-not-allowed",
    requestOf({}, { softwareAllowed: false }),
  ],
  [
    "a simulated quote that is said to be of hardware",
    "kind-mismatch",
    { ...admitted, evidence: { ...admitted.evidence, kind: "sgx-dcap" } },
  ],
  [
    "a simulated quote with the vendor of hardware in it",
    "quote-signature-invalid",
    requestOf({ bend: (quote) => quote.set(fromHex("939a7233f79c4ca9940a0db3957f0607"), 12) }),
  ],
  [
    "a quote under a root that somebody else made",
    "pck-root-not-pinned",
    requestOf({ authority: filled(32, 77) }),
  ],
];
