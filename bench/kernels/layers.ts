/** Layers of replicas: keys of ZigZag in both directions and by both hashes, labels of SDR, the kind of 2019. */
import { hash } from "node:crypto";
import {
  createGraph,
  createSdrGraph,
  type EraGraphKernel,
  plainEraGraph,
  plainEraPass,
  plainParents,
  plainSdrParents,
  plainZigzagPass,
} from "@holdfast/proofs";
import type { Kernel, KernelFamily } from "../kernel.ts";
import { limitOf } from "../limits.ts";
import { elements } from "./samples.ts";

const nodes = 2 ** 13;
const poseidonNodes = 128;
const keyBytes = 448;
const labelBytes = 1248;
const blake2sBlocks = keyBytes / 64;
const labelBlocks = (labelBytes + 32) / 64; // with SHA-256's padding

function runOf(slots: number, descending: boolean, count: number) {
  return {
    low: 0,
    count,
    descending,
    parents: Uint32Array.from({ length: count * slots }, (_none, i) => {
      const node = Math.floor(i / slots);
      return node === 0 ? 0 : (i * 7919) % node;
    }),
    counts: new Uint8Array(count).fill(13).fill(0, 0, 1),
  };
}

function zigzag(mode: "encode" | "decode", keyDerivation: "blake2s" | "poseidon"): Kernel {
  const count = keyDerivation === "poseidon" ? poseidonNodes : nodes;
  const layer = { bytes: elements(nodes), replicaId: elements(1), number: 1, keyDerivation, mode };
  const run = runOf(13, mode === "decode", count);
  const plain = plainZigzagPass(layer);
  const key = new Uint8Array(keyBytes).fill(5);
  const streams = mode === "encode" ? "blake2s_one_stream" : "blake2s_many_streams";
  return {
    name: `ZigZag ${mode}, keys by ${keyDerivation}`,
    count,
    work: ({ layers: { zigzag: make } }) => {
      const pass = make?.(layer);
      return pass && (() => pass.run(run));
    },
    reference: { work: () => plain.run(run) },
    ...(keyDerivation === "blake2s"
      ? {
          peers: [
            { name: "node:crypto, hashing alone", count: 1, work: () => hash("blake2s256", key, "buffer") },
          ],
          foreign: mode === "encode" ? "blake2s-key" : "blake2s-keys",
          limit: (limits) => limitOf(limits, streams, blake2sBlocks),
        }
      : {}),
  };
}

function zigzag2019(mode: "encode" | "decode"): Kernel {
  const layer = { bytes: elements(nodes), replicaId: elements(1), mode };
  const run = runOf(13, mode === "decode", nodes);
  const plain = plainEraPass(layer);
  const streams = mode === "encode" ? "blake2s_one_stream" : "blake2s_many_streams";
  return {
    name: `zigzag-2019 ${mode}`,
    count: nodes,
    work: ({ layers: { zigzag2019: make } }) => {
      const pass = make?.(layer);
      return pass && (() => pass.run(run));
    },
    reference: { work: () => plain.run(run) },
    limit: (limits) => limitOf(limits, streams, blake2sBlocks),
  };
}

/** Base parents, which a seal finds once, and the expander edges of a layer. */
function parents2019(): readonly Kernel[] {
  const [base, all] = [new Uint32Array(5 * nodes), new Uint32Array(13 * nodes)];
  const halfBits = Math.ceil(Math.log2(8 * nodes) / 2);
  const permutation = Uint32Array.from(
    { length: 3 * 2 ** halfBits },
    (_none, i) => (i * 7919) % 2 ** halfBits,
  );
  const graph = {
    seed: Uint32Array.of(1, 2, 3, 4, 5, 6, 7),
    logarithms: Uint32Array.from({ length: 32 }, (_none, logarithm) => 2 ** logarithm),
  };
  plainEraGraph.base(graph, 0, base);
  const edges = { nodes, base, rounds: permutation, halfBits };
  const contender = (name: string, act: (kernel: EraGraphKernel) => void): Kernel => ({
    name,
    count: nodes,
    work: ({ layers: { eraGraph } }) => eraGraph && (() => act(eraGraph)),
    reference: { work: () => act(plainEraGraph) },
  });
  return [
    contender("zigzag-2019 base parents", (kernel) => kernel.base(graph, 0, base)),
    contender("zigzag-2019 parents", (kernel) => kernel.parents(edges, true, 0, all)),
  ];
}

/** Of the nodes of a whole graph, its tables made before. */
function parents(): readonly Kernel[] {
  const graph = createGraph(elements(1), nodes);
  const sdrGraph = createSdrGraph(nodes, elements(1), "1.1");
  const into = { parents: new Uint32Array(13 * nodes), counts: new Uint8Array(nodes) };
  const sdrInto = new Uint32Array(14 * nodes);
  return [
    {
      name: "ZigZag parents",
      count: nodes,
      work: ({ layers: { zigzagParents } }) => {
        const fill = zigzagParents?.(graph.parts());
        return fill && (() => fill(true, 0, into));
      },
      reference: { work: () => plainParents(graph, "reversed", 0, into) },
    },
    {
      name: "SDR parents",
      count: nodes,
      work: ({ layers: { sdrParents } }) => {
        const fill = sdrParents?.(sdrGraph.parts());
        return fill && (() => fill(0, sdrInto));
      },
      reference: { work: () => plainSdrParents(sdrGraph, 0, sdrInto) },
    },
  ];
}

function labels(): Kernel {
  const [bytes, replicaId, previous] = [elements(nodes), elements(1), elements(nodes)];
  const run = runOf(14, false, nodes);
  const message = new Uint8Array(labelBytes).fill(5);
  return {
    name: "SDR labels",
    count: nodes,
    work: ({ layers: { sdr } }) => {
      const pass = sdr?.({ replicaId, number: 2, previous, into: bytes });
      return pass && (() => pass.run(run));
    },
    peers: [{ name: "node:crypto, hashing alone", count: 1, work: () => hash("sha256", message, "buffer") }],
    foreign: "sdr-label",
    limit: (limits) => limitOf(limits, "sha256_one_stream", labelBlocks),
  };
}

/** Counted in labels, two for each node. */
function labelPairs(): Kernel {
  const replica = (seed: number) => ({
    replicaId: elements(seed).subarray(-32),
    number: 2,
    previous: elements(nodes),
    into: elements(nodes),
  });
  const run = runOf(14, false, nodes);
  return {
    name: "SDR labels of two replicas",
    count: 2 * nodes,
    work: ({ layers: { sdrPair } }) => {
      const pass = sdrPair?.([replica(1), replica(2)]);
      return pass && (() => pass.run(run));
    },
    limit: (limits) => limitOf(limits, "sha256_two_streams", labelBlocks),
  };
}

export const layersFamily: KernelFamily = {
  name: "layers",
  kernels: () => [
    zigzag("encode", "blake2s"),
    zigzag("decode", "blake2s"),
    zigzag("encode", "poseidon"),
    zigzag("decode", "poseidon"),
    zigzag2019("encode"),
    zigzag2019("decode"),
    ...parents2019(),
    ...parents(),
    labels(),
    labelPairs(),
  ],
};
