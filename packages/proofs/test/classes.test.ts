/** What a network's sector classes decide: which row seals, which form of proof is taken. */
import { accountAddress, sectorId } from "@holdfast/base";
import {
  buildTree,
  createProver,
  createVerifier,
  findProfile,
  padUser,
  profileOfClass,
  type SectorClass,
  type SectorProfile,
  sectorProfile,
  sha254Hasher,
  vanillaClass,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";

const miner = accountAddress(1, new Uint8Array(65).fill(4));
const seed = new Uint8Array(32).fill(9);

function rowOf(id: string): SectorProfile {
  return findProfile(id) ?? sectorProfile(1024);
}

function identityOf(sectorBytes: number, data: Uint8Array, commD: Uint8Array) {
  const identity = {
    networkId: new Uint8Array(32).fill(1),
    miner,
    sectorId: sectorId(7),
    ticket: new Uint8Array(32).fill(2),
    commD,
  };
  return { sectorBytes, identity, data };
}

const rows = ["zigzag-2KiB", "zigzag-poseidon-2KiB", "sdr-2KiB"];

describe.each(rows)("a network of %s", (id) => {
  const profile = rowOf(id);
  const classes = [vanillaClass(profile)];
  const user = Uint8Array.from({ length: profile.userBytes }, (_none, i) => (i * 31 + 7) & 0xff);
  const data = padUser(user);
  const request = identityOf(profile.sectorBytes, data, buildTree(sha254Hasher, data).root);

  it("seals, proves, keeps proving and gives the data back; other rows' verifiers refuse", async () => {
    const prover = createProver();
    const { identity, sectorBytes } = request;
    const sealed = await prover.replicate({ classes, ...request });
    const { commR, commRStar, aux, replica, replicaTree } = sealed;
    const proof = await prover.proveSeal({ classes, sectorBytes, identity, aux, commR, commRStar, seed });
    const statement = { classes, sectorBytes, identity, commR, commRStar, seed, proof };
    const verifier = createVerifier();
    expect(verifier.verifySeal(statement)).toBe(true);
    const sector = { sectorId: identity.sectorId, sectorBytes, commR };
    const post = await prover.provePost({
      classes,
      kind: "window",
      seed,
      miner,
      sectors: [{ ...sector, replicaTree }],
    });
    const posted = { classes, kind: "window", seed, miner, sectors: [sector], proof: post } as const;
    expect(verifier.verifyPost(posted)).toBe(true);
    for (const other of rows.filter((row) => row !== id)) {
      const others = [vanillaClass(rowOf(other))];
      expect(verifier.verifySeal({ ...statement, classes: others })).toBe(false);
      expect(verifier.verifyPost({ ...posted, classes: others })).toBe(false);
    }
    expect(verifier.verifySeal({ ...statement, classes: [] })).toBe(false);
    expect(await prover.extract({ classes, sectorBytes, identity, replica })).toEqual(data);
  });
});

describe("a class", () => {
  it("has the row of its own size, or none", () => {
    const sectorClass: SectorClass = vanillaClass(sectorProfile(2048));
    expect(profileOfClass(sectorClass)?.id).toBe("zigzag-2KiB");
    expect(profileOfClass({ ...sectorClass, sectorBytes: 1024 })).toBeUndefined();
    expect(profileOfClass({ ...sectorClass, profile: "zigzag-3KiB" })).toBeUndefined();
  });

  it("has keys if and only if it takes SNARKs, and then a kind whose seals can be SNARKs", () => {
    const empty = new Uint8Array(0);
    const keys = { seal: empty, window: empty, winning: empty };
    const succinct: SectorClass = {
      ...vanillaClass(rowOf("zigzag-poseidon-2KiB")),
      proofMode: "groth16",
      keys,
    };
    expect(profileOfClass(succinct)?.id).toBe("zigzag-poseidon-2KiB");
    expect(profileOfClass({ ...succinct, keys: null })).toBeUndefined();
    expect(profileOfClass({ ...succinct, proofMode: "vanilla" })).toBeUndefined();
    expect(profileOfClass({ ...succinct, profile: "sdr-2KiB" })).toBeUndefined();
    expect(profileOfClass(vanillaClass(rowOf("sdr-2KiB")))?.id).toBe("sdr-2KiB");
  });
});
