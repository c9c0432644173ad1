/** What a canned node says of its miner's idle space. */
import type { MethodResult } from "@holdfast/api";

type IdleName = "idle.status" | "idle.fill" | "idle.drain";

const status: MethodResult<"idle.status"> = {
  ...{
    profile: "idle-1MiB",
    isFilling: true,
    maxBytes: 1_073_741_824,
    threads: 2,
    memoryBytes: 4_294_967_296,
  },
  ...{ isRegistered: true, front: 8, rear: 48, fileBytes: 1_048_576 },
  ...{ certifiedBytes: 42_270_720, totalBytes: 119_439_360, nextLayerBytes: 67_174_400 },
  ...{ layers: { making: 1, made: 1, certified: 5, lost: 0 }, underWay: "append", openChallenges: 1 },
  onChain: {
    ...{ powerBytes: 4_194_304, pledgeFil: "0.4", freeFil: "0.2", lostFil: "0.02", lastProven: 480 },
    ...{ faultySince: 500, missed: 1, dueAt: 530 },
  },
  volumes: [{ volumeId: 0, reservedBytes: 119_439_360, usedBytes: 109_051_904, files: 103 }],
};

export const idleAnswers: { readonly [Name in IdleName]: MethodResult<Name> } = {
  "idle.status": status,
  "idle.fill": status,
  "idle.drain": {
    ...status,
    ...{ isFilling: false, maxBytes: 0, front: 48, certifiedBytes: 0, totalBytes: 0, volumes: [] },
    ...{ layers: { making: 0, made: 0, certified: 0, lost: 0 }, underWay: null, openChallenges: 0 },
  },
};
