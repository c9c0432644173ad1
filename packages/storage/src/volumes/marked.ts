/**
 * A volume that is told from its absence. A disk that is not mounted leaves an empty folder behind: what is asked of it
 * would be "not there" and what is written to it would land on another disk. So a volume has a marker file with its
 * own name in it; nothing is written where the marker is not, and nothing is called missing where it is not.
 */
import { type Disk, type DiskFile, HoldfastError, type OpenHints, utf8Bytes, utf8Text } from "@holdfast/base";
import { volumeErrors } from "./errors.ts";
import { placeText } from "./place.ts";
import type { VolumeSpec } from "./types.ts";

export const markerFile = "holdfast-volume.json";
const maxMarkerBytes = 4_096;

/** What the marker of a volume says; undefined where there is none. Throws storage/volume-taken for a foreign one. */
export async function readMarker(disk: Disk, place: string): Promise<string | undefined> {
  const sizeBytes = await disk.sizeBytes(markerFile);
  if (sizeBytes === undefined) return undefined;
  const foreign = volumeErrors.volumeTaken({ place, reason: `its ${markerFile} is none of ours` });
  if (sizeBytes > maxMarkerBytes) throw foreign;
  const bytes = await disk.readFile(markerFile);
  if (bytes === undefined) return undefined;
  const marker = markerOf(bytes);
  if (marker === undefined) throw foreign;
  return marker;
}

/** What a marker file says; undefined for one that is none of ours. */
export function markerOf(bytes: Uint8Array): string | undefined {
  try {
    const parsed: unknown = JSON.parse(utf8Text(bytes));
    if (typeof parsed !== "object" || parsed === null || !("volume" in parsed)) return undefined;
    return typeof parsed.volume === "string" ? parsed.volume : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof HoldfastError) return undefined;
    throw error;
  }
}

export async function writeMarker(disk: Disk, marker: string): Promise<void> {
  await disk.writeFile(markerFile, utf8Bytes(`${JSON.stringify({ volume: marker })}\n`));
}

/** The disk of a volume, which looks at the marker before it writes and before it calls something missing. */
export function markedDisk(disk: Disk, spec: VolumeSpec): Disk {
  return new MarkedDisk(disk, spec);
}

class MarkedDisk implements Disk {
  readonly #disk: Disk;
  readonly #spec: VolumeSpec;

  constructor(disk: Disk, spec: VolumeSpec) {
    this.#disk = disk;
    this.#spec = spec;
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    return await this.#present(await this.#disk.readFile(path));
  }
  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice(); // the caller may change its array as soon as the call returns
    await this.#ensureHere();
    await this.#disk.writeFile(path, copy);
  }
  async open(path: string, mode: "read" | "write" | "create", hints?: OpenHints): Promise<DiskFile> {
    if (mode !== "read") await this.#ensureHere();
    try {
      return await this.#disk.open(path, mode, hints);
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "disk/not-found") await this.#ensureHere();
      throw error;
    }
  }
  async list(folder: string): Promise<string[]> {
    const names = await this.#disk.list(folder);
    if (names.length === 0) await this.#ensureHere();
    return folder === "" ? names.filter((name) => name !== markerFile) : names;
  }
  async *names(folder: string): AsyncGenerator<string, void, undefined> {
    let isEmpty = true;
    for await (const name of this.#disk.names?.(folder) ?? (await this.#disk.list(folder))) {
      isEmpty = false;
      if (folder !== "" || name !== markerFile) yield name;
    }
    if (isEmpty) await this.#ensureHere();
  }
  async remove(path: string): Promise<void> {
    await this.#ensureHere();
    await this.#disk.remove(path);
  }
  async rename(from: string, to: string): Promise<void> {
    await this.#ensureHere();
    await this.#disk.rename(from, to);
  }
  async sizeBytes(path: string): Promise<number | undefined> {
    return await this.#present(await this.#disk.sizeBytes(path));
  }
  async freeBytes(): Promise<number> {
    await this.#ensureHere();
    return await this.#disk.freeBytes();
  }
  nativePath(path: string): string | undefined {
    return this.#disk.nativePath(path);
  }

  async #present<T>(found: T | undefined): Promise<T | undefined> {
    if (found === undefined) await this.#ensureHere();
    return found;
  }
  async #ensureHere(): Promise<void> {
    const reason = await whyAway(this.#disk, this.#spec);
    if (reason === undefined) return;
    const { volumeId, place } = this.#spec;
    throw volumeErrors.volumeAway({ volumeId, place: placeText(place), reason });
  }
}

/** Why a volume is not the one that was attached, if so. */
export async function whyAway(disk: Disk, spec: VolumeSpec): Promise<string | undefined> {
  try {
    const found = await readMarker(disk, placeText(spec.place));
    if (found === spec.marker) return undefined;
    return found === undefined ? `it has no ${markerFile}` : "another volume is there";
  } catch (error) {
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}
