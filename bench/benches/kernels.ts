/**
 * The compiled kernels, every back end that is on this machine beside the others, on the same bytes in the same
 * run; the peer of each is what one would use without them: OpenSSL by node:crypto for hashes, noble for points,
 * the TypeScript reference for the rest. One thread.
 */
import { hash } from "node:crypto";
import { installNativeKernels } from "@holdfast/node";
import {
  frsToBytes,
  g1BytesOf,
  g2BytesOf,
  plainCurveKernel,
  plainTreeKernel,
  plainZigzagPass,
} from "@holdfast/proofs";
import { type LoadedKernels, loadNativeKernels, loadWasmKernels } from "@holdfast/proofs/kernels";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond, type Sampling } from "../measure.ts";

const groups = 512;
const g1Points = 2 ** 13;
const g2Points = 2 ** 10;
const transformLog = 14;
const nodes = 2 ** 13;
const labelBytes = 1248;

const elements = (count: number): Uint8Array =>
  frsToBytes(Array.from({ length: count }, (_none, i) => BigInt(i + 1) ** 61n % (1n << 254n)));

type Peer = Figure["peer"];
interface Kernel {
  readonly name: string;
  /** What one call does. */
  readonly count: number;
  readonly work: (kernels: LoadedKernels) => (() => void) | undefined;
  readonly peer: () => Peer;
}

const rateOf = (work: () => void, count: number, sampling: Sampling): number =>
  callsPerSecond({ work }, sampling).work * count;

const scalars = elements(g1Points);
const g1 = g1BytesOf(bls12_381.G1.Point.BASE);
const g2 = g2BytesOf(bls12_381.G2.Point.BASE);

function hashing(sampling: Sampling): readonly Kernel[] {
  const poseidon = (arity: number): Kernel => {
    const row = elements(groups * arity);
    const few = row.subarray(0, 4 * 32 * arity);
    return {
      name: `Poseidon of ${arity}`,
      count: groups,
      work: ({ tree: { poseidonRow } }) => poseidonRow && (() => void poseidonRow(row, arity)),
      peer: () => ({
        name: "reference",
        value: rateOf(() => void plainTreeKernel.poseidonRow(few, arity), 4, sampling),
      }),
    };
  };
  return [poseidon(2), poseidon(8), poseidon(11)];
}

function layers(sampling: Sampling): readonly Kernel[] {
  const bytes = elements(nodes);
  const [replicaId, previous] = [elements(1), elements(nodes)];
  const run = (slots: number, descending: boolean, count = nodes) => ({
    low: 0,
    count,
    descending,
    parents: Uint32Array.from({ length: count * slots }, (_none, i) => {
      const node = Math.floor(i / slots);
      return node === 0 ? 0 : (i * 7919) % node;
    }),
    counts: new Uint8Array(count).fill(13).fill(0, 0, 1),
  });
  const zigzag = (mode: "encode" | "decode", keyDerivation: "blake2s" | "poseidon", few = nodes): Kernel => {
    const work = run(13, mode === "decode", few);
    const layer = { bytes, replicaId, number: 1, keyDerivation, mode };
    const through = (pass: ReturnType<typeof plainZigzagPass> | undefined) => () => pass?.run(work);
    return {
      name: `ZigZag ${mode}, keys by ${keyDerivation}`,
      count: few,
      work: ({ layers: { zigzag: make } }) => make && through(make(layer)),
      peer: () => ({
        name: "the reference pass, over the hashes that a node has",
        value: rateOf(through(plainZigzagPass(layer)), few, sampling),
      }),
    };
  };
  const message = new Uint8Array(labelBytes).fill(5);
  const label: Kernel = {
    name: "SDR labels",
    count: nodes,
    work: ({ layers: { sdr } }) => {
      const pass = sdr?.({ replicaId, number: 2, previous, into: bytes });
      const work = run(14, false);
      return pass && (() => pass.run(work));
    },
    peer: () => ({
      name: "node:crypto, hashing alone",
      value: rateOf(() => void hash("sha256", message, "buffer"), 1, sampling),
    }),
  };
  return [
    zigzag("encode", "blake2s"),
    zigzag("decode", "blake2s"),
    zigzag("encode", "poseidon", 128),
    zigzag("decode", "poseidon", 128),
    label,
  ];
}

function curves(sampling: Sampling, { curve }: LoadedKernels): readonly Kernel[] {
  const points = curve.fixedBaseG1(g1, scalars);
  const twisted = curve.fixedBaseG2(g2, scalars.subarray(0, 32 * g2Points));
  const few = 64;
  const noble =
    (name: string, work: () => void): (() => Peer) =>
    () => ({ name, value: rateOf(work, few, sampling) });
  const fewScalars = scalars.subarray(0, 32 * few);
  const { msmG1, msmG2, fixedBaseG1 } = plainCurveKernel;
  const values = elements(2 ** transformLog);
  const small = values.subarray(0, 32 * 1024);
  const options = { inverse: false, coset: false };
  return [
    {
      name: `sum of ${g1Points} points of G1`,
      count: g1Points,
      work: (kernels) => () => void kernels.curve.msmG1(points, scalars),
      peer: noble(`noble, ${few} points`, () => void msmG1(points.subarray(0, 96 * few), fewScalars)),
    },
    {
      name: `sum of ${g2Points} points of G2`,
      count: g2Points,
      work: (kernels) => () => void kernels.curve.msmG2(twisted, scalars.subarray(0, 32 * g2Points)),
      peer: noble(`noble, ${few} points`, () => void msmG2(twisted.subarray(0, 192 * few), fewScalars)),
    },
    {
      name: "multiples of one point of G1",
      count: g1Points,
      work: (kernels) => () => void kernels.curve.fixedBaseG1(g1, scalars),
      peer: noble("noble", () => void fixedBaseG1(g1, fewScalars)),
    },
    {
      name: `butterflies of a transform of 2^${transformLog}`,
      count: transformLog * 2 ** (transformLog - 1),
      work: (kernels) => () => void kernels.curve.fft(values, options),
      peer: () => ({
        name: "reference, 2^10",
        value: rateOf(() => void plainCurveKernel.fft(small, options), 10 * 512, sampling),
      }),
    },
  ];
}

export const kernelsBench: Bench = {
  name: "kernels",
  about: "compiled kernels, one thread, every back end that is here",
  async run({ quick, say }) {
    await installNativeKernels(); // the reference hashes with what a node has
    const sampling: Sampling = quick ? { samples: 3, sampleMs: 20 } : { samples: 7, sampleMs: 60 };
    const wasm = await loadWasmKernels();
    const native = loadNativeKernels();
    const { features = [] } = native;
    if (native.backend !== "native") say(native.reason ?? "no native kernels");
    const variants: readonly (readonly [string, LoadedKernels])[] = [
      ["wasm", wasm],
      ...(native.backend === "native"
        ? ([
            [`native (${features.join(", ")})`, native],
            ["native (no extras)", loadNativeKernels({ without: features })],
          ] as const)
        : []),
    ];
    const figures: Figure[] = [];
    for (const { name, count, work, peer } of [
      ...hashing(sampling),
      ...layers(sampling),
      ...curves(sampling, wasm),
    ]) {
      const compared = peer();
      for (const [variant, kernels] of variants) {
        const act = work(kernels);
        if (act === undefined) continue;
        const value = rateOf(act, count, sampling);
        figures.push({ name: `${name}, ${variant}`, value, unit: "/s", ...(compared && { peer: compared }) });
      }
    }
    return figures;
  },
};
