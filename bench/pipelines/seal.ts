/**
 * Sealing a sector, from its padded data to the commitments: ZigZag in six layers with keys by BLAKE2s, SDR in two.
 * Every size has the shape of the 8 MiB row, so that the layers do not change with it.
 */
import { byteCount, sectorId, seedAddress } from "@holdfast/base";
import {
  buildTree,
  findProfile,
  type Porep,
  type SectorProfile,
  sdr,
  sectorProfile,
  sha254Hasher,
  zigzag,
} from "@holdfast/proofs";
import { elementBytes, elements } from "../kernels/samples.ts";
import type { Pipeline } from "../pipeline.ts";

const MiB = 2 ** 20;

function resized(profile: SectorProfile, sectorBytes: number): SectorProfile {
  const userBytes = (sectorBytes * 127) / 128;
  const nodes = sectorBytes / elementBytes;
  return { ...profile, sectorBytes: byteCount(sectorBytes), userBytes: byteCount(userBytes), nodes };
}

function seal(name: string, profile: SectorProfile, porep: Pick<Porep<unknown>, "replicate">): Pipeline {
  return {
    name,
    of: "bytes",
    sizes: [MiB, 2 * MiB, 4 * MiB, 8 * MiB],
    slowUpTo: MiB,
    prepare: async (sectorBytes) => {
      const some = elements(1024);
      const data = Uint8Array.from({ length: sectorBytes }, (_none, i) => some[i % some.length] ?? 0);
      const identity = {
        networkId: elements(1),
        miner: seedAddress(1, "bench"),
        sectorId: sectorId(1),
        ticket: elements(2).slice(elementBytes),
        commD: buildTree(sha254Hasher, data).root,
      };
      const own = resized(profile, sectorBytes);
      return () => porep.replicate(own, identity, data);
    },
  };
}

export const sealPipelines: readonly Pipeline[] = [
  seal("seal by ZigZag", sectorProfile(8 * MiB), zigzag),
  seal("seal by SDR", findProfile("sdr-8MiB") ?? sectorProfile(8 * MiB), sdr),
];
