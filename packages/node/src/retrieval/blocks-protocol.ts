/**
 * Blocks by their names: whoever asks names the root that it is about and learns whether it is here and what a byte
 * costs; then it names blocks, and they come in any order, each behind its name. So a path or a range costs the blocks
 * on its way and no others, and several providers can give parts of one file. Where bytes have a price, vouchers
 * of a payment channel go the other way on the same stream.
 */
import { type CID, c, type Decoded, decode, encode, encodeVarint } from "@holdfast/base";
import { limits } from "../limits.ts";
import { chunkData, framedParts, messageBytes } from "./protocol.ts";

export const blocksProtocol = "/fil/retrieval/blocks/1.0.0";

/** The first four as of the free protocol. */
export const blocksStatus = {
  failure: 1,
  success: 2,
  notFound: 3,
  busy: 4,
  /** It has a price, and the channel that is named (or that none is named) does not do. */
  payment: 5,
} as const;

export const payingChannelCodec = c.tuple("PayingChannel", { payer: c.address, channel: c.channelId });
export type PayingChannel = Decoded<typeof payingChannelCodec>;

/** A recoverable signature; empty where no channel is named. */
const channelProofBytes = 65;

export const helloCodec = c.tuple("BlocksHello", {
  /** What it is about: the root of a file or folder, or any block. */
  root: c.cid,
  /** What pays; null where it is free, or to learn the price. */
  channel: c.nullable(payingChannelCodec),
  /** Who pays from the channel has signed that this peer may: else anybody could take blocks at its expense. */
  proof: c.bytes(channelProofBytes),
  /** A provider that has nothing of it may fetch it from others; one that does so itself does not ask for more. */
  mayFetch: c.bool,
});
export type BlocksHello = Decoded<typeof helloCodec>;

/** Names no channel: for what is free, or to learn the price. */
export function freeHello(root: CID, mayFetch: boolean): BlocksHello {
  return { root, channel: null, proof: new Uint8Array(0), mayFetch };
}

export const termsCodec = c.tuple("BlocksTerms", {
  status: c.uint(255),
  message: c.text(messageBytes),
  /** attoFIL for each byte of a block. */
  pricePerByte: c.attoFil,
  /** Whom a channel has to pay; null where it is free. */
  target: c.nullable(c.address),
  /** Bytes that may be sent before they are paid. */
  creditBytes: c.uint(),
  /** The CAR stream below the root, where the provider knows it. */
  carBytes: c.nullable(c.uint()),
  fileBytes: c.nullable(c.uint()),
});
export type BlocksTerms = Decoded<typeof termsCodec>;

/** Text of a voucher without a condition. */
const voucherChars = 1_024;

export const wishCodec = c.variant("BlocksWish", {
  want: c.tuple("want", { cids: c.list(c.cid, limits.retrievalWants) }),
  /** A voucher over all that was received so far. */
  pay: c.tuple("pay", { voucher: c.text(voucherChars) }),
});
export type BlocksWish = Decoded<typeof wishCodec>;

export const replyCodec = c.variant("BlocksReply", {
  /** Its bytes follow in chunks. */
  block: c.tuple("block", { cid: c.cid, blockBytes: c.uint(limits.fileBlockBytes) }),
  chunk: c.tuple("chunk", { data: c.bytes(limits.retrievalChunkBytes) }),
  missing: c.tuple("missing", { cid: c.cid }),
  /** Nothing more comes before this much is paid in all. */
  due: c.tuple("due", { amount: c.attoFil }),
  failed: c.tuple("failed", { code: c.text(64), message: c.text(messageBytes) }),
});
export type BlocksReply = Decoded<typeof replyCodec>;

/** Any reply from its bytes. `codec/…`. */
export function readReply(bytes: Uint8Array): BlocksReply {
  const data = chunkData(bytes);
  return data === undefined
    ? decode(replyCodec, bytes, { maxBytes: limits.frameBytes })
    : { kind: "chunk", data };
}

/** A reply with its length in front, in parts. */
export function replyParts(reply: BlocksReply): Uint8Array[] {
  if (reply.kind === "chunk") return framedParts(reply);
  const bytes = encode(replyCodec, reply);
  return [encodeVarint(bytes.length), bytes];
}

/** A block behind its name, in parts; its bytes are not copied. */
export function blockParts(cid: Parameters<typeof c.cid.toCbor>[0], bytes: Uint8Array): Uint8Array[] {
  const parts = replyParts({ kind: "block", cid, blockBytes: bytes.length });
  for (let at = 0; at < bytes.length; at += limits.retrievalChunkBytes) {
    parts.push(...framedParts({ kind: "chunk", data: bytes.subarray(at, at + limits.retrievalChunkBytes) }));
  }
  return parts;
}
