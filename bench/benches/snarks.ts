/**
 * What SNARKs are made of, and SNARKs themselves: keys by both hashes, sums of points, transforms, and setup,
 * proving and verifying of the circuits of 2 KiB sectors, one thread. The peer of the arithmetic is
 * ffjavascript, the WebAssembly under snarkjs (GPL-3.0: a tool of tests and benchmarks, never shipped).
 */
import { randomBytes } from "node:crypto";
import { sectorId, seedAddress } from "@holdfast/base";
import { installNativeKernels } from "@holdfast/node";
import {
  buildTree,
  type CircuitUse,
  circuitOf,
  createProver,
  createVerifier,
  curveKernel,
  encodeVerifyingKey,
  findProfile,
  installProvingKeys,
  nodeKeys,
  type ProvingKey,
  plainTreeKernel,
  type SectorClass,
  sectorProfile,
  setup,
  sha254Hasher,
  shapeOfCircuit,
  treeKernel,
} from "@holdfast/proofs";
import { curves } from "snarkjs";
import { bundleVerifier } from "../../tools/verifier-bundle.ts";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { callsPerSecond, elapsedMs, fastestMs } from "../measure.ts";

const row = findProfile("zigzag-poseidon-2KiB") ?? sectorProfile(2048);
const uses: readonly CircuitUse[] = ["seal", "window", "winning"];

/** Valid field elements: little-endian with the two highest bits clear. */
function elements(count: number): Uint8Array {
  const bytes = new Uint8Array(randomBytes(count * 32));
  for (let last = 31; last < bytes.length; last += 32) bytes[last] = (bytes[last] ?? 0) & 0x3f;
  return bytes;
}

function keyFigures(): Figure[] {
  const replicaId = elements(1);
  const parents = new Uint32Array(elements(13).buffer);
  const keys = (keyDerivation: "blake2s" | "poseidon") => {
    const deriver = nodeKeys({ keyDerivation }, replicaId, 1);
    for (let slot = 0; slot < 13; slot += 1) deriver.setParent(slot, parents, slot * 8);
    return () => void deriver.derive(7, 13);
  };
  const group = elements(8);
  const row16 = elements(16);
  const rate = callsPerSecond({
    blake2s: keys("blake2s"),
    poseidon: keys("poseidon"),
    hash8: () => void treeKernel.poseidonRow(group, 8),
    plain8: () => void plainTreeKernel.poseidonRow(group, 8),
    plain16: () => void plainTreeKernel.poseidonRow(row16, 16),
  });
  const plain = (value: number) => ({ name: "the TypeScript reference", value });
  return [
    { name: "zigzag keys by BLAKE2s", value: rate.blake2s, unit: "/s" },
    { name: "zigzag keys by Poseidon", value: rate.poseidon, unit: "/s", peer: plain(rate.plain16) },
    { name: "Poseidon of 8 elements", value: rate.hash8, unit: "/s", peer: plain(rate.plain8) },
  ];
}

/** As much of ffjavascript as is measured. */
interface PeerGroup {
  readonly g: Uint8Array;
  toAffine(point: Uint8Array): Uint8Array;
  timesScalar(point: Uint8Array, scalar: bigint): Uint8Array;
  multiExpAffine(points: Uint8Array, scalars: Uint8Array): Promise<Uint8Array>;
}
interface PeerCurve {
  readonly G1: PeerGroup;
  readonly G2: PeerGroup;
  readonly Fr: { fft(values: Uint8Array): Promise<Uint8Array> };
  terminate(): Promise<void>;
}

const distinctPoints = 64;

function peerPoints(group: PeerGroup, count: number): Uint8Array {
  const some = Array.from({ length: distinctPoints }, (_none, i) =>
    group.toAffine(group.timesScalar(group.g, 2n ** 200n + BigInt(i) ** 7n)),
  );
  const size = some[0]?.length ?? 0;
  const points = new Uint8Array(count * size);
  for (let i = 0; i < count; i += 1)
    points.set(some[i % distinctPoints] ?? points.subarray(0, size), i * size);
  return points;
}

