/** Poseidon and Pedersen over whole rows of a tree, and SHA-256 over the pairs of one. */
import { hash } from "node:crypto";
import { plainPedersenRow, plainTreeKernel, treeKernel } from "@holdfast/proofs";
import type { Kernel, KernelFamily } from "../kernel.ts";
import { limitOf } from "../limits.ts";
import { elementBytes, elements } from "./samples.ts";

const groups = 512;
const fewGroups = 4;

function poseidon(arity: number): Kernel {
  const row = elements(groups * arity);
  const few = row.subarray(0, fewGroups * elementBytes * arity);
  return {
    name: `Poseidon of ${arity}`,
    count: groups,
    work: ({ tree: { poseidonRow } }) => poseidonRow && (() => poseidonRow(row, arity)),
    reference: { count: fewGroups, work: () => plainTreeKernel.poseidonRow(few, arity) },
    foreign: `poseidon-${arity}`,
  };
}

const pedersenPairs = 2 ** 13;
const fewPairs = 32;

function pedersen(): Kernel {
  const row = elements(2 * pedersenPairs);
  const few = row.subarray(0, 2 * fewPairs * elementBytes);
  return {
    name: "Pedersen of pairs",
    count: pedersenPairs,
    work: ({ tree: { pedersenRow } }) => pedersenRow && (() => pedersenRow(row, 0)),
    reference: { count: fewPairs, work: () => plainPedersenRow(few, 0) },
    foreign: "pedersen-pairs",
    note: "the first C prototype made 80 to 87 thousand in one lane",
  };
}

const pairs = 2 ** 15;

/** hashtree does them in a host with native code; it is a kernel of its own, whatever the others are. */
function sha256Pairs(): Kernel {
  const row = elements(2 * pairs);
  const pair = row.subarray(0, 2 * elementBytes);
  const few = row.subarray(0, 64 * elementBytes);
  return {
    name: "SHA-256 of pairs",
    count: pairs,
    work: ({ backend }) => (backend === "native" ? () => treeKernel.sha256Pairs(row) : undefined),
    reference: { count: 32, work: () => plainTreeKernel.sha256Pairs(few) },
    peers: [{ name: "node:crypto", count: 1, work: () => hash("sha256", pair, "buffer") }],
    foreign: "sha256-pairs",
    limit: (limits) => limitOf(limits, "sha256_two_streams", 2),
    note: "native is hashtree; a pair is two blocks",
  };
}

export const hashingFamily: KernelFamily = {
  name: "hashing",
  kernels: () => [poseidon(2), poseidon(8), poseidon(11), pedersen(), sha256Pairs()],
};
