/**
 * The labels of SDR: label(layer, v) = SHA-256 of one block with replica id, layer and node, and of 37
 * parent labels, with the two top bits cleared. The first layer repeats the six base parents until there are
 * 37; later layers repeat all fourteen, the base parents from the same layer and the expander parents from
 * the layer before. Node 0 has no parents, so its message is the one block.
 *
 *   bytes 0…31     replica id
 *   bytes 32…35    layer, from 1 (big-endian)
 *   bytes 36…43    node (big-endian)
 *   bytes 44…63    zeros
 *   bytes 64…1247  37 parent labels
 *
 * Invariant: labels do not depend on the data except through the replica id, so they are computed again to
 * extract. Source: Filecoin specs, SDR, labeling.
 */
import { assert, sha256 } from "@holdfast/base";
import { type ParentRoom, parentRoom } from "../graph/index.ts";
import { type LayerPass, layerKernel, type SdrLayer } from "../layers/index.ts";
import { nodeBytes } from "../merkle/index.ts";
import { topByteMask } from "../porep/index.ts";
import { sdrBaseDegree } from "./drsample.ts";
import { type SdrGraph, sdrDegree } from "./graph.ts";

const layerOffset = 32;
const nodeOffset = 36;
const parentsOffset = 64;
const slots = 37;
const messageBytes = parentsOffset + slots * nodeBytes;
const twoTo32 = 0x1_0000_0000;
/** Nodes after which a long loop of the reference reports how far it is. */
const sliceNodes = 1024;

/** Makes the labels of one layer. One message buffer serves all nodes: sealing makes millions of labels. */
export class LabelMaker {
  /** Parents that a label of this layer takes: 6 in the first layer, 14 later. */
  readonly degree: number;
  readonly #message = new Uint8Array(messageBytes);
  readonly #view = new DataView(this.#message.buffer);

  /** `replicaId` has 32 bytes, `layer` counts from 1. */
  constructor(replicaId: Uint8Array, layer: number) {
    this.degree = layer === 1 ? sdrBaseDegree : sdrDegree;
    this.#message.set(replicaId);
    this.#view.setUint32(layerOffset, layer);
  }

  /** Puts the label of parent number `slot` (below `degree`): the node `node` of `labels`. */
  setParent(slot: number, labels: Uint8Array, node: number): void {
    const from = node * nodeBytes;
    this.#message.set(labels.subarray(from, from + nodeBytes), parentsOffset + slot * nodeBytes);
  }

  /** The label of `node` from the parents that were set; node 0 takes none. */
  label(node: number): Uint8Array {
    this.#view.setUint32(nodeOffset, Math.floor(node / twoTo32));
    this.#view.setUint32(nodeOffset + 4, node % twoTo32);
    const label = sha256(this.#filled(node));
    label[nodeBytes - 1] = (label[nodeBytes - 1] as number) & topByteMask;
    return label;
  }

  #filled(node: number): Uint8Array {
    if (node === 0) return this.#message.subarray(0, parentsOffset);
    for (let slot = this.degree; slot < slots; slot += this.degree) {
      const count = Math.min(this.degree, slots - slot);
      const to = parentsOffset + slot * nodeBytes;
      this.#message.copyWithin(to, parentsOffset, parentsOffset + count * nodeBytes);
    }
    return this.#message;
  }
}

/** The reference: label by label. */
export function plainLabelPass({ replicaId, number, previous, into }: SdrLayer): LayerPass {
  const maker = new LabelMaker(replicaId, number);
  return {
    sliceNodes,
    run: ({ low, count, parents }) => {
      for (let i = 0; i < count; i += 1) {
        for (let slot = 0; slot < maker.degree; slot += 1) {
          const labels = slot < sdrBaseDegree ? into : previous;
          maker.setParent(slot, labels, parents[i * sdrDegree + slot] as number);
        }
        into.set(maker.label(low + i), (low + i) * nodeBytes);
      }
    },
    finish: () => undefined,
  };
}

/** The parents of a run of nodes: a part of the graph's table, kept from another layer, or found now. */
function parentsOfRun(
  graph: SdrGraph,
  room: ParentRoom | undefined,
  low: number,
  count: number,
): Uint32Array {
  const words = graph.table() ?? room?.parents;
  const parents =
    words?.subarray(low * sdrDegree, (low + count) * sdrDegree) ?? new Uint32Array(count * sdrDegree);
  if (!graph.hasTables && room?.isFilled !== true) graph.fillParents(low, parents);
  return parents;
}

/** Room for the parents of a sector with so many layers, which are the same for all of them. */
export function sdrParentRoom(graph: SdrGraph, layers: number): ParentRoom | undefined {
  return graph.hasTables || layers < 2 ? undefined : parentRoom(graph.nodes, sdrDegree);
}

const noCounts = new Uint8Array(0);

/**
 * Writes the labels of `layer` (from 1) to `into` (32 bytes a node) from those of the layer before (any bytes
 * for layer 1, which has none), by the kernel that is installed or by the reference; yields the number of nodes
 * done from time to time. `room`: for a sector whose other layers have the same parents.
 */
export function* labelLayer(
  graph: SdrGraph,
  replicaId: Uint8Array,
  layer: number,
  previous: Uint8Array,
  into: Uint8Array,
  room?: ParentRoom,
): Generator<number, void> {
  yield* throughLayer(graph, passOf({ replicaId, number: layer, previous, into }), room);
}

function passOf(layer: SdrLayer): LayerPass {
  return layerKernel.sdr?.(layer) ?? plainLabelPass(layer);
}

/** The reference of a pair: a run of the one, then of the other. */
export function plainPairPass(layers: readonly [SdrLayer, SdrLayer]): LayerPass {
  const [first, second] = [passOf(layers[0]), passOf(layers[1])];
  return {
    sliceNodes: first.sliceNodes,
    run: (run) => {
      first.run(run);
      second.run(run);
    },
    finish: () => {
      first.finish();
      second.finish();
    },
  };
}

/**
 * Like `labelLayer`, for the same layer of two replicas that are sealed together: with SHA instructions it takes
 * little longer than one, as neither waits for the other.
 */
export function* labelLayerPair(
  graph: SdrGraph,
  layers: readonly [SdrLayer, SdrLayer],
  room?: ParentRoom,
): Generator<number, void> {
  assert(layers[0].number === layers[1].number, "two replicas are labelled layer by layer together");
  yield* throughLayer(graph, layerKernel.sdrPair?.(layers) ?? plainPairPass(layers), room);
}

function* throughLayer(
  graph: SdrGraph,
  pass: LayerPass,
  room: ParentRoom | undefined,
): Generator<number, void> {
  for (let low = 0; low < graph.nodes; ) {
    const count = Math.min(pass.sliceNodes, graph.nodes - low);
    const parents = parentsOfRun(graph, room, low, count);
    pass.run({ low, count, descending: false, parents, counts: noCounts });
    low += count;
    yield low;
  }
  pass.finish();
  if (room !== undefined) room.isFilled = true;
}
