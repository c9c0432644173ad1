/**
 * Arrays of the addon that another thread changes while it works. What comes out is of no use to anybody; but every
 * number that was checked is the one that is used, so no change leads out of an array. Without that, these tests end
 * with their process.
 */
import { Worker } from "node:worker_threads";
import { frsToBytes } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import type { KernelCalls, Place } from "../kernels/machine.ts";
import { findAddon } from "../kernels/native.ts";
import { generatorG1, generatorG2, groupsOf } from "./curve-fixtures.ts";
import { backends } from "./kernel-backends.ts";

const { addon } = findAddon();
const features = Object.values(addon?.features ?? {}).reduce((sum, bit) => sum | bit, 0);
const variants = [...new Set([features, 0])];

const place = (bytes: Uint8Array): Place => bytes as unknown as Place;
const nodes = 64;
const nodeBytes = 32;

/** Parents and counts of a layer, all of them valid at first. */
function tableOf(degree: number): { layer: Place; parents: Uint8Array; counts: Place } {
  return {
    layer: place(new Uint8Array(nodes * nodeBytes)),
    parents: new Uint8Array(new SharedArrayBuffer(nodes * 4 * degree)),
    counts: place(new Uint8Array(nodes).fill(13)),
  };
}

const id = place(new Uint8Array(2 * nodeBytes));

/** Every layer that reads parents, in a layer of its own. */
function layersOf(calls: KernelCalls): readonly { parents: Uint8Array; run: () => number | undefined }[] {
  const { layer, parents, counts } = tableOf(14);
  const [at, previous, jobs] = [
    place(parents),
    place(new Uint8Array(nodes * nodeBytes)),
    place(new Uint8Array(72)),
  ];
  const others = [
    place(new Uint8Array(nodes * nodeBytes)),
    place(new Uint8Array(nodes * nodeBytes)),
  ] as const;
  const none = 0 as unknown as Place;
  const runs = [
    ...[0, 1, 2, 3].flatMap((flags) => [
      () => calls.zigzag_blake2s(layer, layer, nodes, id, 1, at, counts, 0, nodes, flags),
      () => calls.zigzag_era(layer, nodes, id, at, counts, 0, nodes, flags),
    ]),
    () => calls.sdr_labels(layer, previous, nodes, id, 2, at, 0, nodes),
    () => calls.sdr_pair?.(layer, previous, others[0], others[1], nodes, id, 2, at, 0, nodes),
    () => calls.idle_labels(layer, previous, none, none, nodes, jobs, 3, 2, at, 0, nodes),
  ];
  return runs.map((run) => ({ parents, run }));
}

/** Turns parents into numbers of no node and back, in a thread of its own, until it is ended. */
function flippingParentsOf(parents: Uint8Array): Worker {
  const source = `
    const { workerData: bytes, parentPort } = require("node:worker_threads");
    parentPort.postMessage("begun");
    for (;;) for (let at = 3; at < bytes.length; at += 52) { bytes[at] = 0x7f; bytes[at] = 0; }`;
  return new Worker(source, { eval: true, workerData: parents });
}

/** Turns scalars to zero and back, in a thread of its own, until it is ended. */
function flippingOf(scalars: Uint8Array): Worker {
  const source = `
    const { workerData: bytes, parentPort } = require("node:worker_threads");
    parentPort.postMessage("begun");
    for (;;) for (let at = 0; at < bytes.length; at += 32) bytes[at] ^= 3;`;
  return new Worker(source, { eval: true, workerData: scalars });
}

describe.skipIf(addon === undefined).each(variants)("the addon with features %i", (allowed) => {
  const calls = addon?.bind(allowed) as KernelCalls;

  it("reads no parent from elsewhere when another thread changes the table", async () => {
    const runs = layersOf(calls);
    const [{ parents }] = runs as [(typeof runs)[number]];
    const flipping = flippingParentsOf(parents);
    await new Promise((resolve) => flipping.once("message", resolve));
    for (const { run } of runs) {
      // A node whose parent is seen changed is named, others are made of what is there.
      for (let times = 0; times < 300; times += 1) expect(run() ?? -1).toBeGreaterThanOrEqual(-1);
    }
    await flipping.terminate();
  });

  it("has room for every scalar of a sum that another thread makes zero and back", async () => {
    const count = 4096;
    const [{ loaded }] = backends;
    const ones = frsToBytes(Array.from({ length: count }, () => 1n));
    const scalars = new Uint8Array(new SharedArrayBuffer(ones.length));
    for (let i = 0; i < count; i += 2) scalars[nodeBytes * i] = 3;
    const flipping = flippingOf(scalars);
    await new Promise((resolve) => flipping.once("message", resolve));
    const { g1, g2 } = groupsOf(loaded.curve);
    for (const [group, generator, sum] of [
      [g1, generatorG1, calls.g1_msm],
      [g2, generatorG2, calls.g2_msm],
    ] as const) {
      const points = group.fixedBase(generator, ones);
      const out = new Uint8Array(generator.length);
      for (let times = 0; times < 8; times += 1) {
        expect(sum(place(out), place(points), place(scalars), count)).toBe(-1);
      }
    }
    await flipping.terminate();
  });
});
