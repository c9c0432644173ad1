/** What the chain database keeps of a tipset, and under which names. */
import { type CID, type Codec, c, decode, type Epoch, encode, utf8Bytes, utf8Text } from "@holdfast/base";
import {
  maxMessagesInBody,
  maxParents,
  type Receipt,
  receiptCodec,
  type SignedMessage,
  signedMessageCodec,
} from "@holdfast/consensus";

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
}

export const tipsetRecordCodec: Codec<TipsetRecord> = c.tuple("TipsetRecord", {
  cids: c.list(c.cid, maxParents),
  height: c.epoch,
  parents: c.list(c.cid, maxParents),
  stateRoot: c.cid,
  weight: c.bigUint(),
});

/** Most results of one tipset: every block full. */
const maxResults = 65_536;

export const resultsCodec: Codec<readonly MessageResult[]> = c.list(
  c.tuple("MessageResult", { message: c.cid, receipt: receiptCodec }),
  maxResults,
);

export const bodyCodec: Codec<readonly SignedMessage[]> = c.list(signedMessageCodec, maxMessagesInBody);

/** Below these heights the node no longer has what it had, or never had it: see `Chain.horizon`. */
export interface Horizon {
  readonly statesFrom: number;
  readonly bodiesFrom: number;
}

const horizonCodec: Codec<Horizon> = c.tuple("Horizon", { statesFrom: c.uint(), bodiesFrom: c.uint() });

export const encodeHorizon = (horizon: Horizon): Uint8Array => encode(horizonCodec, horizon);
export const decodeHorizon = (bytes: Uint8Array | undefined): Horizon =>
  bytes === undefined ? { statesFrom: 0, bodiesFrom: 0 } : decode(horizonCodec, bytes);

/** As many receipts as a block has messages. */
export const recordLimits = { maxBytes: 64 * 1024 * 1024 } as const;

/**
 * Names of facts; what stands before the slash is the kind in `holdfast chain store`. Of a tipset that is pruned, `t`,
 * `hd` and `h` stay.
 */
export const metaKeys = {
  genesis: "genesis",
  genesisTotal: "genesis-total",
  head: "head",
  horizon: "horizon",
  /** Key of a checkpoint below the horizon whose state is held nevertheless. */
  kept: "kept",
  /** The height from which on the chain was believed when it came: see `watchBelief`. */
  believed: "believed",
  /** A checkpoint at which the chain is about to begin: records of tipsets may be here that have no state. */
  beginning: "beginning",
  /** The height below which pruning has let the facts go. */
  factsFrom: "facts-from",
  /** The greatest height at which a tipset was ever taken in. */
  top: "top",
  tipset: (key: string) => `t/${key}`,
  /** Header of a block. */
  header: (block: CID) => `hd/${block}`,
  /** Messages of a block. */
  body: (block: CID) => `b/${block}`,
  /** Results of the messages of a tipset. */
  results: (key: string) => `r/${key}`,
  /** Height → keys of all tipsets of it, of forks too; forgotten where the chain is pruned. */
  at: (height: number) => `at/${height}`,
  /** Height on the current chain → tipset key. */
  height: (height: number) => `h/${height}`,
  /** Message on the current chain → tipset key. */
  message: (message: string) => `m/${message}`,
} as const;

export const encodeKeys = (keys: readonly string[]): Uint8Array => utf8Bytes(keys.join("\n"));
export const decodeKeys = (bytes: Uint8Array | undefined): readonly string[] =>
  bytes === undefined || bytes.length === 0 ? [] : utf8Text(bytes).split("\n");
