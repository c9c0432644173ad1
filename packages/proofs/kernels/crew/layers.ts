/**
 * Layers by a crew: the decoding of ZigZag. A node's key needs its parents as they are in the replica, all of which
 * are there, so a layer is decoded in runs of nodes from one place into another. Encoding is a chain.
 */

import { assert } from "@holdfast/base";
import { runOf } from "../../src/graph/index.ts";
import type { LayerKernel, ZigzagDecoding } from "../../src/layers/index.ts";
import { nodeBytes } from "../../src/merkle/index.ts";
import type { Crew } from "./crew.ts";
import { EndedPass } from "./pass.ts";
import type { SliceKind, ThreadKernels } from "./wire.ts";

export interface LayerSizes {
  /** Nodes of a slice, and slices below which the caller works alone. */
  readonly nodes: number;
  readonly minSlices: number;
}

/** One to some ten milliseconds, by Poseidon longer. */
export const layerSizes: LayerSizes = { nodes: 2 ** 14, minSlices: 8 };

interface DecodeInput extends ZigzagDecoding {
  readonly sliceNodes: number;
}

const degree = 13;

export const decodeSlices: SliceKind<DecodeInput> = {
  module: null,
  name: "decodeSlices",
  make: ({ layers }, { graph, reversed, layer, sliceNodes, kept }) => {
    const pass = layers.zigzag?.(layer);
    const fill = layers.zigzagParents?.(graph);
    assert(pass !== undefined && fill !== undefined, "the caller's kernels decode layers here too");
    const step = Math.min(sliceNodes, pass.sliceNodes);
    const room = kept === undefined ? step : 0;
    const own = { parents: new Uint32Array(room * degree), counts: new Uint8Array(room) };
    return function* (slice) {
      const end = Math.min(graph.nodes, (slice + 1) * sliceNodes);
      for (let low = slice * sliceNodes; low < end; low += step) {
        const count = Math.min(step, end - low);
        const run = runOf(kept ?? own, degree, kept === undefined ? 0 : low, count);
        if (kept?.isFilled !== true) fill(reversed, low, run);
        pass.run({ low, count, descending: false, ...run });
        yield (low + count - slice * sliceNodes) / sliceNodes;
      }
    };
  },
};

const isShared = (bytes: Uint8Array): boolean => bytes.buffer instanceof SharedArrayBuffer;

/**
 * The passes of the layer kernel. Only for kernels that work in place: WebAssembly would copy the whole layer into
 * every thread and back.
 */
export function crewLayers(
  crew: Crew,
  { layers }: ThreadKernels,
  { nodes, minSlices }: LayerSizes = layerSizes,
): Pick<LayerKernel, "startZigzagDecode"> {
  return {
    startZigzagDecode: (decoding) => {
      const { layer } = decoding;
      const slices = Math.ceil(layer.bytes.length / (nodes * nodeBytes));
      if (crew.threads === 1 || slices < minSlices || layers.worksInPlace !== true) return undefined;
      if (layers.zigzag === undefined || layers.zigzagParents === undefined) return undefined;
      if (!isShared(layer.bytes) || !isShared(layer.source)) return undefined;
      const { kept, ...rest } = decoding;
      const input = { ...rest, sliceNodes: nodes };
      if (kept === undefined || !isShared(kept.counts)) return crew.start(decodeSlices, input, slices);
      return new EndedPass(crew.start(decodeSlices, { ...input, kept }, slices), () => {
        kept.isFilled = true;
      });
    },
  };
}
