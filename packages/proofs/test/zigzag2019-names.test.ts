/** Parameter files have the names that rust-fil-proofs published, of its ZigZag era and of today. */
import {
  type CompatParameterName,
  eraChallengeParams,
  fallbackPostParameterName,
  filecoinSectorSizes,
  sdrParameterName,
  sectorUpdateParameterName,
  vdfPost2019ParameterName,
  zigzag2019ParameterName,
} from "@holdfast/proofs";
import { describe, expect, it } from "vitest";
import { readVectors } from "./vectors.ts";

interface NameVectors {
  identifiers: { circuit: string; sectorBytes: number; identifier: string }[];
  names: { circuit: string; sectorBytes: number; name: string }[];
}
const { identifiers, names } = readVectors<NameVectors>("proofs", "parameter-names");

const nameOf: Readonly<Record<string, (sectorBytes: number) => CompatParameterName>> = {
  "zigzag-2019": (bytes) => zigzag2019ParameterName(bytes),
  "vdf-post-2019": (bytes) => vdfPost2019ParameterName(bytes),
  sdr: sdrParameterName,
  "winning-post": (bytes) => fallbackPostParameterName(bytes, "winning"),
  "window-post": (bytes) => fallbackPostParameterName(bytes, "window"),
  "sector-update": (bytes) => sectorUpdateParameterName(bytes),
  "sector-update-poseidon": (bytes) => sectorUpdateParameterName(bytes, "poseidon"),
};

describe("names of parameter files of rust-fil-proofs", () => {
  it.each(identifiers)(
    "identifies $circuit of $sectorBytes bytes",
    ({ circuit, sectorBytes, identifier }) => {
      expect(nameOf[circuit]?.(sectorBytes).identifier).toBe(identifier);
    },
  );

  it("are the published ones", () => {
    expect(names.length).toBe(26);
    for (const { circuit, sectorBytes, name } of names) {
      const made = nameOf[circuit]?.(sectorBytes);
      expect([made?.params.replace(".params", ""), made?.verifyingKey]).toEqual([name, `${name}.vk`]);
      expect(made?.params.endsWith(".params")).toBe(name.startsWith("v28-"));
    }
  });

  it("differ wherever the circuit does", () => {
    const all = [
      ...filecoinSectorSizes.flatMap((bytes) =>
        ["sdr", "winning-post", "window-post", "sector-update"].map(
          (circuit) => nameOf[circuit]?.(bytes).params,
        ),
      ),
      ...[1, 2, 4].map(
        (partitions) => zigzag2019ParameterName(1024, { ...eraChallengeParams, partitions }).params,
      ),
      zigzag2019ParameterName(1024, { ...eraChallengeParams, taper: 0 }).params,
    ];
    expect(new Set(all).size).toBe(all.length);
    const flat = zigzag2019ParameterName(1024, { ...eraChallengeParams, taper: 0 });
    expect(flat.identifier).toContain("taper: 0.0,");
  });
});
