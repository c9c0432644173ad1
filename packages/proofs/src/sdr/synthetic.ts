/**
 * Synthetic challenges: from the commitment come 2^18 candidates, whose openings a miner keeps so that the
 * layers can go at once; chain randomness later selects some of them. Both streams are ChaCha20 under a key
 * of keyed BLAKE2b-256.
 * Source: FIP-0059 (synthetic PoRep); RFC 8439 (the stream), RFC 7693 (the key).
 */
import { concatBytes, utf8Bytes } from "@holdfast/base";
import { blake2b } from "@noble/hashes/blake2.js";
import { chachaBlock } from "../graph/index.ts";
import { challengedNode } from "./challenges.ts";

const defaultCount = 2 ** 18;
const generation = utf8Bytes("filecoin.io|PoRep|1|Synthetic|1|Generation");
const selection = utf8Bytes("filecoin.io|PoRep|1|Synthetic|1|Selection");
const nonce = utf8Bytes("synth-porep\0");
const chachaConstants = utf8Bytes("expand 32-byte k");
const wordsPerBlock = 16;
const counterWord = 12;
const challengeBytes = 32;

/** The key stream as blocks of 64 bytes. */
function* keyStream(tag: Uint8Array, replicaId: Uint8Array, other: Uint8Array): Generator<Uint8Array, void> {
  const key = blake2b(concatBytes(replicaId, other), { key: tag, dkLen: 32 });
  const view = new DataView(concatBytes(chachaConstants, key, new Uint8Array(4), nonce).buffer);
  const state = Int32Array.from({ length: wordsPerBlock }, (_none, i) => view.getInt32(i * 4, true));
  const words = new Uint32Array(wordsPerBlock);
  for (;;) {
    chachaBlock(state, words);
    state[counterWord] = (state[counterWord] as number) + 1;
    yield new Uint8Array(words.slice().buffer);
  }
}

/** How many candidates a sector has: 2^18, or its nodes if these are fewer. */
export function sdrSyntheticCount(nodes: number): number {
  return Math.min(nodes, defaultCount);
}

/** The candidates, in order and with repetitions. `replicaId`, `commR`: 32 bytes. */
export function sdrSyntheticChallenges(
  nodes: number,
  replicaId: Uint8Array,
  commR: Uint8Array,
  count: number = sdrSyntheticCount(nodes),
): readonly number[] {
  const challenges: number[] = [];
  for (const block of keyStream(generation, replicaId, commR)) {
    for (let at = 0; at < block.length; at += challengeBytes) {
      if (challenges.length === count) return challenges;
      challenges.push(challengedNode(block.subarray(at, at + challengeBytes), nodes));
    }
  }
  return challenges;
}

/**
 * Which candidates the chain selects: indices into the list of `candidates`, number `first` … `first +
 * count − 1`. `replicaId`, `randomness`: 32 bytes.
 */
export function sdrSyntheticSelection(
  replicaId: Uint8Array,
  randomness: Uint8Array,
  candidates: number,
  count: number,
  first = 0,
): readonly number[] {
  const indices: number[] = [];
  for (const block of keyStream(selection, replicaId, randomness)) {
    const words = new DataView(block.buffer);
    for (let at = 0; at < block.length; at += 4) indices.push(words.getUint32(at, true) % candidates);
    if (indices.length >= first + count) return indices.slice(first, first + count);
  }
  return indices;
}
