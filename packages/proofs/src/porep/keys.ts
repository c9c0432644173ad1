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
 *
 * For networks with SNARKs the same inputs go through Poseidon of arity 16 instead: a domain constant, the
 * replica id, one element with layer · 2^48 + node · 2^8 + number of parents, and the thirteen slots.
 */
import { assert, blake2s256, littleEndian, utf8Bytes } from "@holdfast/base";
import { nodeBytes, treeKernel } from "../merkle/index.ts";
import { type SectorProfile, totalDegree } from "../profiles.ts";
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
export interface NodeKeys {
  /** Puts the value of parent number `slot`: the node at word `at` of `words`. */
  setParent(slot: number, words: Uint32Array, at: number): void;
  /** The key of `node` from the first `count` parents set. The result is overwritten by the next call. */
  derive(node: number, count: number): Uint32Array;
}

/** How a profile of ZigZag derives its keys. */
export function zigzagKeysOf({
  keyDerivation,
}: Pick<SectorProfile, "keyDerivation">): "blake2s" | "poseidon" {
  assert(keyDerivation !== "sha256", "sdr has labels instead of keys");
  return keyDerivation;
}

/** The keys of a layer (from 1) by the derivation of the profile. */
export function nodeKeys(
  profile: Pick<SectorProfile, "keyDerivation">,
  replicaId: Uint8Array,
  layer: number,
): NodeKeys {
  const keyDerivation = zigzagKeysOf(profile);
  const Deriver = keyDerivation === "poseidon" ? PoseidonKeyDeriver : KeyDeriver;
  return new Deriver(replicaId, layer);
}

/** Keys by BLAKE2s. */
export class KeyDeriver implements NodeKeys {
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

  setParent(slot: number, words: Uint32Array, at: number): void {
    const to = firstParentWord + slot * wordsPerNode;
    for (let i = 0; i < wordsPerNode; i += 1) this.#words[to + i] = words[at + i] as number;
  }

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

const poseidonArity = 16;
const headerNode = 2;
const firstParentNode = 3;
const poseidonDomain = utf8Bytes("holdfast zigzag key 2");

/** layer · 2^48 + node · 2^8 + count: the element that binds a node's key to its place. */
export function keyHeader(layer: number, node: number, count: number): bigint {
  return (BigInt(layer) << 48n) | (BigInt(node) << 8n) | BigInt(count);
}

/** Keys by Poseidon: 600 constraints where BLAKE2s takes 170,000. */
export class PoseidonKeyDeriver implements NodeKeys {
  readonly #message = new Uint8Array(poseidonArity * nodeBytes);
  readonly #words = new Uint32Array(this.#message.buffer);
  readonly #keyBytes = new Uint8Array(nodeBytes);
  readonly #key = new Uint32Array(this.#keyBytes.buffer);
  readonly #layer: number;

  constructor(replicaId: Uint8Array, layer: number) {
    this.#message.set(poseidonDomain);
    this.#message.set(replicaId, nodeBytes);
    this.#layer = layer;
  }

  setParent(slot: number, words: Uint32Array, at: number): void {
    const to = (firstParentNode + slot) * wordsPerNode;
    for (let i = 0; i < wordsPerNode; i += 1) this.#words[to + i] = words[at + i] as number;
  }

  derive(node: number, count: number): Uint32Array {
    const header = littleEndian(keyHeader(this.#layer, node, count), nodeBytes);
    this.#message.set(header, headerNode * nodeBytes);
    this.#words.fill(0, (firstParentNode + count) * wordsPerNode);
    this.#keyBytes.set(treeKernel.poseidonRow(this.#message, poseidonArity));
    return this.#key;
  }
}
