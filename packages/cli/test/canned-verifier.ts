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
        ...{ address: client, peerId: "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr" },
        ...{ isInOffice: true, isOurs: true, bondFil: "100", since: 0, expires: 1_000_000 },
        ...{ measurementHex: "ab".repeat(32), evidenceHex: "cd".repeat(32) },
      },
      {
        ...{ address: miner, peerId: "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5" },
        ...{ isInOffice: false, isOurs: false, bondFil: "0", since: 40, expires: 90 },
        ...{ measurementHex: "00".repeat(32), evidenceHex: "00".repeat(32) },
      },
    ],
  },
  "verifier.admit": sent,
  "verifier.remove": sent,
  "verifier.bond": sent,
  "verifier.withdraw": { ...sent, isProposal: true },
};
