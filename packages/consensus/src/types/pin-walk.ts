/**
 * Which block a report must answer for: the slot's randomness and the node's key give the order, then a walk from its
 * root, at each block to one of its links, weighted by the sizes that they state, down to a block without any. The same
 * steps run in the node, which reads its disk, in a peer that checks it, and on the chain, which is given the blocks.
 */
import type { Address, CID } from "@holdfast/base";
import {
  addressBytes,
  bigEndian,
  blake2b256,
  concatBytes,
  readBigEndian,
  utf8Bytes,
  verifyCid,
} from "@holdfast/base";
import { linksOf } from "./dag-links.ts";
import { domainBytes } from "./network-id.ts";

/** Tag of the chain's draw at the first epoch of a slot: `rand(slot * pinSlotEpochs, pinSlotTag, empty)`. */
export const pinSlotTag = "pin slot";
/**
 * Tag of the draw that an ask is for: `rand(askStart + 1, pinAskTag, askEntropy)`. Of the epoch after, because who
 * makes the block in which the ask is knows that block's own ticket, and could wait for a walk to its liking.
 */
export const pinAskTag = "pin ask";
/** A walk ends here at the latest; no sane content is so deep. */
export const maxWalkBlocks = 64;
/**
 * Bytes of the blocks of a walk, together, that a message of any network has room for. A node answers no sample whose
 * walk is longer: asked for its blocks on the chain it could not show them, and would lose its stake for a true report.
 */
export const maxShownWalkBytes = 393_216;
/** blake2b-256, sha2-256, identity: the hashes that the chain can check. */
const checkedHashes: readonly number[] = [0xb220, 0x12, 0x00];

const sampleDomain = utf8Bytes("holdfast pin sample\n");
const stepDomain = utf8Bytes("holdfast pin step\n");
const answerDomain = utf8Bytes("holdfast pin answer\n");

export interface PinDraw {
  readonly networkId: Uint8Array;
  readonly slot: number;
  readonly slotHash: Uint8Array;
  readonly key: Address;
}

/** 32 bytes for the n-th sample of a node's report. */
export function sampleSeed({ networkId, slot, slotHash, key }: PinDraw, sample: number): Uint8Array {
  const drawn = concatBytes(bigEndian(slot, 8), slotHash, addressBytes(key), bigEndian(sample, 4));
  return blake2b256(domainBytes(sampleDomain, networkId, drawn));
}

/** Orders of one buyer and nodes of one order have draws of their own. */
export function askEntropy(pin: number, node: number): Uint8Array {
  return concatBytes(bigEndian(pin, 8), bigEndian(node, 8));
}

/** Which member of a list of `count` orders it is. */
export function sampledPlace(seed: Uint8Array, count: number): number {
  return Number(readBigEndian(seed.subarray(0, 16)) % BigInt(count));
}

/** What only who has the bytes can say, after the draw. */
export function answerOf(seed: Uint8Array, block: Uint8Array): Uint8Array {
  return blake2b256(concatBytes(answerDomain, seed, block));
}

/** True for CIDs whose content the chain can check. */
export function isCheckable(cid: CID): boolean {
  return checkedHashes.includes(cid.multihash.code);
}

export interface WalkEnd {
  readonly block: CID;
  readonly answer: Uint8Array;
  readonly bytes: number;
}

/**
 * Yields the CID of each block that it needs and takes its bytes; returns where it ends, undefined if bytes are not
 * those of the CID. Whoever runs it reads the blocks: `walk.next(bytes)`.
 */
export function* walkPin(seed: Uint8Array, root: CID): Generator<CID, WalkEnd | undefined, Uint8Array> {
  let at = root;
  for (let depth = 0; ; depth++) {
    const bytes = yield at;
    if (!verifyCid(at, bytes)) return undefined;
    const links = depth + 1 < maxWalkBlocks ? linksOf(at, bytes).filter(({ cid }) => isCheckable(cid)) : [];
    if (links.length === 0) return { block: at, answer: answerOf(seed, bytes), bytes: bytes.length };
    const total = links.reduce((sum, { weight }) => sum + weight, 0n);
    const hash = blake2b256(concatBytes(stepDomain, seed, bigEndian(depth, 4)));
    let drawn = readBigEndian(hash.subarray(0, 16)) % total;
    for (const { cid, weight } of links) {
      at = cid;
      if (drawn < weight) break;
      drawn -= weight;
    }
  }
}

/** A walk over blocks that are there, in its order; undefined if they do not fit or do not suffice. */
export function walkBlocks(seed: Uint8Array, root: CID, blocks: readonly Uint8Array[]): WalkEnd | undefined {
  const walk = walkPin(seed, root);
  let step = walk.next();
  for (const block of blocks) {
    if (step.done === true) return undefined;
    step = walk.next(block);
  }
  return step.done === true ? step.value : undefined;
}
