/**
 * Arrays of the addon that change while it works: overlapping ones, which the kernel itself changes, and those of
 * another thread. What comes out is of no use to anybody; but every number that was checked is the one that is used,
 * so no change leads out of an array. Without that, these tests end with their process.
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
/** Binds only what is there: a machine without the addon has nothing to test. */
const variants = addon === undefined ? [] : [...new Set([features, 0])];

const place = (bytes: Uint8Array): Place => bytes as unknown as Place;
const nodes = 64;
const nodeBytes = 32;

/** A layer whose beginning is also the table of its parents, valid as long as nobody writes to it. */
function layerWithParents(degree: number): { layer: Uint8Array; parents: Uint8Array; counts: Uint8Array } {
  const layer = new Uint8Array(new SharedArrayBuffer(nodes * Math.max(nodeBytes, 4 * degree)));
  return {
    layer,
    parents: layer.subarray(0, nodes * 4 * degree),
    counts: new Uint8Array(nodes).fill(degree),
  };
}

const id = place(new Uint8Array(nodeBytes));

function zigzags(calls: KernelCalls): readonly number[] {
  return [0, 1, 2, 3].flatMap((flags) => {
    const a = layerWithParents(13);
    const b = layerWithParents(13);
    const [first, second] = [place(a.layer), place(b.layer)];
    return [
      calls.zigzag_blake2s(first, nodes, id, 1, place(a.parents), place(a.counts), 0, nodes, flags),
      calls.zigzag_era(second, nodes, id, place(b.parents), place(b.counts), 0, nodes, flags),
    ];
  });
}

function idles(calls: KernelCalls): number {
  const { layer, parents } = layerWithParents(12);
  const previous = place(new Uint8Array(layer.length));
  const jobs = place(new Uint8Array(72));
  return calls.idle_labels(
    place(layer),
    previous,
    0 as never,
    0 as never,
    nodes,
    jobs,
    3,
    2,
    place(parents),
    0,
    nodes,
  );
}

/** Turns scalars to zero and back, in a thread of its own, until it is ended. */
function flippingOf(scalars: Uint8Array): Worker {
  const source = `
    const { workerData: bytes, parentPort } = require("node:worker_threads");
    parentPort.postMessage("begun");
    for (;;) for (let at = 0; at < bytes.length; at += 32) bytes[at] ^= 3;`;
  return new Worker(source, { eval: true, workerData: scalars });
}

describe.each(variants)("the addon with features %i", (allowed) => {
  const calls = addon?.bind(allowed) as KernelCalls;

  it("reads no parent from elsewhere when its own layer is written over the table", () => {
    expect(zigzags(calls).every((status) => status === -1)).toBe(true);
    expect(idles(calls)).toBe(-1);
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
