/** What a canned node says of pinning that is bought. */
import type { CallName, MethodResult } from "@holdfast/api";
import { client, fileCid, messageCid, owner } from "./canned-names.ts";

const programHex = "3f".repeat(32);
const order: MethodResult<"pinOrder.show"> = {
  pin: 12,
  cid: fileCid,
  buyer: client,
  sizeBytes: 10 * 2 ** 20,
  state: "partly",
  nodesWanted: 3,
  nodesHolding: 1,
  priceFilPerGiBPerDay: "0.01",
  slotFil: "0.00000203451",
  escrowFil: "0.0029",
  endHeight: 1_200,
  holders: [
    {
      ...{ node: 0, peerId: "12D3KooWpeerOfTheFirst", operator: owner, state: "holding", lastSlot: 5 },
      ...{ countedPercent: 95, owedFil: "0.0000058", heldFil: "0.0000021", check: "confirmed" },
      ...{ ask: { answerBy: 140, depositFil: "0.01" }, look: { slot: 5, found: "silent", missed: 3 } },
    },
    {
      ...{ node: 2, peerId: "12D3KooWpeerOfTheThird", operator: owner, state: "assigned", lastSlot: null },
      ...{ countedPercent: null, owedFil: "0", heldFil: "0", check: null, ask: null, look: null },
    },
  ],
  dropped: [7],
};
const node: MethodResult<"pinNode.show"> = {
  node: 0,
  operator: owner,
  key: client,
  peerId: "12D3KooWpeerOfTheFirst",
  kind: "software",
  programHex,
  program: "holdfast 0.1.0",
  status: "active",
  validUntil: 900,
  stakeFil: "10",
  earnedFil: "0.5",
  leastFilPerGiBPerDay: "0.01",
  capacityBytes: 2 ** 40,
  assignedBytes: 10 * 2 ** 20,
  holds: 1,
  reports: 6,
  countedPercent: 95,
  lastSlot: 5,
  openChallenges: 1,
  openAsks: 1,
};
const sent = { cid: messageCid, nonce: 7, isProposal: false };

export const pinOrderCalls = {
  "pinOrder.add": { ...sent, costFil: "0.003", slots: 720 },
  "pinOrder.ls": { pins: [order], next: null },
  "pinOrder.show": order,
  "pinOrder.extend": { ...sent, costFil: "0.003", slots: 720 },
  "pinOrder.rm": sent,
  "pinOrder.settle": sent,
  "pinOrder.repair": sent,
  "pinOrder.ask": { ...sent, depositFil: "0.01" },
  "pinNode.ls": { nodes: [node], next: 9 },
  "pinNode.show": node,
  "pinNode.claim": { ...sent, earnedFil: "0.5" },
  "pinProgram.ls": [
    {
      ...{ kind: "software", programHex, name: "holdfast 0.1.0", expires: 900_000 },
      platform: { leastTcbEvaluation: 0, tcbStatuses: [], leastFirmware: [] },
    },
    {
      ...{ kind: "sev-snp", programHex: "40".repeat(32), name: "holdfast 0.1.0", expires: 900_000 },
      platform: {
        leastTcbEvaluation: 0,
        tcbStatuses: [],
        leastFirmware: [{ line: "Milan", fmc: 0, bl: 4, tee: 0, snp: 24, ucode: 219 }],
      },
    },
  ],
  "pinProgram.set": { ...sent, isProposal: true },
} satisfies { readonly [Name in CallName]?: MethodResult<Name> };
