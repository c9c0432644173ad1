/**
 * Hardened idle space: labels of one stream and of two, with few passes over a layer of a devnet and with more over
 * one that no cache holds, the parents of the second made as they are needed; parents; chains of columns.
 */
import { hash } from "node:crypto";
import {
  type IdleLabels,
  idleLabelBlocks,
  idleTableParents,
  plainSpaceKernel,
  type SpaceKernel,
} from "@holdfast/proofs";
import type { Kernel, KernelFamily } from "../kernel.ts";
import { limitOf } from "../limits.ts";

const sliceNodes = 2 ** 13;
const seed = new Uint8Array(32).fill(3);
const nodeBytes = 32;

/** Slices of a layer, one after another, round and round. */
function runner(kernel: SpaceKernel, task: IdleLabels, nodes: number, table?: Uint32Array) {
  const pass = kernel.idleLabels(task);
  const room = new Uint32Array(sliceNodes * idleTableParents);
  let low = 0;
  return () => {
    low = (low + sliceNodes) % nodes;
    const count = Math.min(sliceNodes, pass?.sliceNodes ?? sliceNodes);
    const parents = table?.subarray(low * idleTableParents, (low + count) * idleTableParents) ?? room;
    if (table === undefined)
      kernel.idleParents(seed, nodes, low, parents.subarray(0, count * idleTableParents));
    const run = { low, count, descending: false, counts: new Uint8Array(0) };
    pass?.run({ ...run, parents: parents.subarray(0, count * idleTableParents) });
  };
}

function labels(log: number, passes: number, streams: 1 | 2): Kernel {
  const nodes = 2 ** log;
  const layers = Array.from({ length: 2 * streams }, (_none, i) =>
    new Uint8Array(nodes * nodeBytes).fill(i + 1),
  );
  const all = Array.from({ length: streams }, (_none, i) => ({
    header: new Uint8Array(64).fill(i),
    firstFile: i,
    previous: layers[2 * i] ?? seed,
    into: layers[2 * i + 1] ?? seed,
  }));
  const task: IdleLabels = {
    fileNodes: nodes,
    passes,
    streams: all as unknown as IdleLabels["streams"],
  };
  const small = log <= 18;
  const table = small ? new Uint32Array(nodes * idleTableParents) : undefined;
  if (table !== undefined) plainSpaceKernel.idleParents(seed, nodes, 0, table);
  const message = new Uint8Array(32 + 448 * passes).fill(5);
  const plain = { ...plainSpaceKernel };
  const blocks = idleLabelBlocks({ passes });
  return {
    name: `idle labels, 2^${log} a layer, ${passes} passes, ${streams === 1 ? "one stream" : "two streams"}`,
    count: sliceNodes * streams,
    work: ({ space }) => {
      const kernel = { ...plain, ...space };
      return space.idleLabels && runner(kernel, task, nodes, table);
    },
    reference: { count: 256 * streams, work: runner(plain, task, nodes, table) },
    peers: [{ name: "node:crypto, hashing alone", count: 1, work: () => hash("sha256", message, "buffer") }],
    limit: (limits) => limitOf(limits, streams === 1 ? "sha256_one_stream" : "sha256_two_streams", blocks),
  };
}

function parents(): Kernel {
  const into = new Uint32Array(sliceNodes * idleTableParents);
  const few = new Uint32Array(256 * idleTableParents);
  return {
    name: "parents of idle labels",
    count: sliceNodes,
    work: ({ space: { idleParents } }) => idleParents && (() => idleParents(seed, 2 ** 25, 2 ** 24, into)),
    reference: { count: 256, work: () => plainSpaceKernel.idleParents(seed, 2 ** 25, 2 ** 24, few) },
  };
}

function chains(): Kernel {
  const states = new Uint8Array(sliceNodes * nodeBytes);
  const bytes = states.slice();
  const halves = { left: bytes, leftStride: 32, right: bytes, rightStride: 32, trim: false };
  const few = states.slice(0, 256 * nodeBytes);
  return {
    name: "chains of idle columns",
    count: sliceNodes,
    work: ({ space: { absorb } }) => absorb && (() => absorb({ ...halves, states })),
    reference: { count: 256, work: () => plainSpaceKernel.absorb({ ...halves, states: few }) },
    limit: (limits) => limitOf(limits, "sha256_two_streams", 1),
  };
}

export const spaceFamily: KernelFamily = {
  name: "space",
  kernels: ({ quick }) => [
    labels(18, 1, 1),
    labels(18, 1, 2),
    labels(quick ? 19 : 23, 4, 1),
    labels(quick ? 19 : 23, 4, 2),
    parents(),
    chains(),
  ],
};
