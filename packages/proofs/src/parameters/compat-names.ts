/**
 * Names of the Groth16 parameter files of rust-fil-proofs, of its ZigZag era (version 10) and of today
 * (version 28). A name ends in the SHA-256 of an identifier, a text of everything that the circuit depends on,
 * so that whoever has the same circuit finds the same file. The identifiers are debug output of Rust, and each
 * of their spaces counts.
 * Invariant: pure functions of the sector size; they say nothing about whether parameters can be trusted (those
 * of the era were generated from a published seed).
 * Source: rust-fil-proofs of May 2019 and of 2026: parameter_cache and the parameter set identifiers; every
 * name that its parameters.json files publish is a vector of ours.
 */
import { assert, sha256, toHex, utf8Bytes } from "@holdfast/base";
import {
  type EraChallengeParams,
  type EraPostParams,
  eraChallengeParams,
  eraDegree,
  eraExpansionDegree,
  eraPostParams,
  selectChallenges,
} from "../zigzag2019/index.ts";

export interface CompatParameterName {
  /** What the digest is of. */
  readonly identifier: string;
  /** The name of the file with proving parameters. */
  readonly params: string;
  readonly verifyingKey: string;
}

const nodeBytes = 32;
const eraVersion = 10;
const todaysVersion = 28;

function digestOf(identifier: string): string {
  return toHex(sha256(utf8Bytes(identifier)));
}

/** The era's parameter files have no suffix. */
function eraName(prefix: string, identifier: string): CompatParameterName {
  const params = `v${eraVersion}-${prefix}-${digestOf(identifier)}`;
  return { identifier, params, verifyingKey: `${params}.vk` };
}

function todaysName(prefix: string, identifier: string): CompatParameterName {
  const stem = `v${todaysVersion}-${prefix}-${digestOf(identifier)}`;
  return { identifier, params: `${stem}.params`, verifyingKey: `${stem}.vk` };
}

/** A 64-bit float as Rust's debug output writes it: a whole number has a point too. */
function rustFloat(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}

/**
 * The ZigZag circuit of one partition (version 10). The number of partitions counts only by the challenges that
 * it leaves to each. Throws zigzag2019/bad-number, zigzag2019/bad-taper.
 */
export function zigzag2019ParameterName(
  sectorBytes: number,
  challenges: EraChallengeParams = eraChallengeParams,
): CompatParameterName {
  const { layers, taper, taperLayers } = challenges;
  const count = selectChallenges(challenges).at(-1) ?? 1;
  const base = `drgraph::BucketGraph{size: ${sectorBytes / nodeBytes}; degree: ${eraDegree}; hasher: PedersenHasher}`;
  const graph = `zigzag_graph::ZigZagGraph{expansion_degree: ${eraExpansionDegree} base_graph: ${base} }`;
  const tapering = `taper: ${rustFloat(taper)}, taper_layers: ${taperLayers}`;
  const tapered = `Tapered { layers: ${layers}, count: ${count}, ${tapering} }`;
  const identifier = `layered_drgporep::PublicParams{ graph: ${graph}, sloth: 0, challenges: ${tapered} }`;
  return eraName("zigzag-proof-of-replication", identifier);
}

/** A word that the source left in its identifier where the delay function should have been named. */
const unfinishedVdf = ["FIX", "ME"].join("");

/** The VDF proof of spacetime (version 10). Throws zigzag2019/bad-sector-size. */
export function vdfPost2019ParameterName(
  sectorBytes: number,
  params: EraPostParams = eraPostParams(sectorBytes),
): CompatParameterName {
  const fields = [
    `challenge_count: ${params.challengeCount}`,
    `sector_size: ${sectorBytes}`,
    `post_epochs: ${params.epochs}`,
    `pub_params_vdf: ${unfinishedVdf}`,
    `leaves: ${sectorBytes / nodeBytes}`,
    `sectors_count: ${params.sectorsCount}`,
  ];
  return eraName("vdf-post", `vdf_post::PublicParams{${fields.join(", ")}}`);
}

