/**
 * How a node is encoded: the key of BLAKE2s over the replica id and the encoded parents, and sloth.
 * The first node of a direction is its own first parent and has no parents in its key; node 1 (reversed: the
 * last but one), whose parents are all that first node, is not special.
 * Sloth with 0 rounds adds the key. With t rounds it adds the key and takes the fifth root, t times, which is
 * slower than the fifth powers that undo it.
 * Source: rust-fil-proofs 2019 (vde, crypto/kdf, crypto/sloth).
 */
import { assert, blake2s256 } from "@holdfast/base";
import { frFromBytes, frModulus, frReduce, writeFr } from "../field/index.ts";
import { addNode, subtractNode, wordsOf } from "../porep/index.ts";
import type { EraDirection, EraGraph } from "./graph.ts";
import { trimToFr } from "./hashers.ts";
import { eraNodeBytes } from "./tree.ts";

const wordsPerNode = 8;
/** 5⁻¹ modulo r − 1. */
const fifthRoot = 20974350070050476191779096203274386335076221000211055129041463479975432473805n;

/** The key derivation of Pedersen trees: BLAKE2s-256 with the two top bits cleared. 32 bytes. */
export function eraKdf(message: Uint8Array): Uint8Array {
  return trimToFr(blake2s256(message));
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % frModulus;
    square = (square * square) % frModulus;
  }
  return result;
}

/** Sloth: encodes a field element under a key, both in [0, r). */
export function slothEncode(key: bigint, plain: bigint, rounds: number): bigint {
  if (rounds === 0) return frReduce(plain + key);
  let cipher = plain;
  for (let round = 0; round < rounds; round += 1) cipher = power(frReduce(cipher + key), fifthRoot);
  return cipher;
}

/** Inverse of `slothEncode`. */
export function slothDecode(key: bigint, cipher: bigint, rounds: number): bigint {
  if (rounds === 0) return frReduce(cipher - key);
  let plain = cipher;
  for (let round = 0; round < rounds; round += 1) plain = frReduce(power(plain, 5n) - key);
  return plain;
}

/** Keys of the nodes of one direction, from the values of their parents. */
class NodeKeys {
  readonly #graph: EraGraph;
  readonly #direction: EraDirection;
  readonly #message: Uint8Array;

  constructor(graph: EraGraph, direction: EraDirection, replicaId: Uint8Array) {
    this.#graph = graph;
    this.#direction = direction;
    this.#message = new Uint8Array(eraNodeBytes * (1 + graph.totalDegree));
    this.#message.set(replicaId);
  }

  keyOf(node: number, data: Uint8Array): Uint8Array {
    const parents = this.#graph.parents(this.#direction, node);
    if (parents[0] === node) return eraKdf(this.#message.subarray(0, eraNodeBytes));
    let at = eraNodeBytes;
    for (const parent of parents) {
      this.#message.set(data.subarray(parent * eraNodeBytes, (parent + 1) * eraNodeBytes), at);
      at += eraNodeBytes;
    }
    return eraKdf(this.#message);
  }
}

/** Nodes that are encoded before a caller hears how far the work is. */
const sliceNodes = 1024;

function transformNode(data: Uint8Array, node: number, change: (value: bigint) => bigint): void {
  const at = node * eraNodeBytes;
  writeFr(change(frFromBytes(data.subarray(at, at + eraNodeBytes))), data, at);
}

/**
 * Encodes a layer in place: node after node in the direction, so that every parent is encoded before its
 * child. `data` are canonical elements. Yields the number of nodes done since the last time.
 */
export function* encodeEraLayer(
  graph: EraGraph,
  direction: EraDirection,
  replicaId: Uint8Array,
  data: Uint8Array,
  slothRounds: number,
): Generator<number, void, void> {
  assert(data.byteOffset % 4 === 0, "a layer is aligned to words");
  const keys = new NodeKeys(graph, direction, replicaId);
  const words = wordsOf(data);
  const { nodes } = graph;
  for (let i = 0; i < nodes; i += 1) {
    const node = direction === "forward" ? i : nodes - 1 - i;
    const key = keys.keyOf(node, data);
    if (slothRounds === 0) addNode(words, node * wordsPerNode, wordsOf(key));
    else {
      const element = frFromBytes(key);
      transformNode(data, node, (value) => slothEncode(element, value, slothRounds));
    }
    if ((i + 1) % sliceNodes === 0 || i + 1 === nodes) yield (i % sliceNodes) + 1;
  }
}

/** Inverse of `encodeEraLayer`. Every key comes from values that are still encoded, so the order is free. */
export function* decodeEraLayer(
  graph: EraGraph,
  direction: EraDirection,
  replicaId: Uint8Array,
  data: Uint8Array,
  slothRounds: number,
): Generator<number, void, void> {
  assert(data.byteOffset % 4 === 0, "a layer is aligned to words");
  const keys = new NodeKeys(graph, direction, replicaId);
  const words = wordsOf(data);
  const { nodes } = graph;
  for (let i = 0; i < nodes; i += 1) {
    // Children before parents: then the parents are still encoded when they are needed, and no copy is.
    const node = direction === "forward" ? nodes - 1 - i : i;
    const key = keys.keyOf(node, data);
    if (slothRounds === 0) subtractNode(words, node * wordsPerNode, wordsOf(key));
    else {
      const element = frFromBytes(key);
      transformNode(data, node, (value) => slothDecode(element, value, slothRounds));
    }
    if ((i + 1) % sliceNodes === 0 || i + 1 === nodes) yield (i % sliceNodes) + 1;
  }
}
