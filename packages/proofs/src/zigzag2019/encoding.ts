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
import { type EraLayer, type LayerPass, layerKernel } from "../layers/index.ts";
import { addNode, subtractNode, wordsOf } from "../porep/index.ts";
import type { EraDirection, EraGraph } from "./graph.ts";
import { trimToFr } from "./hashers.ts";
import { eraNodeBytes } from "./tree.ts";

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

/** Nodes that the reference does before a caller hears how far the work is. */
const sliceNodes = 1024;
const parentsPerNode = 13;

/** The reference: node by node. */
export function plainEraPass(layer: EraLayer, rounds = 0, degree = parentsPerNode): LayerPass {
  const { bytes, mode } = layer;
  assert(bytes.byteOffset % 4 === 0, "a layer is aligned to words");
  const words = wordsOf(bytes);
  const apply = mode === "encode" ? addNode : subtractNode;
  const slothful = mode === "encode" ? slothEncode : slothDecode;
  const message = new Uint8Array(eraNodeBytes * (1 + degree));
  message.set(layer.replicaId);
  const keyOf = (parents: Uint32Array): Uint8Array => {
    let at = eraNodeBytes;
    for (const parent of parents) {
      message.set(bytes.subarray(parent * eraNodeBytes, (parent + 1) * eraNodeBytes), at);
      at += eraNodeBytes;
    }
    return eraKdf(message.subarray(0, at));
  };
  return {
    sliceNodes,
    run: ({ low, count, descending, parents, counts }) => {
      for (let done = 0; done < count; done += 1) {
        const i = descending ? count - 1 - done : done;
        const key = keyOf(parents.subarray(i * degree, i * degree + (counts[i] as number)));
        const at = (low + i) * eraNodeBytes;
        if (rounds === 0) apply(words, at / 4, wordsOf(key));
        else {
          const value = frFromBytes(bytes.subarray(at, at + eraNodeBytes));
          writeFr(slothful(frFromBytes(key), value, rounds), bytes, at);
        }
      }
    },
    finish: () => undefined,
  };
}

/**
 * Encodes or decodes a layer of canonical elements in place, by the kernel that is installed or by the reference.
 * Encoding goes in the direction of the layer, so that every parent is encoded before its child; decoding against
 * it: every key comes from values that are still encoded, and no copy is needed. Yields the number of nodes done
 * since the last time.
 */
export function* runEraLayer(
  graph: EraGraph,
  direction: EraDirection,
  layer: EraLayer,
  slothRounds: number,
): Generator<number, void, void> {
  const { nodes, totalDegree } = graph;
  const descending = (direction === "reversed") === (layer.mode === "encode");
  const first = direction === "forward" ? 0 : nodes - 1;
  const kernel = slothRounds === 0 && totalDegree === parentsPerNode ? layerKernel.zigzag2019 : undefined;
  const pass = kernel?.(layer) ?? plainEraPass(layer, slothRounds, totalDegree);
  for (let done = 0; done < nodes; ) {
    const count = Math.min(pass.sliceNodes, nodes - done);
    const low = descending ? nodes - done - count : done;
    const counts = new Uint8Array(count).fill(totalDegree);
    if (low <= first && first < low + count) counts[first - low] = 0;
    const parents = graph.parentsOfRun(direction, low, count);
    pass.run({ low, count, descending, parents, counts });
    done += count;
    yield count;
  }
  pass.finish();
}
