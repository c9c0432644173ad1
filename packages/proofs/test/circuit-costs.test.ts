/** What the circuits cost, to the constraint: documents and parameters depend on it. */
import { toHex } from "@holdfast/base";
import {
  type Circuit,
  circuitCosts,
  postCircuit,
  r1csDigest,
  sdrCircuitDegrees,
  shapeOf,
  sizeOf,
  zigzagSealCircuit,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";

describe("costs", () => {
  const seal = (nodes: number, keyDerivation: "poseidon" | "blake2s" = "poseidon") =>
    ({ kind: "zigzag-seal", shape: { nodes, challengesPerProof: 1, keyDerivation } }) as const;
  const post = (sectorsPerProof: number, challengesPerSector: number) =>
    ({ kind: "post", shape: { nodes: 64, sectorsPerProof, challengesPerSector } }) as const;
  const sdr = (nodes: number, layers: number) =>
    ({ kind: "sdr-seal", shape: { nodes, layers, challengesPerProof: 1, ...sdrCircuitDegrees } }) as const;

  it("are these, to the constraint", () => {
    const counts = (choice: Parameters<typeof circuitCosts>[0]) => {
      const { constraints, publicInputs, domain } = circuitCosts(choice);
      return [constraints, publicInputs, Math.log2(domain)];
    };
    expect(counts(seal(64))).toEqual([12_441, 6, 14]);
    expect(counts(seal(8192))).toEqual([27_794, 6, 15]);
    expect(counts(seal(2 ** 23))).toEqual([46_325, 7, 16]);
    expect(counts(post(2, 2))).toEqual([3158, 4, 12]);
    expect(counts(post(1, 4))).toEqual([3157, 2, 12]);
    expect(counts(post(3, 5))).toEqual([11_838, 6, 14]);
    expect(counts(seal(64, "blake2s"))).toEqual([187_889, 6, 18]);
    expect(counts(sdr(8, 2))).toEqual([1_198_753, 4, 21]);
  });

  it("come by part, with the originals beside them", () => {
    const costs = circuitCosts(seal(64));
    expect(costs.id).toBe("zigzag-seal{nodes: 64; challenges: 1; key: poseidon}");
    expect(costs.parts).toEqual([
      { part: "Merkle paths", constraints: 11_744 },
      { part: "key derivation", constraints: 582 },
      { part: "packing", constraints: 99 },
      { part: "encoding", constraints: 16 },
    ]);
    expect(costs.originals.map(({ constraints }) => constraints)).toEqual([277_330, 149_346]);
    expect(circuitCosts(post(3, 5)).originals.map(({ constraints }) => constraints)).toEqual([
      124_410, 16_869,
    ]);
  });

  it("are counted as they are made", () => {
    const circuits: Circuit<never>[] = [zigzagSealCircuit(seal(64).shape), postCircuit(post(2, 2).shape)];
    for (const circuit of circuits) {
      const { a: _a, b: _b, c: _c, ...size } = shapeOf(circuit);
      expect(sizeOf(circuit)).toEqual(size);
    }
  });

  it("belong to circuits that are golden: parameters of networks depend on them", () => {
    const digestOf = (circuit: Circuit<never>) => toHex(r1csDigest(shapeOf(circuit))).slice(0, 16);
    expect(digestOf(zigzagSealCircuit(seal(64).shape))).toBe("3c1f9d5978436e76");
    expect(digestOf(postCircuit(post(2, 2).shape))).toBe("9f14d4f4cdd49748");
  });
});