async function curveFigures({ a, bG2 }: ProvingKey, quick: boolean): Promise<Figure[]> {
  const count = 4096;
  const g1 = a.subarray(0, count * 96);
  const g2 = bG2.subarray(0, count * 192);
  const scalars = elements(count);
  const runs = quick ? 1 : 3;
  const peer = (await curves.getCurveFromName("bls12381")) as unknown as PeerCurve;
  try {
    const [p1, p2] = [peerPoints(peer.G1, count), peerPoints(peer.G2, count)];
    const rate = async (work: () => unknown): Promise<number> =>
      (count * 1000) / (await fastestMs(runs, work));
    const theirs = async (work: () => unknown) => ({
      name: "ffjavascript, all threads",
      value: await rate(work),
    });
    return [
      {
        name: "sum of 4,096 points in G1",
        value: await rate(() => curveKernel.msmG1(g1, scalars)),
        unit: "/s",
        peer: await theirs(() => peer.G1.multiExpAffine(p1, scalars)),
        note: "points a second; one thread against the peer's threads",
      },
      {
        name: "sum of 4,096 points in G2",
        value: await rate(() => curveKernel.msmG2(g2, scalars)),
        unit: "/s",
        peer: await theirs(() => peer.G2.multiExpAffine(p2, scalars)),
      },
      {
        name: "transform of 4,096 elements",
        value: await rate(() => curveKernel.fft(scalars, { inverse: false, coset: false })),
        unit: "/s",
        peer: await theirs(() => peer.Fr.fft(scalars)),
        note: "elements a second",
      },
    ];
  } finally {
    await peer.terminate();
  }
}

async function proofFigures(keys: ReadonlyMap<CircuitUse, ProvingKey>): Promise<Figure[]> {
  const encoded = (use: CircuitUse): Uint8Array => {
    const key = keys.get(use);
    return key === undefined ? new Uint8Array(0) : encodeVerifyingKey(key.verifyingKey);
  };
  const own = { seal: encoded("seal"), window: encoded("window"), winning: encoded("winning") };
  installProvingKeys({
    find: async (wanted) =>
      uses.map((use) => keys.get(use)).find((_key, i) => equal(encoded(uses[i] ?? "seal"), wanted)),
  });
  const { sectorBytes, id: profile } = row;
  const classes: readonly SectorClass[] = [{ sectorBytes, profile, proofMode: "groth16", keys: own }];
  const prover = createProver();
  const verifier = createVerifier();
  const miner = seedAddress(1, "bench");
  const data = new Uint8Array(sectorBytes);
  const identity = {
    networkId: elements(1),
    miner,
    sectorId: sectorId(1),
    ticket: elements(1),
    commD: buildTree(sha254Hasher, data).root,
  };
  const seed = elements(1);
  const request = { classes, sectorBytes, identity };
  const { aux, commR, commRStar, replicaTree } = await prover.replicate({ ...request, data });
  const commitments = { commR, commRStar, seed };
  let proof: Uint8Array = new Uint8Array(0);
  const sealMs = await elapsedMs(async () => {
    proof = await prover.proveSeal({ ...request, aux, ...commitments });
  });
  const sectors = [{ sectorId: identity.sectorId, sectorBytes, commR, replicaTree }];
  let post: Uint8Array = new Uint8Array(0);
  const winningMs = await fastestMs(3, async () => {
    post = await prover.provePost({ classes, kind: "winning", seed, miner, sectors });
  });
  const statement = { ...request, ...commitments, proof };
  const posted = { classes, kind: "winning", seed, miner, sectors, proof: post } as const;
  const verifySealMs = await fastestMs(5, () => verifier.verifySeal(statement));
  const verifyPostMs = await fastestMs(5, () => verifier.verifyPost(posted));
  const snarks = (proof.length - (proof.length % 192)) / 192;
  return [
    {
      name: "proof of a 2 KiB seal",
      value: sealMs / 1000,
      unit: "s",
      note: `${proof.length} bytes, five SNARKs`,
    },
    { name: "winning proof", value: winningMs / 1000, unit: "s", note: `${post.length} bytes, one SNARK` },
    {
      name: "verifying the seal",
      value: verifySealMs,
      unit: "ms",
      note: `a batch, of ${snarks} proofs at most`,
    },
    { name: "verifying the winning proof", value: verifyPostMs, unit: "ms" },
  ];
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function run({ quick, say }: BenchOptions): Promise<readonly Figure[]> {
  await installNativeKernels();
  const keys = new Map<CircuitUse, ProvingKey>();
  const setupMs: number[] = [];
  for (const use of uses) {
    say(`setting up ${use}`);
    const shape = shapeOfCircuit(circuitOf(row, use));
    setupMs.push(await elapsedMs(() => keys.set(use, setup(shape, randomBytes(32)).provingKey)));
  }
  const total = setupMs.reduce((sum, ms) => sum + ms, 0) / 1000;
  say("proving");
  const proofs = await proofFigures(keys);
  const seal = keys.get("seal");
  const bundle = await bundleVerifier();
  return [
    ...keyFigures(),
    ...(seal === undefined ? [] : await curveFigures(seal, quick)),
    { name: "parameters of 2 KiB sectors, by one party", value: total, unit: "s", note: "three circuits" },
    ...proofs,
    {
      name: "the verifier as one file for a browser",
      value: bundle.sizeBytes / 1000,
      unit: "KB",
      note: `${Math.round(bundle.gzipBytes / 1000)} KB compressed`,
    },
  ];
}

export const snarksBench: Bench = {
  name: "snarks",
  about: "The arithmetic of SNARKs and SNARKs of 2 KiB sectors, one thread.",
  run,
};
