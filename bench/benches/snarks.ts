/**
 * SNARKs of 2 KiB sectors: setup, proving and verifying of their circuits, one thread, and what a browser needs to
 * verify them. What they are made of is under `kernels`, how they grow under `pipelines`.
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
  encodeVerifyingKey,
  findProfile,
  installProvingKeys,
  type ProvingKey,
  type SectorClass,
  sectorProfile,
  setup,
  sha254Hasher,
  shapeOfCircuit,
} from "@holdfast/proofs";
import { bundleVerifier } from "../../tools/verifier-bundle.ts";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { elapsedMs, fastestMs } from "../measure.ts";

const row = findProfile("zigzag-poseidon-2KiB") ?? sectorProfile(2048);
const uses: readonly CircuitUse[] = ["seal", "window", "winning"];

/** Valid field elements: little-endian with the two highest bits clear. */
function elements(count: number): Uint8Array {
  const bytes = new Uint8Array(randomBytes(count * 32));
  for (let last = 31; last < bytes.length; last += 32) bytes[last] = (bytes[last] ?? 0) & 0x3f;
  return bytes;
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

async function run({ say }: BenchOptions): Promise<readonly Figure[]> {
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
  const bundle = await bundleVerifier();
  return [
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
  about: "SNARKs of 2 KiB sectors, one thread",
  run,
};
