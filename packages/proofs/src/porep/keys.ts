/**
 * The key of a node: blake2s-256 over the replica id, a header with layer, node and number of parents, and
 * the encoded parents in graph order; the two top bits are cleared, so that it is a field element.
 *
 *   bytes 0…31     replica id
 *   bytes 32…47    "holdfast zigzag1"
 *   bytes 48…51    layer, from 1 (little-endian, as all numbers here)
 *   bytes 52…55    number of parents
 *   bytes 56…63    node
 *   bytes 64…479   thirteen slots of 32 bytes: the parents, then zeros
 *
 * The length is the same for all nodes (a circuit has one shape); the number of parents tells a zero slot
 * from a parent whose value is zero. The header binds the node, so equal data at two nodes encode
 * differently even where no parent does it. Source: ZigZag's key derivation, rust-fil-proofs 2019; header
 * added.
 */
import { blake2s256, utf8Bytes } from "@holdfast/base";
import { nodeBytes } from "../merkle/index.ts";
import { totalDegree } from "../profiles.ts";
import { topByteMask } from "./identity.ts";
import { wordsPerNode } from "./words.ts";

const tagOffset = 32;
const layerOffset = 48;
const countOffset = 52;
const nodeOffset = 56;
const parentsOffset = 64;
const messageBytes = parentsOffset + totalDegree * nodeBytes;
const firstParentWord = parentsOffset / 4;
const twoTo32 = 0x1_0000_0000;

/** Derives the keys of one layer. One message buffer serves all nodes: sealing makes millions of keys. */
export class KeyDeriver {
  readonly #message = new Uint8Array(messageBytes);
  readonly #words = new Uint32Array(this.#message.buffer);
  readonly #view = new DataView(this.#message.buffer);
  readonly #keyBytes = new Uint8Array(nodeBytes);
  readonly #key = new Uint32Array(this.#keyBytes.buffer);

  constructor(replicaId: Uint8Array, layer: number) {
    this.#message.set(replicaId);
    this.#message.set(utf8Bytes("holdfast zigzag1"), tagOffset);
    this.#view.setUint32(layerOffset, layer, true);
  }

  /** Puts the value of parent number `slot`: the node at word `at` of `words`. */
  setParent(slot: number, words: Uint32Array, at: number): void {
    const to = firstParentWord + slot * wordsPerNode;
    for (let i = 0; i < wordsPerNode; i += 1) this.#words[to + i] = words[at + i] as number;
  }

  /** The key of `node` from the first `count` parents set. The result is overwritten by the next call. */
  derive(node: number, count: number): Uint32Array {
    this.#view.setUint32(countOffset, count, true);
    this.#view.setUint32(nodeOffset, node % twoTo32, true);
    this.#view.setUint32(nodeOffset + 4, Math.floor(node / twoTo32), true);
    this.#words.fill(0, firstParentWord + count * wordsPerNode);
    this.#keyBytes.set(blake2s256(this.#message));
    this.#keyBytes[nodeBytes - 1] = (this.#keyBytes[nodeBytes - 1] as number) & topByteMask;
    return this.#key;
  }
}
