/**
 * Proofs as the chain verifies them, each beside what its gas pays for: seals of every kind, proofs of spacetime by the
 * number of sectors, both forms, inclusion proofs, signatures. Made here, from real sectors.
 */
import { randomBytes } from "node:crypto";
import {
  accountAddress,
  blake2b256,
  blsKeyFromSeed,
  blsPublicKey,
  blsSign,
  blsVerify,
  publicKeyOf,
  sectorId,
  seedAddress,
  signRecoverable,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import {
  type GasPrice,
  type NetworkParams,
  type ProofKind,
  proofGas,
  sealSnarks,
  windowPostSnarks,
} from "@holdfast/consensus";
import {
  type CircuitUse,
  circuitOf,
  createProver,
  createVerifier,
  encodeVerifyingKey,
  findProfile,
  installProvingKeys,
  layoutPieces,
  type ProvingKey,
  type SectorClass,
  type SectorProfile,
  setup,
  shapeOfCircuit,
  vanillaClass,
} from "@holdfast/proofs";
import { type Measured, measureInTurns } from "../measure.ts";
import { evidenceProbes } from "./evidence.ts";
import { idleProbes } from "./idle.ts";
import { reportProbes, walkProbes } from "./pins.ts";
import type { Cost } from "./probes.ts";

export interface ProofProbe {
  readonly name: string;
  /** Null: it is part of a header, and no gas is paid for it. */
  readonly price: GasPrice | null;
  readonly gas: number;
  readonly verify: () => boolean;
}

export interface ProofCost extends Omit<Cost, "price"> {
  readonly price: GasPrice | null;
}

const miner = seedAddress(1, "gas bench");
const uses: readonly CircuitUse[] = ["seal", "window", "winning"];
const verifier = createVerifier();

/** Valid field elements: little-endian with the two highest bits clear. */
function element(word: string): Uint8Array {
  const bytes = Uint8Array.from(blake2b256(utf8Bytes(word)));
  bytes[31] = (bytes[31] ?? 0) & 0x3f;
  return bytes;
}

function profileOf(id: string): SectorProfile {
  const profile = findProfile(id);
  if (profile === undefined) throw new RangeError(`there is no profile ${id}`);
  return profile;
}

/** The class in the succinct form, with parameters of its own. */
function succinctClass(profile: SectorProfile): SectorClass {
  const keys = new Map<CircuitUse, ProvingKey>();
  for (const use of uses) {
    keys.set(use, setup(shapeOfCircuit(circuitOf(profile, use)), randomBytes(32)).provingKey);
  }
  const encoded = (use: CircuitUse): Uint8Array => {
    const key = keys.get(use);
    return key === undefined ? new Uint8Array(0) : encodeVerifyingKey(key.verifyingKey);
  };
  const own = { seal: encoded("seal"), window: encoded("window"), winning: encoded("winning") };
  installProvingKeys({
    find: async (wanted) =>
      uses
        .map((use) => keys.get(use))
        .find((_key, i) => Buffer.compare(own[uses[i] ?? "seal"], wanted) === 0),
  });
  const { sectorBytes, id } = profile;
  return { sectorBytes, profile: id, proofMode: "groth16", keys: own };
}

/** One sealed sector of a class, with its seal proof and proofs over copies of it under other numbers. */
async function sectorProbes(
  sectorClass: SectorClass,
  params: NetworkParams,
  counts: readonly number[],
): Promise<ProofProbe[]> {
  const { sectorBytes, profile, proofMode } = sectorClass;
  const classes = [sectorClass];
  const own = { ...params, sectorClasses: classes };
  const prover = createProver();
  const { commD } = layoutPieces([], sectorBytes);
  const identity = { networkId: element("n"), miner, sectorId: sectorId(1), ticket: element("t"), commD };
  const seed = element("seed");
  const request = { classes, sectorBytes, identity };
  const data = new Uint8Array(sectorBytes);
  const { aux, commR, commRStar, replicaTree } = await prover.replicate({ ...request, data });
  const proof = await prover.proveSeal({ ...request, aux, commR, commRStar, seed });
  const probes: ProofProbe[] = [
    {
      name: `seal of ${profile}, ${proofMode}, ${proof.length} bytes`,
      price: proofMode === "groth16" ? "snarkFurther" : "sealKib",
      gas: gasOf(own, "seal", proof, sealSnarks(own, sectorBytes)),
      verify: () => verifier.verifySeal({ ...request, commR, commRStar, seed, proof }),
    },
  ];
  for (const count of counts) {
    const sectors = Array.from({ length: count }, (_, i) => ({
      sectorId: sectorId(i),
      sectorBytes,
      commR,
      replicaTree,
    }));
    const post = await prover.provePost({ classes, kind: "window", seed, miner, sectors });
    probes.push({
      name: `window proof of ${count} × ${profile}, ${proofMode}, ${post.length} bytes`,
      price: proofMode === "groth16" ? "snarkFirst" : "postKib",
      gas: gasOf(own, "post", post, { ...windowPostSnarks(own, sectors), sectors: count }),
      verify: () => verifier.verifyPost({ classes, kind: "window", seed, miner, sectors, proof: post }),
    });
  }
  return probes;
}

const gasOf = (
  { gas }: NetworkParams,
  kind: ProofKind,
  { length }: Uint8Array,
  work: Parameters<typeof proofGas>[3],
): number => proofGas(gas, kind, length, work);

function signatureProbes({ gas }: NetworkParams): ProofProbe[] {
  const privateKey = blake2b256(utf8Bytes("signer"));
  const address = accountAddress(1, publicKeyOf(privateKey));
  const secp = [200, 131_072].map((length): ProofProbe => {
    const message = new Uint8Array(length).fill(7);
    const signature = signRecoverable(privateKey, message);
    return {
      name: `secp256k1 signature under ${length} bytes`,
      price: length > 1_024 ? "signatureKib" : "signatureBase",
      gas: proofGas(gas, "signature", length),
      verify: () => verifySignature(message, signature, address),
    };
  });
  // The kernel of a node remembers verdicts, so every call is about another message.
  const blsKey = blsKeyFromSeed(blake2b256(utf8Bytes("bls")));
  const publicKey = blsPublicKey(blsKey);
  const draws = Array.from({ length: 4_096 }, (_, i) => {
    const message = blake2b256(utf8Bytes(`draw ${i}`));
    return { message, signature: blsSign(blsKey, message) };
  });
  let at = 0;
  const verify = (): boolean => {
    const draw = draws[at++ % draws.length];
    return draw !== undefined && blsVerify(publicKey, draw.message, draw.signature);
  };
  return [...secp, { name: "BLS signature, two in a header", price: null, gas: 0, verify }];
}

function inclusionProbe({ gas }: NetworkParams): ProofProbe {
  const paddedBytes = 128;
  const sectorBytes = 8 * 2 ** 20;
  const piece = { commP: element("piece"), paddedBytes };
  // No sector has this piece; the whole path is hashed all the same before that is known.
  const proof = new Uint8Array(8 + 32 * Math.log2(sectorBytes / paddedBytes)).fill(1);
  const length = proof.length;
  const statement = {
    commD: element("commD"),
    sectorBytes,
    ...piece,
    proof: Uint8Array.from(proof).fill(0, 0, 8),
  };
  const verify = (): boolean => !verifier.verifyPieceInclusion(statement);
  return {
    name: `inclusion of a piece, ${length} bytes`,
    price: "inclusionBase",
    gas: proofGas(gas, "inclusion", length),
    verify,
  };
}

/** Every proof that gas pays for, and those of a header. */
export async function proofCosts(
  params: NetworkParams,
  { isQuick, say }: { readonly isQuick: boolean; readonly say: (text: string) => void },
): Promise<readonly ProofCost[]> {
  const probes: ProofProbe[] = [
    ...signatureProbes(params),
    inclusionProbe(params),
    ...evidenceProbes(params),
  ];
  say("making idle space");
  probes.push(...walkProbes(params), ...reportProbes(params), ...idleProbes(params));
  const vanilla = (id: string, counts: readonly number[]): Promise<ProofProbe[]> =>
    sectorProbes(vanillaClass(profileOf(id)), params, counts);
  say("sealing");
  probes.push(...(await vanilla("zigzag-1KiB", [1, 8, 32])));
  probes.push(...(await vanilla("zigzag-64KiB", [1, 32])));
  probes.push(...(await vanilla("zigzag-poseidon-16KiB", [8])));
  probes.push(...(await vanilla("sdr-16KiB", [8])));
  say("setting up SNARKs");
  probes.push(...(await sectorProbes(succinctClass(profileOf("zigzag-poseidon-2KiB")), params, [1, 2, 8])));
  say("verifying");
  const costs: ProofCost[] = [];
  for (const { name, price, gas, verify } of probes) {
    if (!verify()) throw new RangeError(`the ${name} does not verify`);
    const { it }: { readonly it: Measured } = await measureInTurns(
      { it: verify },
      isQuick ? { samples: 3, sampleMs: 10 } : {},
    );
    costs.push({ name, price, gas, ns: 1e9 / it.rate, spread: it.spread });
  }
  return costs;
}
