/** What a canned node says of the verifiers of idle space. */
import type { MethodResult } from "@holdfast/api";
import { client, messageCid, miner } from "./canned-names.ts";

type VerifierName =
  | "verifier.list"
  | "verifier.admit"
  | "verifier.remove"
  | "verifier.bond"
  | "verifier.withdraw";

const sent = { cid: messageCid, nonce: 7, isProposal: false };

export const verifierAnswers: { readonly [Name in VerifierName]: MethodResult<Name> } = {
  "verifier.list": {
    ...{ profile: "idle-1MiB", weightPercent: 10, bondFil: "100", seats: 3, authority: client },
    verifiers: [
      {
        ...{ operator: client, key: miner, peerId: "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr" },
        ...{ isInOffice: true, isOurs: true, bondFil: "100", since: 0, expires: 1_000_000 },
        ...{ validUntil: 20_000, kind: "software" },
        ...{ programHex: "ab".repeat(32), evidenceHex: "cd".repeat(32) },
      },
      {
        ...{ operator: miner, key: null, peerId: "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5" },
        ...{ isInOffice: false, isOurs: false, bondFil: "0", since: 40, expires: 90 },
        ...{ validUntil: 0, kind: null, programHex: null, evidenceHex: null },
      },
    ],
    own: {
      ...{ operator: client, kind: "software", programHex: "ab".repeat(32), keyBoundTo: "machine" },
      ...{ certified: 12, judged: 3, refused: 1 },
      reason: { code: "verifier/program-not-allowed", message: "the network lets no node run this program" },
    },
  },
  "verifier.admit": sent,
  "verifier.remove": sent,
  "verifier.bond": sent,
  "verifier.withdraw": { ...sent, isProposal: true },
};
