/** What a canned node says of itself as a pinning node, and of reports. */
import type { CallName, MethodResult } from "@holdfast/api";
import { fileCid, messageCid, owner } from "./canned-names.ts";

const hex = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(32);

const report: MethodResult<"pinReport.show"> = {
  node: 3,
  key: owner,
  slot: 120,
  digestHex: hex(1),
  previousHex: hex(2),
  accuracyPercent: 95,
  count: 12,
  added: [40, 41],
  samples: [
    { pin: 7, root: fileCid, block: fileCid, bytes: 262_144, elapsedMs: 3 },
    { pin: 9, root: fileCid, block: null, bytes: 0, elapsedMs: 1 },
  ],
  program: "holdfast 0.1.0",
  check: "confirmed",
  receivedMs: 1_700_000_000_000,
  bytesHex: "8c01",
};

export const poscCalls = {
  "posc.join": { node: 3 },
  "posc.leave": { node: 3 },
  "posc.status": {
    node: 3,
    status: "active",
    kind: "software",
    programHex: hex(3),
    keyBoundTo: "machine",
    validUntil: 20_000,
    stakeFil: "10",
    earnedFil: "0.25",
    slot: 121,
    lastSlot: 120,
    lastAccuracyPercent: 95,
    orders: 14,
    holds: 12,
    openChallenges: 0,
    openAsks: 0,
    reports: 360,
    refused: { pinReportLate: 2 },
    reason: null,
  },
  "pinReport.ls": [report],
  "pinReport.show": report,
  "pinReport.verify": {
    ok: true,
    code: null,
    node: 3,
    slot: 120,
    digestHex: hex(1),
    onChain: "this",
    checks: [
      { name: "node", ok: true, code: null },
      { name: "key", ok: true, code: null },
      { name: "signature", ok: true, code: null },
      { name: "chain", ok: true, code: null },
    ],
  },
  "pinReport.inspect": [
    {
      sample: 0,
      pin: 7,
      root: fileCid,
      check: "false",
      reported: { block: fileCid, answerHex: hex(4) },
      found: { block: fileCid, answerHex: hex(5) },
      blocks: [1_024, 262_144],
    },
    { sample: 1, pin: 9, root: fileCid, check: "missing", reported: null, found: null, blocks: [] },
  ],
  "posc.ask": {
    ...{ node: 3, key: owner, peerId: "12D3KooWpeerOfTheFourth", kind: "software", programHex: hex(3) },
    ...{ validUntil: 20_000, set: fileCid, holds: 12 },
  },
  "pinDispute.open": {
    node: 3,
    slot: 120,
    sample: 0,
    method: "disprove",
    check: "false",
    message: messageCid,
  },
  "pinDispute.ls": [
    {
      challenge: 5,
      node: 3,
      slot: 120,
      challenger: owner,
      depositFil: "0.01",
      answerBy: 2_440,
      root: fileCid,
      block: fileCid,
      answerHex: hex(4),
    },
  ],
} satisfies { readonly [Name in CallName]?: MethodResult<Name> };
