/**
 * Block headers and gossip bodies. A header is all that is signed: messages and receipts are Merkle
 * roots (AMTs), so nothing in a block can be changed without changing its CID, and everything in a
 * header is a claim that `validateHeader` or the state transition checks.
 */
import type { Address, CID, Codec, Epoch } from "@holdfast/base";
import { c, cidOfCbor, decode, encode, signRecoverable, utf8Bytes, verifySignature } from "@holdfast/base";
import type { SignedMessage } from "./message.ts";
import { signedMessageCodec } from "./message.ts";
import { domainBytes } from "./network-id.ts";

export interface BlockHeader {
  /** Address of the miner actor. */
  readonly miner: Address;
  readonly height: Epoch;
  /** CIDs of the parent tipset's blocks, ascending by their bytes. */
  readonly parents: readonly CID[];
  /** Weight of the parent tipset, fixed point ×1000. */
  readonly parentWeight: bigint;
  /**
   * State after the parent tipset, all its blocks together: no header of theirs has it, and who follows headers
   * only learns it here. The genesis names its own state.
   */
  readonly parentState: CID;
  /** VRF: BLS signature of `ticketInput` by the worker's BLS key; 96 bytes. */
  readonly ticket: Uint8Array;
  /** VRF: BLS signature of `electionInput` by the worker's BLS key; 96 bytes. */
  readonly electionProof: Uint8Array;
  readonly winningPost: Uint8Array;
  /** State after this block's messages on the state of the parent tipset. */
  readonly stateRoot: CID;
  /** AMT of the signed messages' CIDs. */
  readonly messages: CID;
  /** AMT of the receipts, in the same order. */
  readonly receipts: CID;
  /** Milliseconds since the Unix epoch: genesis time + height · round time. */
  readonly timestampMs: number;
  /** Recoverable secp256k1 signature by the miner's worker account; 65 bytes. */
  readonly signature: Uint8Array;
}

/** A block as it is gossiped: the header and its messages, in order. */
export interface FullBlock {
  readonly header: BlockHeader;
  readonly messages: readonly SignedMessage[];
}

/** BLS12-381 signature in G2, compressed (bytes). */
export const vrfBytes = 96;
/** Most parents of a block. */
export const maxParents = 64;
/** Longest winning PoSt (bytes): one sector, few challenges. */
export const maxWinningPostBytes = 131_072;
/** Most messages of a block in any network; `maxBlockMessages` is the network's own bound. */
export const maxMessagesInBody = 8_192;

const unsignedFields = {
  miner: c.address,
  height: c.epoch,
  parents: c.list(c.cid, maxParents),
  parentWeight: c.bigUint(),
  parentState: c.cid,
  ticket: c.fixedBytes(vrfBytes),
  electionProof: c.fixedBytes(vrfBytes),
  winningPost: c.bytes(maxWinningPostBytes),
  stateRoot: c.cid,
  messages: c.cid,
  receipts: c.cid,
  timestampMs: c.uint(Number.MAX_SAFE_INTEGER),
};

const unsignedHeaderCodec: Codec<Omit<BlockHeader, "signature">> = c.tuple(
  "UnsignedBlockHeader",
  unsignedFields,
);

/** What a header says, without the signature that says it: one block may have several of those. */
export function unsignedHeaderBytes(header: Omit<BlockHeader, "signature">): Uint8Array {
  return encode(unsignedHeaderCodec, header);
}

export const blockHeaderCodec: Codec<BlockHeader> = c.tuple("BlockHeader", {
  ...unsignedFields,
  signature: c.fixedBytes(65),
});

export const fullBlockCodec: Codec<FullBlock> = c.tuple("FullBlock", {
  header: blockHeaderCodec,
  messages: c.list(signedMessageCodec, maxMessagesInBody),
});

const domain = utf8Bytes("holdfast block\n");

/** The bytes under a block's signature. */
export function blockSigningBytes(header: Omit<BlockHeader, "signature">, networkId: Uint8Array): Uint8Array {
  return domainBytes(domain, networkId, encode(unsignedHeaderCodec, header));
}

/** Signs with the secp256k1 key of the miner's worker account. */
export function signBlock(
  privateKey: Uint8Array,
  networkId: Uint8Array,
  header: Omit<BlockHeader, "signature">,
): BlockHeader {
  return { ...header, signature: signRecoverable(privateKey, blockSigningBytes(header, networkId)) };
}

/** True if `worker` signed exactly this header for this network. */
export function isBlockSigned(header: BlockHeader, worker: Address, networkId: Uint8Array): boolean {
  return verifySignature(blockSigningBytes(header, networkId), header.signature, worker);
}

/** A header is asked for its CID by everything that touches the block; it never changes, so it is hashed once. */
const known = new WeakMap<BlockHeader, CID>();

/** Identity of a block: of the signed header. */
export function blockCid(header: BlockHeader): CID {
  const found = known.get(header);
  if (found !== undefined) return found;
  const made = cidOfCbor(encode(blockHeaderCodec, header));
  known.set(header, made);
  return made;
}

/** Most bytes that a gossiped block can have in any network. */
export const maxBlockBytes = 8_388_608;

/** A block for the wire. */
export function encodeBlock(block: FullBlock): Uint8Array {
  return encode(fullBlockCodec, block);
}

/** A block from the wire, strictly; `codec/…`. Roots and signatures are not checked here. */
export function decodeBlock(bytes: Uint8Array): FullBlock {
  return decode(fullBlockCodec, bytes, { maxBytes: maxBlockBytes });
}
