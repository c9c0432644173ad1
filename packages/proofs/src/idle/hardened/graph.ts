/**
 * The graph of a hardened idle set, the same between any two neighbouring layers of it. Node v of a layer has
 * fourteen parents:
 *
 *   slot 0       v − 1 of the same layer
 *   slots 1…4    the same layer, DRSample: a distance in [2^j, 2^(j+1)), j uniform in 1…⌊log2 v⌋
 *   slots 5…12   the layer below, each uniform over the whole of it
 *   slot 13      v of the layer below
 *
 * Nodes 0 and 1 have no sampled parents, node 0 no slot 0. So a layer is depth-robust in itself and joined to the
 * one below by an expander whose sources cover it; nothing below is left without children. Sixteen words of ChaCha8
 * for a node are all the randomness: two for each sampled parent, one for each uniform one.
 * Invariant: whole numbers only; two parents of a node may be the same (about one node of a hundred).
 * Source: Alwen, Blocki, Harsha 2017 (DRSample); Fisch, "Tight proofs of space and replication", EUROCRYPT 2019.
 */
import { assert, concatBytes, sha256, utf8Bytes } from "@holdfast/base";
import { chachaBlock } from "../../graph/index.ts";
import { exactLog2 } from "../../merkle/index.ts";
import { type IdleProfile, maxLayerNodes } from "./profiles.ts";

export const sampledParents = 4;
export const expanderParents = 8;
/** Parents that a table holds: the other two follow from the node's number. */
export const tableParents = sampledParents + expanderParents;
export const allParents = tableParents + 2;

const chachaRounds = 4; // of two rounds each
const wordsPerBlock = 16;
/** "expand 32-byte k". */
const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
/** No other use of ChaCha in this package has it (graph/chacha.ts). */
export const idleGraphDomain = 4;

const seedDomain = utf8Bytes("holdfast idle graph 1\n");

/** One public graph for each network and profile: anybody can examine it, nobody can choose it. */
export function idleGraphSeed(networkId: Uint8Array, { id }: Pick<IdleProfile, "id">): Uint8Array {
  assert(networkId.length === 32, "a network id has 32 bytes");
  return sha256(concatBytes(seedDomain, networkId, utf8Bytes(id)));
}

/** ⌊word · bound / 2^32⌋ for bound ≤ 2^26, exactly: each result is drawn by as many words as another, or one more. */
export function scaled(word: number, bound: number): number {
  const low = Math.floor(((word & 0xffff) * bound) / 0x10000);
  return Math.floor(((word >>> 16) * bound + low) / 0x10000);
}

/** The sampled parent of node v > 1 that these two words draw; below v − 1. */
function sampledParent(node: number, bucket: number, word: number): number {
  const buckets = 31 - Math.clz32(node); // ⌊log2 v⌋
  const nearest = 2 ** (1 + scaled(bucket, buckets));
  const span = Math.min(nearest, node - nearest + 1);
  return node - nearest - scaled(word, span);
}

export interface IdleGraph {
  readonly seed: Uint8Array;
  readonly nodes: number;
  /** Twelve for each node of the run: slots 1…12. */
  parentsInto(low: number, count: number, into: Uint32Array): void;
}

/** The graph of a seed of 32 bytes; `nodes` is a power of two. */
export function createIdleGraph(seed: Uint8Array, nodes: number): IdleGraph {
  const log = exactLog2(nodes);
  assert(log !== undefined && log > 0 && nodes <= maxLayerNodes, "a layer has a power of two of nodes");
  assert(seed.length === 32, "a graph's seed has 32 bytes");
  const state = new Int32Array(wordsPerBlock);
  state.set(constants);
  const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength);
  for (let i = 0; i < 8; i += 1) state[4 + i] = view.getInt32(4 * i, true);
  state[13] = idleGraphDomain;
  const words = new Uint32Array(wordsPerBlock);
  return {
    seed,
    nodes,
    parentsInto(low, count, into) {
      assert(low >= 0 && low + count <= nodes, "the run is in the layer");
      for (let i = 0; i < count; i += 1) {
        const node = low + i;
        const at = i * tableParents;
        state[14] = node;
        chachaBlock(state, words, chachaRounds);
        for (let k = 0; k < sampledParents; k += 1) {
          const [bucket = 0, word = 0] = words.subarray(2 * k, 2 * k + 2);
          into[at + k] = node < 2 ? 0 : sampledParent(node, bucket, word);
        }
        for (let k = 0; k < expanderParents; k += 1) {
          into[at + sampledParents + k] = (words[2 * sampledParents + k] as number) >>> (32 - log);
        }
      }
    },
  };
}
