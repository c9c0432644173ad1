/**
 * Encoding and decoding of one layer, in place. Encoding goes in the direction of the layer, so that a
 * node's parents are encoded before it: c(v) = p(v) + key(v). Decoding goes the other way round, so that a
 * node's parents are still encoded when it is decoded: p(v) = c(v) − key(v).
 */
import { type Direction, layerDirection, type ParentTable, type ZigzagGraph } from "../graph/index.ts";
import { type LayerPass, layerKernel, type ZigzagLayer } from "../layers/index.ts";
import { totalDegree } from "../profiles.ts";
import { nodeKeys } from "./keys.ts";
import { addNode, subtractNode, wordsOf, wordsPerNode } from "./words.ts";

/** Nodes after which a long loop of the reference reports how far it is. */
const sliceNodes = 2048;

/** The reference: node by node. */
export function plainZigzagPass(layer: ZigzagLayer): LayerPass {
  const words = wordsOf(layer.bytes);
  const source = layer.source === undefined ? words : wordsOf(layer.source);
  const deriver = nodeKeys(layer, layer.replicaId, layer.number);
  const apply = layer.mode === "encode" ? addNode : subtractNode;
  return {
    sliceNodes,
    run: ({ low, count, descending, parents, counts }) => {
      for (let done = 0; done < count; done += 1) {
        const i = descending ? count - 1 - done : done;
        const used = counts[i] as number;
        for (let slot = 0; slot < used; slot += 1) {
          deriver.setParent(slot, source, (parents[i * totalDegree + slot] as number) * wordsPerNode);
        }
        const at = (low + i) * wordsPerNode;
        if (source !== words) words.set(source.subarray(at, at + wordsPerNode), at);
        apply(words, at, deriver.derive(low + i, used));
      }
    },
    finish: () => {
      if (words.buffer !== layer.bytes.buffer) layer.bytes.set(new Uint8Array(words.buffer));
    },
  };
}

/** The parents of a run of nodes: a part of the graph's table, or found now. */
function parentsOfRun(graph: ZigzagGraph, direction: Direction, low: number, count: number): ParentTable {
  const table = graph.table(direction);
  if (table !== undefined) {
    return {
      parents: table.parents.subarray(low * totalDegree, (low + count) * totalDegree),
      counts: table.counts.subarray(low, low + count),
    };
  }
  const parents = new Uint32Array(count * totalDegree);
  const counts = new Uint8Array(count);
  graph.fillParents(direction, low, { parents, counts });
  return { parents, counts };
}

/**
 * Encodes or decodes the layer in place, by the kernel that is installed or by the reference; yields the number of
 * nodes done from time to time.
 */
export function* runLayer(graph: ZigzagGraph, layer: ZigzagLayer): Generator<number, void> {
  const direction = layerDirection(layer.number);
  const descending = (direction === "reversed") === (layer.mode === "encode");
  const pass = layerKernel.zigzag?.(layer) ?? plainZigzagPass(layer);
  for (let done = 0; done < graph.nodes; ) {
    const count = Math.min(pass.sliceNodes, graph.nodes - done);
    const low = descending ? graph.nodes - done - count : done;
    pass.run({ low, count, descending, ...parentsOfRun(graph, direction, low, count) });
    done += count;
    yield done;
  }
  pass.finish();
}
