/**
 * Making idle space: one kept layer after another, as steps, over a sink. The labels of one set follow from each
 * other; those of two sets do not, and one processor makes both in the time of one and a half.
 * Memory for each set: three layers (the one below, the one that is made, the states of the columns), a quarter of
 * a file for its tree, and up to 13 MB of parents. Nothing but the files and their aux need be written; a host that
 * wants to answer the challenges to a commitment without making the layer again keeps what `layer` shows it.
 */
import { assert } from "@holdfast/base";
import { allocate } from "../../memory/index.ts";
import { type Commitment, nodeBytes } from "../../merkle/index.ts";
import type { Steps } from "../../porep/index.ts";
import { createIdleGraph, type IdleGraph, idleGraphSeed, tableParents } from "./graph.ts";
import {
  firstFileOf,
  type IdleSetIdentity,
  idleSetKey,
  type LayerRoots,
  layerCommitment,
} from "./identity.ts";
import { type IdleStream, spaceKernel } from "./kernel.ts";
import { layerHeader, plainIdleLabels } from "./labels.ts";
import { fileBytes, type IdleProfile, layerBytes, layerNodes } from "./profiles.ts";
import { absorbLayer, fileTree, foldTree } from "./trees.ts";

/** Takes what is made. The bytes are the generator's: they are written over after the call. */
export interface IdleSink {
  /** All labels of one layer (from 1) of a kept layer (from 0). */
  layer?(keptLayer: number, layer: number, labels: Uint8Array): void;
  /** One file, by its number among all of the miner's. */
  file(file: number, labels: Uint8Array, aux: Uint8Array): void;
  /** A kept layer is complete: what is committed to. */
  keptLayer(keptLayer: number, roots: LayerRoots, commitment: Commitment): void;
}

/** Where to go on in a set: above the kept layer that has these labels and this commitment. */
export interface IdleResume {
  readonly keptLayer: number;
  /** Labels of the kept layer below. They are written over. */
  readonly below: Uint8Array;
  readonly commitment: Commitment;
}

export interface IdleWork {
  readonly identity: IdleSetIdentity;
  readonly sink: IdleSink;
}

/** Larger graphs give their parents slice by slice. */
const maxTableNodes = 2 ** 18;

interface Bench {
  readonly work: IdleWork;
  readonly key: Uint8Array;
  below: Uint8Array;
  above: Uint8Array;
  readonly columns: Uint8Array;
  commitment: Commitment;
}

type ParentsOf = (low: number, count: number) => Uint32Array;

/** Parents of runs, from a table that is filled once if the graph is small. */
function parentsOf({ seed, nodes }: Pick<IdleGraph, "seed" | "nodes">): ParentsOf {
  if (nodes > maxTableNodes) {
    return (low, count) => {
      const parents = new Uint32Array(count * tableParents);
      spaceKernel.idleParents(seed, nodes, low, parents);
      return parents;
    };
  }
  const table = new Uint32Array(nodes * tableParents);
  spaceKernel.idleParents(seed, nodes, 0, table);
  return (low, count) => table.subarray(low * tableParents, (low + count) * tableParents);
}

/** The labelling layers of one kept layer; afterwards `below` of each bench holds the labels of the last. */
function* labelLayers(
  profile: IdleProfile,
  parents: ParentsOf,
  keptLayer: number,
  benches: readonly Bench[],
): Generator<number, void, void> {
  const nodes = layerNodes(profile);
  const { fileNodes, passes } = profile;
  for (let layer = 1; layer <= profile.layers; layer += 1) {
    const streams = benches.map(({ work, key, below, above }) => ({
      header: layerHeader(key, keptLayer, layer),
      firstFile: firstFileOf(profile, work.identity.set, keptLayer),
      previous: below,
      into: above,
    })) as unknown as [IdleStream];
    const task = { fileNodes, passes, streams };
    const pass = spaceKernel.idleLabels(task) ?? plainIdleLabels(task);
    for (let low = 0; low < nodes; low += pass.sliceNodes) {
      const count = Math.min(pass.sliceNodes, nodes - low);
      pass.run({ low, count, descending: false, parents: parents(low, count), counts: noCounts });
      yield (layer - 1 + (low + count) / nodes) / profile.layers;
    }
    pass.finish();
    for (const bench of benches) {
      const { columns, below, above } = bench;
      for (let from = 0; from < columns.length; from += sliceBytes) {
        const part = (bytes: Uint8Array): Uint8Array => bytes.subarray(from, from + sliceBytes);
        absorbLayer(profile, layer, part(columns), part(below), part(above));
        if (from % (64 * sliceBytes) === 0) yield layer / profile.layers;
      }
      bench.work.sink.layer?.(keptLayer, layer, above);
      bench.below = above;
      bench.above = below;
    }
  }
}

const noCounts = new Uint8Array(0);
/** A piece of a layer whose columns are hashed in one call. */
const sliceBytes = 2 ** 13 * nodeBytes;

/** Files and roots of a kept layer that is labelled. Writes over `columns`. */
export function* cutLayer(
  profile: IdleProfile,
  labels: Uint8Array,
  columns: Uint8Array,
  file: (index: number, labels: Uint8Array, aux: Uint8Array) => void,
): Generator<void, LayerRoots, void> {
  const fileRoots: Commitment[] = [];
  const bytes = fileBytes(profile);
  for (let index = 0; index < profile.files; index += 1) {
    const own = labels.subarray(index * bytes, (index + 1) * bytes);
    const { root, aux } = fileTree(own);
    fileRoots.push(root);
    file(index, own, aux);
    yield;
  }
  return { columnRoot: foldTree(columns), fileRoots };
}

/**
 * Makes the kept layers of one set, or of two of the same network at once, from the first or from where `resume`
 * says (for one set), and returns the commitment to the last kept layer of each.
 */
export function* generateIdleSets(
  profile: IdleProfile,
  works: readonly [IdleWork] | readonly [IdleWork, IdleWork],
  resume?: IdleResume,
): Steps<readonly Commitment[]> {
  const [{ identity }] = works;
  assert(resume === undefined || works.length === 1, "one set is resumed");
  const bytes = layerBytes(profile);
  const benches = works.map(
    (work): Bench => ({
      work,
      key: idleSetKey(profile, work.identity),
      below: resume?.below ?? allocate(bytes),
      above: allocate(bytes),
      columns: allocate(bytes),
      commitment: resume?.commitment ?? new Uint8Array(nodeBytes),
    }),
  );
  const first = resume?.keptLayer ?? 0;
  const graph = createIdleGraph(idleGraphSeed(identity.networkId, profile), layerNodes(profile));
  const parents = parentsOf(graph);
  for (let keptLayer = first; keptLayer < profile.keptLayers; keptLayer += 1) {
    const ratio = (part: number): number => (keptLayer - first + part) / (profile.keptLayers - first);
    for (const part of labelLayers(profile, parents, keptLayer, benches)) yield ratio(part);
    for (const bench of benches) {
      const { work, key, below, columns } = bench;
      const firstFile = firstFileOf(profile, work.identity.set, keptLayer);
      const cutting = cutLayer(profile, below, columns, (index, labels, aux) => {
        work.sink.file(firstFile + index, labels, aux);
      });
      let cut = cutting.next();
      for (; cut.done !== true; cut = cutting.next()) yield ratio(1);
      bench.commitment = layerCommitment(key, keptLayer, cut.value, bench.commitment);
      work.sink.keptLayer(keptLayer, cut.value, bench.commitment);
    }
  }
  return benches.map(({ commitment }) => commitment);
}
