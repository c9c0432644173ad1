/**
 * Seals and proofs of spacetime as SNARKs: honest ones verify, through the same door as vanilla ones; nothing
 * else does. The seals are of a tiny profile, because a real one takes half a minute.
 */
import { byteCount, sectorId, seedAddress } from "@holdfast/base";
import {
  bytesSource,
  type CircuitUse,
  circuitOf,
  circuitUses,
  createProver,
  createVerifier,
  encodeVerifyingKey,
  findProfile,
  installCurveKernel,
  installProvingKeys,
  installTreeKernel,
  type PostStatement,
  type ProvingKey,
  proveSealSteps,
  type ResolvedClass,
  runSteps,
  type SectorClass,
  type SectorProfile,
  sectorProfile,
  setup,
  shapeOfCircuit,
  succinctForm,
  vanillaClass,
  verifySealSuccinct,
  zigzag,
} from "@holdfast/proofs";
import { loadKernels } from "@holdfast/proofs/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";
import { flipBit } from "./vectors.ts";

const miner = seedAddress(1, "miner");
const seed = bytes32(11);
const row = findProfile("zigzag-poseidon-2KiB") ?? sectorProfile(2048);
const tiny: SectorProfile = {
  ...row,
  id: "test-tiny",
  sectorBytes: byteCount(256),
  userBytes: byteCount(254),
  nodes: 8,
  layers: 2,
  sealChallenges: [1, 1],
};

const provingKeys = new Map<string, ProvingKey>();
const undo: (() => void)[] = [];

/** A class with keys of its own for the given uses. */
function classOf(profile: SectorProfile, uses: readonly CircuitUse[]): SectorClass {
  const encoded = uses.map((use): [CircuitUse, Uint8Array] => {
    const { provingKey } = setup(shapeOfCircuit(circuitOf(profile, use)), bytes32(use.length));
    const verifyingKey = encodeVerifyingKey(provingKey.verifyingKey);
    provingKeys.set(verifyingKey.join(), provingKey);
    return [use, verifyingKey];
  });
  const none = new Uint8Array(0);
  const keys = { seal: none, window: none, winning: none, ...Object.fromEntries(encoded) };
  return { sectorBytes: profile.sectorBytes, profile: profile.id, proofMode: "groth16", keys };
}

beforeAll(async () => {
  const { tree, curve } = await loadKernels();
  undo.push(installTreeKernel(tree), installCurveKernel(curve));
  undo.push(installProvingKeys({ find: async (key) => provingKeys.get(key.join()) }));
});
afterAll(() => {
  for (const put of undo.toReversed()) put();
});

describe("a succinct seal", () => {
  const { identity, data } = sectorOf(tiny);
  let resolved: ResolvedClass;
  let proof: Uint8Array;
  const sealed = zigzag.replicate(tiny, identity, data);
  const accepts = (
    change: { identity?: typeof identity; commR?: Uint8Array; commRStar?: Uint8Array; seed?: Uint8Array },
    bytes = proof,
  ): boolean =>
    verifySealSuccinct(
      resolved,
      change.identity ?? identity,
      { commR: change.commR ?? sealed.commR, commRStar: change.commRStar ?? sealed.commRStar },
      change.seed ?? seed,
      bytes,
    );

  beforeAll(() => {
    const sectorClass = classOf(tiny, ["seal"]);
    resolved = { profile: tiny, sectorClass };
    const key = provingKeys.get(sectorClass.keys?.seal.join() ?? "") as ProvingKey;
    proof = runSteps(proveSealSteps(tiny, key, identity, bytesSource(sealed.aux), seed));
  });

  it("verifies, in its one length", () => {
    expect(accepts({})).toBe(true);
    expect(proof[0]).toBe(succinctForm);
    expect(proof).toHaveLength(1 + 32 + 4 * 32 + 2 * 192);
  });

  it("is for one network, miner, sector, ticket, data, commitment and seed", () => {
    const changes = [
      { networkId: bytes32(8) },
      { miner: seedAddress(1, "other") },
      { sectorId: sectorId(2) },
      { ticket: bytes32(10) },
      { commD: sectorOf(tiny, 2).identity.commD },
    ];
    for (const change of changes) expect(accepts({ identity: { ...identity, ...change } })).toBe(false);
    expect(accepts({ seed: bytes32(12) })).toBe(false);
    expect(accepts({ commR: flipBit(sealed.commR, 3) })).toBe(false);
    expect(accepts({ commRStar: flipBit(sealed.commRStar, 3) })).toBe(false);
  });

  it("cannot be changed, cut, extended, or have its SNARKs exchanged", () => {
    for (let at = 0; at < proof.length; at += 1)
      expect(accepts({}, flipBit(proof, at * 8 + (at % 8)))).toBe(false);
    expect(accepts({}, proof.subarray(0, -1))).toBe(false);
    expect(accepts({}, proof.subarray(0, -192))).toBe(false);
    expect(accepts({}, Uint8Array.from([...proof, 0]))).toBe(false);
    expect(accepts({}, new Uint8Array(0))).toBe(false);
    const start = proof.length - 2 * 192;
    const swapped = proof.slice();
    swapped.set(proof.subarray(start + 192), start);
    swapped.set(proof.subarray(start, start + 192), start + 192);
    expect(accepts({}, swapped)).toBe(false);
    const twice = proof.slice();
    twice.set(proof.subarray(start, start + 192), start + 192);
    expect(accepts({}, twice)).toBe(false);
  });

  it("is not made from a replica that was not encoded so", () => {
    const key = provingKeys.get(resolved.sectorClass.keys?.seal.join() ?? "") as ProvingKey;
    const other = zigzag.replicate(tiny, { ...identity, ticket: bytes32(1) }, data);
    const steps = (): Uint8Array =>
      runSteps(proveSealSteps(tiny, key, identity, bytesSource(other.aux), seed));
    expect(steps).toThrow(expect.objectContaining({ code: "groth16/unsatisfied" }));
  });
});

