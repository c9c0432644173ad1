/**
 * Encoding and decoding of one layer, in place. Encoding goes in the direction of the layer, so that a
 * node's parents are encoded before it: c(v) = p(v) + key(v). Decoding goes the other way round, so that a
 * node's parents are still encoded when it is decoded: p(v) = c(v) − key(v).
 */
import {
  type Direction,
  type KeptParents,
  layerDirection,
  type ParentRoom,
  runOf,
  type ZigzagGraph,
} from "../graph/index.ts";
import { type LayerPass, layerKernel, type RunParents, type ZigzagLayer } from "../layers/index.ts";
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

/** The parents of a run of nodes: a part of the graph's table, kept from another layer, or found now. */
function parentsOfRun(
  graph: ZigzagGraph,
  direction: Direction,
  room: ParentRoom | undefined,
  low: number,
  count: number,
): RunParents {
  const table = graph.table(direction);
  if (table !== undefined) return runOf(table, totalDegree, low, count);
  const run =
    room === undefined
      ? { parents: new Uint32Array(count * totalDegree), counts: new Uint8Array(count) }
      : runOf(room, totalDegree, low, count);
  if (room?.isFilled !== true) graph.fillParents(direction, low, run);
  return run;
}

/**
 * Encodes or decodes the layer in place, by the kernel that is installed or by the reference; yields the number of
 * nodes done from time to time. `kept`: for a sector whose other layers have the same parents.
 */
export function* runLayer(
  graph: ZigzagGraph,
  layer: ZigzagLayer,
  kept?: KeptParents,
): Generator<number, void> {
  const direction = layerDirection(layer.number);
  const room = kept?.roomOf(direction);
  const descending = (direction === "reversed") === (layer.mode === "encode");
  const pass = layerKernel.zigzag?.(layer) ?? plainZigzagPass(layer);
  for (let done = 0; done < graph.nodes; ) {
    const count = Math.min(pass.sliceNodes, graph.nodes - done);
    const low = descending ? graph.nodes - done - count : done;
    pass.run({ low, count, descending, ...parentsOfRun(graph, direction, room, low, count) });
    done += count;
    yield done;
  }
  pass.finish();
  if (room !== undefined) room.isFilled = true;
}
