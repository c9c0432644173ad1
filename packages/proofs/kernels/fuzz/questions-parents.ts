/**
 * Random questions about the parents of ZigZag's and SDR's graphs: graphs of any seed and many sizes, and tables of any
 * words, which is what a kernel must bear; runs that begin and end anywhere.
 */
import { assert, concatBytes } from "@holdfast/base";
import { createGraph, plainParents, type ZigzagGraph } from "../../src/graph/index.ts";
import type { LayerKernel, SdrGraphParts, ZigzagGraphParts } from "../../src/layers/index.ts";
import { createSdrGraph, plainSdrParents, type SdrGraph } from "../../src/sdr/index.ts";
import type { KernelDoors } from "../doors.ts";
import type { Draw } from "./draw.ts";
import type { Subject } from "./questions.ts";

const [zigzagDegree, sdrDegree] = [13, 14];
const slots = 8;
const [zigzagRounds, sdrRounds] = [8, 3];

/** Parts do not lead back to their graph; the reference needs it, and answers about no others. */
const zigzagGraphs = new WeakMap<ZigzagGraphParts, ZigzagGraph>();
const sdrGraphs = new WeakMap<SdrGraphParts, SdrGraph>();

function partsOf<P extends object, G extends { parts(): P }>(graphs: WeakMap<P, G>, graph: G): P {
  const parts = graph.parts();
  graphs.set(parts, graph);
  return parts;
}

function graphOf<P extends object, G>(graphs: WeakMap<P, G>, parts: P): G {
  const graph = graphs.get(parts);
  assert(graph !== undefined, "the reference is asked about graphs that it made");
  return graph;
}

export const plainParentsKernel: Pick<LayerKernel, "zigzagParents" | "sdrParents"> = {
  zigzagParents: (parts) => {
    const graph = graphOf(zigzagGraphs, parts);
    return (reversed, low, into) => plainParents(graph, reversed ? "reversed" : "forward", low, into);
  },
  sdrParents: (parts) => {
    const graph = graphOf(sdrGraphs, parts);
    return (low, into) => plainSdrParents(graph, low, into);
  },
};

interface Run {
  readonly nodes: number;
  readonly low: number;
  readonly count: number;
}

function runOf({ below, oneIn }: Draw): Run {
  const nodes = 3 + below(oneIn(4) ? 2 ** 17 : 2 ** (1 + below(9)));
  const low = below(nodes);
  return { nodes, low, count: Math.min(1 + below(60), nodes - low) };
}

/** The fewest bits of a half whose network holds all slots, or one more. */
function halfBitsOf({ below }: Draw, nodes: number): number {
  return Math.max(1, Math.ceil(Math.log2(slots * nodes) / 2)) + below(2);
}

const bytesOf = ({ buffer }: Uint32Array): Uint8Array => new Uint8Array(buffer);

const zigzagParents: Subject = {
  name: "zigzagParents",
  draw: (draw) => {
    const { nodes, low, count } = runOf(draw);
    const [seed, reversed, forReference] = [draw.placed(draw.bytes(32)), draw.oneIn(2), draw.oneIn(2)];
    const halfBits = halfBitsOf(draw, nodes);
    const anyTables = (): Uint16Array =>
      new Uint16Array(draw.bytes(2 * zigzagRounds * 2 ** halfBits).slice().buffer);
    const parts = forReference
      ? partsOf(zigzagGraphs, createGraph(seed, nodes))
      : { seed, nodes, tables: anyTables(), halfBits };
    const ask = ({ layers }: KernelDoors): Uint8Array => {
      const into = { parents: new Uint32Array(zigzagDegree * count), counts: new Uint8Array(count) };
      layers.zigzagParents(parts)(reversed, low, into);
      return concatBytes(bytesOf(into.parents), into.counts);
    };
    return { ask, forReference };
  },
};

const sdrParents: Subject = {
  name: "sdrParents",
  draw: (draw) => {
    const { nodes, low, count } = runOf(draw);
    const [seed, legacy] = [draw.placed(draw.bytes(32)), draw.oneIn(2)];
    const forReference = nodes < 2 ** 10 && draw.oneIn(2);
    const halfBits = halfBitsOf(draw, nodes);
    const anyTables = (): Uint32Array =>
      new Uint32Array(draw.bytes(4 * sdrRounds * 2 ** halfBits).slice().buffer);
    const parts = forReference
      ? partsOf(sdrGraphs, createSdrGraph(nodes, seed, legacy ? "1.0" : "1.1"))
      : { seed: seed.subarray(0, 28), nodes, tables: anyTables(), halfBits, legacy };
    const ask = ({ layers }: KernelDoors): Uint8Array => {
      const into = new Uint32Array(sdrDegree * count);
      layers.sdrParents(parts)(low, into);
      return bytesOf(into);
    };
    return { ask, forReference };
  },
};

export const parentSubjects: readonly Subject[] = [zigzagParents, sdrParents];
