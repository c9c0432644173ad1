/** What the API needs of retrieval beside the files themselves. */
import type { AttoFil, Cancel } from "@holdfast/base";

/** Who has content, and what this node gives to others. */
export interface RetrievalDoor {
  find(
    cid: string,
    signal: Cancel,
  ): AsyncIterable<{
    readonly peerId: string;
    readonly miner: string | null;
    /** attoFIL. */
    readonly pricePerByte: AttoFil;
    readonly carBytes: number | null;
    readonly answerMs: number;
    readonly from: "here" | "peer" | "table";
  }>;
  /** After the change. */
  service(change?: {
    readonly pricePerByte?: AttoFil;
    readonly caches?: boolean;
    readonly mostPerByte?: AttoFil;
  }): {
    readonly pricePerByte: AttoFil;
    readonly caches: boolean;
    readonly mostPerByte: AttoFil;
    readonly payee: string | null;
    readonly payloads: number;
    readonly blocks: number;
    readonly earned: AttoFil;
    readonly pulledBytes: number;
  };
}
