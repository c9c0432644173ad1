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

export interface SealKind {
  readonly name: string;
  /** Of 8 MiB. */
  readonly profile: SectorProfile;
  readonly porep: Porep<unknown>;
}

export const sealKinds: readonly SealKind[] = [
  { name: "seal by ZigZag", profile: sectorProfile(8 * MiB), porep: zigzag as Porep<unknown> },
  {
    name: "seal by SDR",
    profile: findProfile("sdr-8MiB") ?? sectorProfile(8 * MiB),
    porep: sdr as Porep<unknown>,
  },
];

/** A sector of that size, in the shape of the kind's. */
export function sectorOf({ profile }: SealKind, sectorBytes: number) {
  const some = elements(1024);
  const data = Uint8Array.from({ length: sectorBytes }, (_none, i) => some[i % some.length] ?? 0);
  const identity = {
    networkId: elements(1),
    miner: seedAddress(1, "bench"),
    sectorId: sectorId(1),
    ticket: elements(2).slice(elementBytes),
    commD: buildTree(sha254Hasher, data).root,
  };
  return { profile: resized(profile, sectorBytes), identity, data };
}

export const sealPipelines: readonly Pipeline[] = sealKinds.map((kind) => ({
  name: kind.name,
  of: "bytes",
  sizes: [MiB, 2 * MiB, 4 * MiB, 8 * MiB],
  slowUpTo: MiB,
  prepare: async (sectorBytes) => {
    const { profile, identity, data } = sectorOf(kind, sectorBytes);
    return () => kind.porep.replicate(profile, identity, data);
  },
}));
