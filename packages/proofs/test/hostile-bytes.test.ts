/**
 * Bytes of strangers at the doors of verifiers: whatever they are, the answer is `false` and not an exception;
 * and in whatever kind of array bytes lie, they stay as they are and the answer is the same.
 */
import { byteCount, concatBytes, sectorId, seedAddress } from "@holdfast/base";
import {
  createVerifier,
  findProfile,
  frBytes,
  porepOf,
  type SectorClass,
  type SectorProfile,
  sectorProfile,
  vanillaClass,
} from "@holdfast/proofs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";
import { holds } from "./vectors.ts";

const seed = bytes32(11);

function tiny(id: string): SectorProfile {
  const row = findProfile(id) ?? sectorProfile(2048);
  const size = { id: `test-${id}`, sectorBytes: byteCount(512), userBytes: byteCount(508), nodes: 16 };
  return row.kind === "sdr" ? { ...row, ...size } : { ...row, ...size, layers: 3, sealChallenges: [1, 1, 2] };
}

describe.each(["zigzag-2KiB", "zigzag-poseidon-2KiB", "sdr-2KiB"])("the vanilla seal of %s", (id) => {
  const profile = tiny(id);
  const porep = porepOf(profile);
  const { identity, data } = sectorOf(profile);
  const sealed = porep.replicate(profile, identity, data);
  const proof = porep.prove(profile, identity, sealed.aux, seed);
  const accepts = (bytes: Uint8Array): boolean => porep.verify(profile, identity, sealed, seed, bytes);

  it("is refused with a number that is not below the modulus, wherever it stands", () => {
    expect(accepts(proof)).toBe(true);
    for (let at = 1; at < proof.length; at += frBytes) {
      const bad = new Uint8Array(proof);
      bad[Math.min(at + frBytes, proof.length) - 1] = 0xff;
      expect(accepts(bad)).toBe(false);
    }
  });

  it("is accepted at any place of a Buffer, and left as it is", () => {
    for (let offset = 0; offset < 4; offset += 1) {
      const buffer = Buffer.from(concatBytes(new Uint8Array(offset), proof));
      expect(accepts(buffer.subarray(offset))).toBe(true);
      expect(new Uint8Array(buffer.subarray(offset))).toEqual(proof);
    }
  });

  it("gives the data back from a replica in a Buffer, and leaves it as it is", () => {
    for (let offset = 0; offset < 4; offset += 1) {
      const buffer = Buffer.from(concatBytes(new Uint8Array(offset), sealed.replica));
      expect(new Uint8Array(porep.extract(profile, identity, buffer.subarray(offset)))).toEqual(data);
      expect(new Uint8Array(buffer.subarray(offset))).toEqual(sealed.replica);
    }
  });
});

describe("a verifier of a network of all kinds", () => {
  const row = (id: string): SectorProfile => findProfile(id) ?? sectorProfile(2048);
  const junk = { seal: bytes32(1), window: new Uint8Array(1000).fill(2), winning: new Uint8Array(0) };
  const succinct = vanillaClass(row("zigzag-poseidon-2KiB"));
  const classes: readonly SectorClass[] = [
    { ...succinct, proofMode: "groth16", keys: junk },
    vanillaClass(row("zigzag-poseidon-16KiB")),
    vanillaClass(row("zigzag-1KiB")),
    vanillaClass(row("sdr-256KiB")),
  ];
  const verifier = createVerifier();
  const miner = seedAddress(1, "miner");
  const sectorBytes = fc.constantFrom(1024, 2048, 16_384, 262_144, 7);
  const some32 = fc.oneof(
    { weight: 9, arbitrary: fc.uint8Array({ minLength: 32, maxLength: 32 }) },
    fc.uint8Array({ maxLength: 64 }),
  );
  const proof = fc
    .tuple(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 45 }), fc.boolean(), fc.nat({ max: 255 }))
    .map(([form, units, isSnarks, fill]) => {
      const bytes = new Uint8Array(1 + units * (isSnarks ? 192 : frBytes)).fill(fill);
      bytes[0] = form;
      return form === 3 ? bytes.subarray(1) : bytes;
    });

  it("answers any proof of spacetime, with no exception", () => {
    const sector = fc.record({ sectorId: fc.nat({ max: 3 }).map(sectorId), sectorBytes, commR: some32 });
    const kind = fc.constantFrom("window" as const, "winning" as const);
    holds(
      fc.property(fc.array(sector, { maxLength: 4 }), kind, some32, proof, (sectors, asked, from, bytes) => {
        const statement = { classes, kind: asked, seed: from, miner, sectors, proof: bytes };
        return verifier.verifyPost(statement) === false;
      }),
      { numRuns: 2000 },
    );
  });

  it("answers any seal, with no exception", () => {
    const parts = fc.record({ networkId: fc.constant(bytes32(7)), ticket: some32, commD: some32 });
    holds(
      fc.property(
        parts,
        sectorBytes,
        some32,
        some32,
        some32,
        proof,
        (known, size, commR, star, from, bytes) => {
          const identity = { ...known, miner, sectorId: sectorId(1) };
          const named = { classes, sectorBytes: size, identity, commR, commRStar: star };
          return verifier.verifySeal({ ...named, seed: from, proof: bytes }) === false;
        },
      ),
      { numRuns: 1000 },
    );
  });
});
