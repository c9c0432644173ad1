/** Puts as a node tells of them: one that runs, one that is done, one that is kept and in trouble, and a receipt. */
import { type MethodResult, putSteps, receiptDocument } from "@holdfast/api";
import type { z } from "zod";
import { cid, dealId, fileBytes, fileCid, headMs, miner } from "./canned-names.ts";

const doneSteps = [...putSteps];
export const putRunning: MethodResult<"put.show"> = {
  jobId: "put-1",
  cid: fileCid,
  name: "photo.jpg",
  sizeBytes: fileBytes.length,
  carBytes: 200_400,
  state: "running",
  startedAtMs: headMs,
  updatedAtMs: headMs + 5000,
  finishedAtMs: null,
  durationEpochs: 120,
  totalFil: "0.02",
  encrypted: false,
  keep: {
    spread: "operators",
    renew: false,
    repair: false,
    limitFil: null,
    state: "off",
    detail: "",
    copiesKept: 0,
    untilHeight: null,
    audits: [],
  },
  copies: [
    {
      miner,
      dealId,
      step: "sealed",
      stepsDone: doneSteps.slice(0, 5),
      progressRatio: 0.6,
      detail: "1 of 2 sectors",
      priceFil: "0.02",
      error: null,
    },
  ],
  error: null,
};
export const putDone: MethodResult<"put.show"> = {
  ...putRunning,
  state: "done",
  finishedAtMs: headMs + 9000,
  copies: putRunning.copies.map((copy) => ({
    ...copy,
    step: "read-back",
    stepsDone: doneSteps,
    progressRatio: 1,
    detail: "",
  })),
};

export const putKept: MethodResult<"put.show"> = {
  ...putDone,
  jobId: "put-0",
  encrypted: true,
  keep: {
    spread: "operators",
    renew: true,
    repair: true,
    limitFil: "0.04",
    state: "stuck",
    detail: "it would cost 1 FIL, the limit is 0.04 FIL",
    copiesKept: 1,
    untilHeight: 190,
    audits: [{ copy: 0, miner, askedHeight: 99, servedHeight: 98, misses: 1, detail: "it sends nothing" }],
  },
};

export const receipt: z.output<typeof receiptDocument> = {
  version: 1,
  network: "canned",
  cid: fileCid,
  name: "photo.jpg",
  sizeBytes: fileBytes.length,
  carBytes: 200_400,
  storedAtHeight: 96,
  storedUntilHeight: 190,
  totalFil: "0.02",
  copies: [
    {
      miner,
      dealId,
      channelId: 5,
      pieces: [
        {
          pieceCid: cid("piece"),
          paddedBytes: 262_144,
          sectorId: 3,
          commD: "aa".repeat(32),
          commR: "bb".repeat(32),
          inclusionProofHex: "00",
          firstProvenAt: 95,
        },
      ],
    },
  ],
};

receiptDocument.parse(receipt);
