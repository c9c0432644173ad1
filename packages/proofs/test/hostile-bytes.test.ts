/**
 * Bytes of strangers at the doors of verifiers: whatever they are, the answer is `false` and not an exception;
 * and in whatever kind of array bytes lie, they stay as they are and the answer is the same.
 */
import { byteCount, concatBytes } from "@holdfast/base";
import { findProfile, frBytes, porepOf, type SectorProfile, sectorProfile } from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { bytes32, sectorOf } from "./reference.ts";

const seed = bytes32(11);

function tiny(id: string): SectorProfile {
  const row = findProfile(id) ?? sectorProfile(2048);
  const size = { sectorBytes: byteCount(512), userBytes: byteCount(508), nodes: 16 };
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