/** Shape of the replica tree, layers, challenges of a partition, sectors of a window proof. */
interface FilecoinRow {
  readonly shape: "8-0-0" | "8-2-0" | "8-8-0" | "8-8-2";
  readonly layers: number;
  readonly challenges: number;
  readonly windowSectors: number;
}

function small(shape: FilecoinRow["shape"]): FilecoinRow {
  return { shape, layers: 2, challenges: 2, windowSectors: 2 };
}

const kib = 2 ** 10;
const mib = 2 ** 20;
const gib = 2 ** 30;
const filecoinRows: ReadonlyMap<number, FilecoinRow> = new Map([
  [2 * kib, small("8-0-0")],
  [4 * kib, small("8-2-0")],
  [16 * kib, small("8-8-0")],
  [32 * kib, small("8-8-2")],
  [8 * mib, small("8-0-0")],
  [16 * mib, small("8-2-0")],
  [512 * mib, small("8-0-0")],
  [gib, small("8-2-0")],
  [32 * gib, { shape: "8-8-0", layers: 11, challenges: 18, windowSectors: 2349 }],
  [64 * gib, { shape: "8-8-2", layers: 11, challenges: 18, windowSectors: 2300 }],
]);

/** The sector sizes that today's names exist for. */
export const filecoinSectorSizes: readonly number[] = [...filecoinRows.keys()];

function rowOf(sectorBytes: number): FilecoinRow & { readonly tree: string } {
  const row = filecoinRows.get(sectorBytes);
  assert(row !== undefined, "the sector size is one of filecoinSectorSizes");
  return { ...row, tree: `merkletree-poseidon_hasher-${row.shape}` };
}

/** The circuit of SDR (version 28), for one of `filecoinSectorSizes`. */
export function sdrParameterName(sectorBytes: number): CompatParameterName {
  const { tree, layers, challenges } = rowOf(sectorBytes);
  const base = `drgraph::BucketGraph{size: ${sectorBytes / nodeBytes}; degree: 6; hasher: poseidon_hasher}`;
  const graph = `stacked_graph::StackedGraph{expansion_degree: 8 base_graph: ${base} }`;
  const counts = `LayerChallenges { layers: ${layers}, max_count: ${challenges} }`;
  const identifier = `layered_drgporep::PublicParams{ graph: ${graph}, challenges: ${counts}, tree: ${tree} }`;
  return todaysName(`stacked-proof-of-replication-${tree}-sha256_hasher`, identifier);
}

const winningSectors = 66;
const windowChallenges = 10;

/**
 * The proof of spacetime (version 28), for one of `filecoinSectorSizes`. A winning proof is one challenge of
 * each of 66 "sectors", all of them the same.
 */
export function fallbackPostParameterName(
  sectorBytes: number,
  kind: "winning" | "window",
): CompatParameterName {
  const { tree, windowSectors } = rowOf(sectorBytes);
  const [challenges, sectors] = kind === "winning" ? [1, winningSectors] : [windowChallenges, windowSectors];
  const counts = `challenge_count: ${challenges}, sector_count: ${sectors}`;
  const identifier = `FallbackPoSt::PublicParams{sector_size: ${sectorBytes}, ${counts}}`;
  return todaysName(`proof-of-spacetime-fallback-${tree}`, identifier);
}

/** The update of an empty sector (version 28), for one of `filecoinSectorSizes`. */
export function sectorUpdateParameterName(
  sectorBytes: number,
  variant: "sha256" | "poseidon" = "sha256",
): CompatParameterName {
  const { tree } = rowOf(sectorBytes);
  const identifier = `empty_sector_update::PublicParams{ sector_nodes: ${sectorBytes / nodeBytes} }`;
  const prefix = variant === "poseidon" ? "empty-sector-update-poseidon" : "empty-sector-update";
  return todaysName(`${prefix}-${tree}`, identifier);
}
