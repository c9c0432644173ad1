/**
 * What the rows of a space amount to, and what comes next: pure, so that one look says why something is done or is not.
 */
import { type IdleProfile, type IdleState, idleFilesPerSet } from "@holdfast/proofs";
import { keptFileBytes, scratchBytes } from "./making.ts";
import { type IdleShare, noShare } from "./needs.ts";
import type { IdleSettings, LayerRow, Layers, Scratch } from "./store.ts";

export const layersPerSet = (profile: IdleProfile): number => idleFilesPerSet(profile) / profile.files;

const besideBytes = (profile: IdleProfile, scratch: Scratch): number => {
  if (scratch === "none") return 0;
  const below = scratch === "layers-and-below" ? profile.files * keptFileBytes(profile) : 0;
  return scratchBytes(profile) + below;
};

/** What a layer may take at its largest, before it is certified. */
export const newLayerBytes = (profile: IdleProfile, scratch: Scratch = "layers"): number =>
  profile.files * keptFileBytes(profile) + besideBytes(profile, scratch);

export const restingBytes = (profile: IdleProfile, row: Pick<LayerRow, "firstKept">): number =>
  (profile.files - row.firstKept) * keptFileBytes(profile);

export const rowBytes = (profile: IdleProfile, row: LayerRow): number =>
  restingBytes(profile, row) + besideBytes(profile, row.scratch);

/** How many files a layer has on the disk when it is whole. */
const fileCountOf = (profile: IdleProfile, { firstKept, scratch }: LayerRow): number => {
  const beside = scratch === "none" ? 0 : profile.layers - 1;
  return 2 * (profile.files - firstKept) + beside + (scratch === "layers-and-below" ? 2 * profile.files : 0);
};

/** The names in a layer's folder, in any order. */
export function namesOf(profile: IdleProfile, { firstKept, scratch }: LayerRow): ReadonlySet<string> {
  const names = new Set<string>();
  for (let file = firstKept; file < profile.files; file += 1) names.add(`${file}`).add(`${file}.aux`);
  if (scratch !== "none") for (let k = 1; k < profile.layers; k += 1) names.add(`layer-${k}`);
  if (scratch === "layers-and-below") names.add("below");
  return names;
}

/** What each volume holds and is promised. */
export function sharesOf(
  profile: IdleProfile,
  { active, resting }: Pick<Layers, "active" | "resting">,
): ReadonlyMap<number, IdleShare> {
  const shares = new Map<number, IdleShare>();
  const add = (volumeId: number, bytes: number, files: number, isThere: boolean): void => {
    const { reservedBytes, usedBytes, fileCount } = shares.get(volumeId) ?? noShare;
    shares.set(volumeId, {
      reservedBytes: reservedBytes + bytes,
      usedBytes: usedBytes + (isThere ? bytes : 0),
      fileCount: fileCount + (isThere ? files : 0),
    });
  };
  for (const [volumeId, layers] of resting) {
    add(volumeId, layers * restingBytes(profile, { firstKept: 0 }), layers * 2 * profile.files, true);
  }
  for (const row of active) {
    const isThere = row.state === "made" || row.state === "certified";
    const [bytes, files] = [rowBytes(profile, row), fileCountOf(profile, row)];
    add(row.volumeId, bytes, files, isThere);
    if (row.movingTo !== null) add(row.movingTo, bytes, files, false);
  }
  return shares;
}

export function totalBytes(
  profile: IdleProfile,
  { active, resting }: Pick<Layers, "active" | "resting">,
): number {
  const layers = restingCount({ resting });
  const atRest = layers * restingBytes(profile, { firstKept: 0 });
  return active.reduce((sum, row) => sum + rowBytes(profile, row), atRest);
}

export const restingCount = ({ resting }: Pick<Layers, "resting">): number =>
  [...resting.values()].reduce((sum, layers) => sum + layers, 0);

/** The layer below in the same set, by number; undefined for the lowest. */
export const layerBelow = (profile: IdleProfile, layer: number): number | undefined =>
  layer % layersPerSet(profile) === 0 ? undefined : layer - 1;

/** How many files of a layer, from its first, are below the front. */
export const releasedOf = (profile: IdleProfile, layer: number, front: number): number =>
  Math.max(0, Math.min(profile.files, front - layer * profile.files));

/** Layers that have to be made again: their files are half there, or damaged. */
export const unfinishedOf = ({ active }: Pick<Layers, "active">): readonly LayerRow[] =>
  active.filter(({ state }) => state === "making" || state === "lost");

/**
 * The next new layer to make: the lowest that has no row, whose layer below is made, of as many sets at a time as there
 * are threads. Undefined: so many wait to be certified that no more are made.
 */
export function nextToMake(
  profile: IdleProfile,
  layers: Layers,
  state: Pick<IdleState, "rear">,
  { threads }: Pick<IdleSettings, "threads">,
): number | undefined {
  const firstNew = state.rear / profile.files;
  if (layers.active.filter((row) => row.state !== "certified").length >= 2 * threads) return undefined;
  const perSet = layersPerSet(profile);
  for (let set = Math.floor(firstNew / perSet), sets = 0; sets < threads; set += 1, sets += 1) {
    for (let layer = Math.max(firstNew, set * perSet); layer < (set + 1) * perSet; layer += 1) {
      const row = layers.find(layer);
      if (row === undefined) return layer;
      if (row.state !== "made" && row.state !== "certified") break;
    }
  }
  return undefined;
}

/** How many files must go so that idle space takes no more than it may; layers that wait for a certificate go first. */
export function surplusFiles(
  profile: IdleProfile,
  layers: Pick<Layers, "active" | "resting">,
  { maxBytes }: Pick<IdleSettings, "maxBytes">,
): number {
  if (maxBytes === null) return 0;
  const active = layers.active.filter(({ state }) => state === "certified" || state === "lost");
  const over = totalBytes(profile, { active, resting: layers.resting }) - maxBytes;
  return Math.max(0, Math.ceil(over / keptFileBytes(profile)));
}

/** Files that are released and not deleted yet. */
export function releasedFiles(profile: IdleProfile, layers: Layers, front: number): number {
  let due = 0;
  for (const row of layers.from(0)) {
    if (row.layer * profile.files >= front) break;
    if (row.state !== "certified" && row.state !== "lost") continue;
    due += Math.max(0, releasedOf(profile, row.layer, front) - row.firstKept);
  }
  return due;
}
