/**
 * Proofs and what they are made of: hashing of trees, pieces, sealing, proving, verifying. The limit of the
 * SHA-256 work is node:crypto's own speed on one long input, measured in the same run.
 */
import { createHash, hash, randomBytes } from "node:crypto";
import { blake2b256, sectorId, utf8Bytes } from "@holdfast/base";
import { genesisMinerAddress } from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import {
  buildTree,
  commP,
  createProver,
  createVerifier,
  defaultClasses,
  layoutPieces,
  poseidonHash,
  poseidonHasher,
  provePost,
  sha254Hasher,
  verifyPost,
} from "@holdfast/proofs";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond, fastestMs } from "../measure.ts";

const mebibyte = 2 ** 20;
const sectorBytes = 65_536;

/** Valid field elements: little-endian with the two highest bits clear. */
function fieldElements(count: number): Uint8Array {
  const bytes = randomBytes(count * 32);
  for (let last = 31; last < bytes.length; last += 32) bytes[last] = (bytes[last] ?? 0) & 0x3f;
  return bytes;
}

/** A binary tree over 1 MiB has so many pairs. */
const pairsOfMebibyte = 2 ** 15 - 1;
const megabytes = mebibyte / 1e6;

async function hashFigures(): Promise<Figure[]> {
  const data = fieldElements(mebibyte / 32);
  const small = data.subarray(0, sectorBytes);
  const pair = data.subarray(0, 64);
  const piece = data.subarray(0, 127 * 8192);
  const elements = Array.from({ length: 8 }, (_, index) => BigInt(index + 1) ** 31n);
  const two = elements.slice(0, 2);
  const rate = await callsPerSecond({
    bulk: () => void createHash("sha256").update(data).digest(),
    pair: () => void hash("sha256", pair, "buffer"),
    shaTree: () => void buildTree(sha254Hasher, data),
    commP: () => void commP(piece),
    poseidonTree: () => void buildTree(poseidonHasher, small),
    poseidon8: () => void poseidonHash(elements),
    poseidon2: () => void poseidonHash(two),
  });
  const bound = { name: "SHA-256 of node:crypto over one input", value: megabytes * rate.bulk };
  const pairs = {
    name: "a node:crypto call for each pair",
    value: (megabytes * rate.pair) / pairsOfMebibyte,
  };
  return [
    {
      name: "SHA-256 tree over 1 MiB",
      value: megabytes * rate.shaTree,
      unit: "MB/s",
      peer: pairs,
      bound,
    },
    { name: "piece commitment (commP)", value: (piece.length / 1e6) * rate.commP, unit: "MB/s", bound },
    { name: "Poseidon tree over 64 KiB", value: (sectorBytes / 1e6) * rate.poseidonTree, unit: "MB/s" },
    { name: "Poseidon of 8 elements", value: rate.poseidon8, unit: "/s" },
    { name: "Poseidon of 2 elements", value: rate.poseidon2, unit: "/s" },
  ];
}

/** A sealed sector with its proof, and how long each of them took. */
async function sealedSector() {
  const prover = createProver();
  const miner = genesisMinerAddress(1, 0);
  const identity = {
    networkId: blake2b256(utf8Bytes("bench")),
    miner,
    sectorId: sectorId(1),
    ticket: blake2b256(utf8Bytes("ticket")),
    commD: layoutPieces([], sectorBytes).commD,
  };
  const seed = blake2b256(utf8Bytes("seed"));
  const request = { classes: defaultClasses, sectorBytes, identity };
  const seal = () => prover.replicate({ ...request, data: new Uint8Array(sectorBytes) });
  const sealed = await seal();
  const sealMs = await fastestMs(3, seal);
  const { commR, commRStar, aux, replicaTree, replica } = sealed;
  let proof: Uint8Array = new Uint8Array(0);
  const proveMs = await fastestMs(3, async () => {
    proof = await prover.proveSeal({ ...request, aux, commR, commRStar, seed });
  });
  const extractMs = await fastestMs(3, () => prover.extract({ ...request, replica }));
  const sector = { sectorId: identity.sectorId, sectorBytes, commR, replicaTree };
  const statement = { ...request, commR, commRStar, seed, proof };
  return { miner, seed, sector, statement, sealMs, proveMs, extractMs };
}

async function sectorFigures(): Promise<Figure[]> {
  const { miner, seed, sector, statement, sealMs, proveMs, extractMs } = await sealedSector();
  const post = provePost("window", seed, miner, [sector]);
  const verifier = createVerifier();
  const perMiB = (ms: number): number => (ms / 1000) * (mebibyte / sectorBytes);
  const posted = [{ sectorId: sector.sectorId, sectorBytes, commR: sector.commR }];
  const rate = await callsPerSecond({
    verifySeal: () => void verifier.verifySeal(statement),
    provePost: () => void provePost("window", seed, miner, [sector]),
    verifyPost: () => void verifyPost("window", seed, miner, posted, post),
  });
  return [
    {
      name: "seal",
      value: perMiB(sealMs),
      unit: "s/MiB",
      note: "a sector of 64 KiB, one thread, native hashing where there is one",
    },
    { name: "unseal", value: perMiB(extractMs), unit: "s/MiB" },
    {
      name: "prove a seal",
      value: proveMs,
      unit: "ms",
      note: `${(statement.proof.length / 1024).toFixed(0)} KiB; with our own check of it`,
    },
    { name: "verify a seal", value: 1000 / rate.verifySeal, unit: "ms" },
    { name: "prove a window PoSt", value: 1000 / rate.provePost, unit: "ms" },
    {
      name: "verify a window PoSt",
      value: 1000 / rate.verifyPost,
      unit: "ms",
      note: `${(post.length / 1024).toFixed(1)} KiB for one sector`,
    },
  ];
}

export const proofsBench: Bench = {
  name: "proofs",
  about: "hashing, sealing, proving and verifying in one thread",
  async run() {
    await installNativeKernels();
    return [...(await hashFigures()), ...(await sectorFigures())];
  },
};
