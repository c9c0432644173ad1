/** What the chain database keeps of a tipset, and under which names. */
import { type CID, type Codec, c, type Epoch } from "@holdfast/base";
import { maxParents, type Receipt, receiptCodec } from "@holdfast/consensus";

export interface MessageResult {
  readonly message: CID;
  readonly receipt: Receipt;
}

/** A tipset that was executed: its blocks, what came out, and how heavy the chain up to it is. */
export interface TipsetRecord {
  readonly cids: readonly CID[];
  readonly height: Epoch;
  readonly parents: readonly CID[];
  readonly stateRoot: CID;
  /** Weight including this tipset, fixed point ×1000. */
  readonly weight: bigint;
  readonly results: readonly MessageResult[];
}

/** Most results of one tipset: every block full. */
const maxResults = 65_536;

export const tipsetRecordCodec: Codec<TipsetRecord> = c.tuple("TipsetRecord", {
  cids: c.list(c.cid, maxParents),
  height: c.epoch,
  parents: c.list(c.cid, maxParents),
  stateRoot: c.cid,
  weight: c.bigUint(),
  results: c.list(c.tuple("MessageResult", { message: c.cid, receipt: receiptCodec }), maxResults),
});

/** A record may hold as many receipts as a block has messages. */
export const recordLimits = { maxBytes: 64 * 1024 * 1024 } as const;

export const metaKeys = {
  genesis: "genesis",
  genesisTotal: "genesis-total",
  head: "head",
  tipset: (key: string) => `t/${key}`,
  body: (block: CID) => `b/${block}`,
  /** Height on the current chain → tipset key. */
  height: (height: number) => `h/${height}`,
  /** Message on the current chain → tipset key. */
  message: (message: string) => `m/${message}`,
} as const;
