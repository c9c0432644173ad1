/**
 * Random questions about zigzag-2019: graphs of any seed and any permutation in both directions, and layers on them
 * both ways, in one run and in two.
 */
import { concatBytes } from "@holdfast/base";
import type { KernelDoors } from "../doors.ts";
import type { Draw } from "./draw.ts";
import type { Subject } from "./questions.ts";

const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);
const bytesOf = (of: Uint32Array): Uint8Array => new Uint8Array(of.buffer);
/** Exact ones; where 32-bit floats round them up is far above these sizes. */
const logarithms = Uint32Array.from({ length: 32 }, (_none, logarithm) => 2 ** logarithm);

interface RandomGraph {
  readonly nodes: number;
  readonly parents: (doors: KernelDoors, reversed: boolean) => Uint32Array;
}

function graphOf(draw: Draw, most: number): RandomGraph {
  const nodes = 2 + draw.below(most);
  const seed = words(draw.bytes(28));
  const halfBits = Math.ceil(Math.log2(8 * nodes) / 2) + draw.below(2);
  const rounds = words(draw.bytes(4 * 3 * 2 ** halfBits)).map((word) => word & (2 ** halfBits - 1));
  const parents = ({ layers: { eraGraph } }: KernelDoors, reversed: boolean): Uint32Array => {
    const [base, into] = [new Uint32Array(5 * nodes), new Uint32Array(13 * nodes)];
    eraGraph.base({ seed, logarithms }, 0, base);
    eraGraph.parents({ nodes, base, rounds, halfBits }, reversed, 0, into);
    return into;
  };
  return { nodes, parents };
}

const eraGraph: Subject = {
  name: "eraGraph",
  draw: (draw) => {
    const { parents } = graphOf(draw, 100);
    const ask = (doors: KernelDoors): Uint8Array =>
      concatBytes(bytesOf(parents(doors, false)), bytesOf(parents(doors, true)));
    return { ask, forReference: true };
  },
};

const zigzag2019: Subject = {
  name: "zigzag2019",
  draw: (draw, best) => {
    const { nodes, parents } = graphOf(draw, 60);
    const [reversed, decodes] = [draw.oneIn(2), draw.oneIn(2)];
    const descending = reversed !== decodes;
    const all = parents(best, reversed);
    const counts = new Uint8Array(nodes).fill(13);
    counts[reversed ? nodes - 1 : 0] = 0;
    const cut = draw.below(nodes);
    const runs = [
      [0, cut],
      [cut, nodes],
    ] as const;
    const original = draw.elements(nodes);
    const replicaId = draw.placed(draw.elements(1));
    const ask = ({ layers }: KernelDoors): Uint8Array => {
      const bytes = original.slice();
      const pass = layers.zigzag2019({ bytes, replicaId, mode: decodes ? "decode" : "encode" });
      for (const [low, high] of descending ? runs.toReversed() : runs) {
        const own = { parents: all.subarray(13 * low, 13 * high), counts: counts.subarray(low, high) };
        pass?.run({ low, count: high - low, descending, ...own });
      }
      pass?.finish();
      return bytes;
    };
    return { ask, forReference: true };
  },
};

export const subjects2019: readonly Subject[] = [eraGraph, zigzag2019];
