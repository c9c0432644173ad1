/**
 * A set of parameters: the files of one circuit. The `.meta` file is written last and names the digests of the
 * others, so a set that has it is complete or says what is wrong.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeMeta,
  type ParameterFileKind,
  type ParametersMeta,
  parameterFileKinds,
  parameterFileName,
} from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { type Digests, detailOf, readIfThere, sizeOf } from "./files.ts";

export interface ParameterFile {
  readonly name: string;
  readonly kind: ParameterFileKind;
  readonly sizeBytes: number;
}

export interface ParameterSet {
  readonly id: string;
  readonly meta: ParametersMeta;
  /** Of the sectors that the circuit is for; 0 if its id does not say. */
  readonly sectorBytes: number;
  /** What is there, the `.meta` file included. */
  readonly files: readonly ParameterFile[];
  /** Names of files that are missing or have another size than `.meta` says. */
  readonly missing: readonly string[];
}

const nodeBytes = 32;

/** The name under which what ends a phase stands in the list of contributors. */
export const beaconName = "beacon";

/** From a circuit id such as `post{nodes: 64; …}`. */
function sectorBytesOf(circuitId: string): number {
  const [, nodes] = /\{nodes: (\d{1,12})\b/.exec(circuitId) ?? [];
  return nodes === undefined ? 0 : Number(nodes) * nodeBytes;
}

/** The digests that `.meta` states of a file, or undefined for itself and for a transcript that there is none of. */
export function statedDigests(meta: ParametersMeta, kind: ParameterFileKind): Digests | undefined {
  return kind === "meta" ? undefined : (meta[kind] ?? undefined);
}

/** The set of an id, or undefined without a readable `.meta` file. Error `params/unreadable`. */
export async function readSet(folder: string, id: string): Promise<ParameterSet | undefined> {
  const meta = readMeta(await readIfThere(join(folder, parameterFileName(id, "meta"))));
  if (meta === undefined) return undefined;
  const files: ParameterFile[] = [];
  const missing: string[] = [];
  for (const kind of parameterFileKinds) {
    const name = parameterFileName(id, kind);
    const sizeBytes = await sizeOf(join(folder, name));
    const stated = statedDigests(meta, kind);
    if (sizeBytes !== undefined) files.push({ name, kind, sizeBytes });
    if (stated !== undefined && stated.sizeBytes !== sizeBytes) missing.push(name);
  }
  return { id, meta, sectorBytes: sectorBytesOf(meta.circuitId), files, missing };
}

function readMeta(bytes: Uint8Array | undefined): ParametersMeta | undefined {
  try {
    return bytes === undefined ? undefined : decodeMeta(bytes);
  } catch {
    return undefined;
  }
}

const metaName = /^(v\d{1,4}-.+-[0-9a-f]{64})\.meta$/;

/** All sets of a folder by id; none if it does not exist. Error `params/unreadable`. */
export async function listSets(folder: string): Promise<readonly ParameterSet[]> {
  const names = await namesIn(folder);
  const ids = names.map((name) => metaName.exec(name)?.[1]).filter((id) => id !== undefined);
  const sets = await Promise.all(ids.sort().map((id) => readSet(folder, id)));
  return sets.filter((set) => set !== undefined);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (detailOf(cause) === "ENOENT") return [];
    throw paramsErrors.unreadable({ path: folder, detail: detailOf(cause) }, cause);
  }
}
