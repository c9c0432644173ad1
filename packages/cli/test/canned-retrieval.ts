/** What a canned node says of who has content, and of what it gives itself. */
import type { MethodResult } from "@holdfast/api";

interface RetrievalCalls {
  readonly "file.find": MethodResult<"file.find">;
  readonly "retrieval.show": MethodResult<"retrieval.show">;
  readonly "retrieval.set": MethodResult<"retrieval.set">;
}

export function retrievalCalls(miner: string, payee: string): RetrievalCalls {
  const peerId = "12D3KooWNRgiFRiyixcVhNBwhQjyzGqwG9Uvgis3TPtFBvBNM7gr";
  const service = {
    priceFilPerGiB: "0.05",
    caches: true,
    mostFilPerGiB: "0.02",
    payee,
    indexedPayloads: 3,
    indexedBlocks: 4_711,
    earnedFil: "1.25",
    cachedBytes: 1_048_576,
  };
  return {
    "file.find": [
      { peerId, miner: null, priceFilPerGiB: "0", priceFil: null, answerMs: 3.5, from: "table" },
      { peerId, miner, priceFilPerGiB: "0.05", priceFil: "0.001", answerMs: 1, from: "peer" },
    ],
    "retrieval.show": service,
    "retrieval.set": service,
  };
}