describe("a succinct proof of spacetime", () => {
  const prover = createProver();
  const verifier = createVerifier();
  const vanilla = vanillaClass(sectorProfile(1024));
  let classes: readonly SectorClass[];

  function stored(profile: SectorProfile, id: number) {
    const { identity, data } = sectorOf(profile, id);
    const { commR, replicaTree } = zigzag.replicate(profile, identity, data);
    return { sectorId: sectorId(id), sectorBytes: profile.sectorBytes, commR, replicaTree };
  }
  const sectors = [stored(row, 5), stored(sectorProfile(1024), 3), stored(row, 1), stored(row, 8)];

  beforeAll(() => {
    classes = [vanilla, classOf(row, ["window", "winning"])];
  });

  it("goes over sectors of both forms, in any order, and over nothing else", async () => {
    const proof = await prover.provePost({ classes, kind: "window", seed, miner, sectors });
    const statement: PostStatement = { classes, kind: "window", seed, miner, sectors, proof };
    const accepts = (change: Partial<PostStatement>): boolean =>
      verifier.verifyPost({ ...statement, ...change });
    expect(accepts({})).toBe(true);
    expect(accepts({ sectors: sectors.toReversed() })).toBe(true);
    expect(proof[0]).toBe(succinctForm);
    for (const change of [
      { kind: "winning" },
      { seed: bytes32(12) },
      { miner: seedAddress(1, "other") },
      { sectors: sectors.slice(1) },
      { sectors: [...sectors, stored(row, 9)] },
      { sectors: sectors.map((sector) => ({ ...sector, commR: flipBit(sector.commR, 2) })) },
      { classes: [vanilla] },
      { classes: [vanilla, vanillaClass(row)] },
      { proof: proof.subarray(0, -1) },
      { proof: proof.subarray(0, -192) },
      { proof: Uint8Array.from([...proof, 0]) },
      { proof: flipBit(proof, 0) },
    ] as const) {
      expect([change, accepts(change)]).toEqual([change, false]);
    }
    for (let at = 1; at < proof.length; at += 61)
      expect(accepts({ proof: flipBit(proof, at * 8) })).toBe(false);
  });

  it("wins with one sector, with the circuit for that and no other", async () => {
    const [sector = stored(row, 1)] = sectors;
    const proof = await prover.provePost({ classes, kind: "winning", seed, miner, sectors: [sector] });
    expect(proof).toHaveLength(1 + 192);
    const statement: PostStatement = { classes, kind: "winning", seed, miner, sectors: [sector], proof };
    expect(verifier.verifyPost(statement)).toBe(true);
    expect(verifier.verifyPost({ ...statement, kind: "window" })).toBe(false);
    const [, own] = classes;
    const keys = own?.keys ?? { seal: seed, window: seed, winning: seed };
    const exchanged = [{ ...(own as SectorClass), keys: { ...keys, winning: keys.window } }];
    expect(verifier.verifyPost({ ...statement, classes: exchanged })).toBe(false);
    const broken = [{ ...(own as SectorClass), keys: { ...keys, winning: keys.winning.subarray(1) } }];
    expect(verifier.verifyPost({ ...statement, classes: broken })).toBe(false);
  });

  it("names a damaged sector before it computes anything, and says when it has no parameters", async () => {
    const [sector = stored(row, 1)] = sectors;
    const damaged = { ...sector, replicaTree: sector.replicaTree.slice().fill(1, 0, 2048) };
    const request = { classes, kind: "window", seed, miner, sectors: [damaged] } as const;
    await expect(prover.provePost(request)).rejects.toMatchObject({ code: "proofs/comm-r-mismatch" });
    const none = installProvingKeys({ find: async () => undefined });
    const unable = prover.provePost({ ...request, sectors: [sector] });
    await expect(unable).rejects.toMatchObject({ code: "proofs/no-parameters" });
    none();
  });

  it("is not handed out if it was made with parameters that are not the network's", async () => {
    const [sector = stored(row, 1)] = sectors;
    const { provingKey } = setup(shapeOfCircuit(circuitOf(row, "winning")), bytes32(77));
    const others = installProvingKeys({ find: async () => provingKey });
    const made = prover.provePost({ classes, kind: "winning", seed, miner, sectors: [sector] });
    await expect(made).rejects.toMatchObject({ code: "proofs/wrong-parameters" });
    others();
  });

  it("has circuits for every zigzag row, and none for SDR", () => {
    expect(circuitUses.map((use) => circuitOf(row, use).id)).toEqual([
      "zigzag-seal{nodes: 64; challenges: 1; key: poseidon}",
      "post{nodes: 64; sectors: 2; challenges: 2}",
      "post{nodes: 64; sectors: 1; challenges: 4}",
    ]);
    const sdr = findProfile("sdr-2KiB") ?? row;
    expect(() => circuitOf(sdr, "seal")).toThrow(expect.objectContaining({ code: "proofs/no-circuit" }));
  });
});
