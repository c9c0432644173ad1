/**
 * `get` as a person sees it. Bytes go to a part beside the target, which takes the target's name when the
 * file is whole; an interrupted fetch leaves the part, and the next one goes on at its end. The node has
 * verified every block before it hands out a byte.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ApiClient, apiErrors } from "@holdfast/api";
import { folderFromTar } from "@holdfast/api/folder-tar";
import { HoldfastError } from "@holdfast/base";
import type { CommandContext } from "./command.ts";
import { cliErrors, systemDetail } from "./errors.ts";
import { sizeText } from "./human-text.ts";
import type { ByteSpan, Place } from "./input.ts";
import { progressBar } from "./layout.ts";
import { statOf } from "./local-file.ts";
import { writeFolder } from "./local-folder.ts";

export interface Fetched {
  readonly cid: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly resumedBytes: number;
  /** Of a folder. */
  readonly files?: number;
  readonly leftOut?: string[];
}

interface FetchOptions extends Partial<Wanted> {
  readonly replace?: boolean;
}

/**
 * A file, a part of one, or a folder. Errors: `cli/file-exists`, `cli/in-the-way`, `cli/unwritable`, `cli/differs`,
 * `api/…`, `retrieval/…`.
 */
export async function fetchTo(
  context: CommandContext,
  place: Place,
  wanted: string,
  { replace = false, range, raw = false, maxPrice }: FetchOptions = {},
): Promise<Fetched> {
  const path = await targetPath(wanted, place.path.at(-1) ?? place.cid, replace);
  const node = await context.node();
  // One part per content: a part of another file under the same name is never continued.
  const part = `${path}.${contentName(place, range, raw)}.part`;
  try {
    return await fetchFile(context, node, { place, path, part, range, raw, maxPrice });
  } catch (cause) {
    if (!isFolder(cause) || range !== undefined) throw cause;
  }
  if ((await statOf(path)) !== undefined) throw cliErrors.inTheWay({ path });
  return fetchFolder(context, node, { place, path, part, maxPrice });
}

/** Also one that was encrypted. */
function isFolder(cause: unknown): boolean {
  return cause instanceof HoldfastError && cause.code.endsWith("/is-a-folder");
}

async function fetchFile(
  context: CommandContext,
  node: ApiClient,
  target: Wanted & { readonly place: Place; readonly path: string; readonly part: string },
): Promise<Fetched> {
  const { place, path, part } = target;
  const { cid } = place;
  const download = await openFrom(node, target, context.signal);
  const { resumedBytes, sizeBytes } = download;
  let at = resumedBytes;
  await using file = await onDisk(part, () => open(part, "a"));
  for await (const chunk of download.bytes) {
    await onDisk(part, () => writeAll(file, chunk));
    at += chunk.length;
    drawBar(context, at, sizeBytes);
  }
  context.terminal.clear();
  if (at < sizeBytes) throw apiErrors.streamCut({ method: "file" });
  if (at > sizeBytes) throw cliErrors.differs({ path: part, cid });
  await onDisk(path, async () => {
    await file.sync();
    await rename(part, path);
  });
  return { cid, path, sizeBytes, resumedBytes };
}

/** Into a folder beside the target, which takes its name when all is there; one that was left begins anew. */
async function fetchFolder(
  { terminal, signal }: CommandContext,
  node: ApiClient,
  target: Pick<Wanted, "maxPrice"> & { readonly place: Place; readonly path: string; readonly part: string },
): Promise<Fetched> {
  const { place, path, part, maxPrice } = target;
  await onDisk(part, () => rm(part, { recursive: true, force: true }));
  const tar = await node.openFolder(place.cid, place.path.join("/"), signal, maxPrice);
  const onProgress = (bytes: number): void => terminal.live([`${sizeText(bytes)} of ${basename(path)}`]);
  const { files, sizeBytes, leftOut } = await writeFolder(folderFromTar(tar), part, onProgress);
  terminal.clear();
  await onDisk(path, () => rename(part, path));
  return { cid: place.cid, path, sizeBytes, resumedBytes: 0, files, leftOut: [...leftOut] };
}

/**
 * The bytes to standard output, those of a folder as a tar stream; what was sent cannot be taken back, so nothing is
 * resumed.
 */
export async function fetchToOutput(context: CommandContext, place: Place, wanted: Wanted): Promise<Fetched> {
  const { terminal, signal } = context;
  const node = await context.node();
  const download = await openForOutput(node, place, wanted, signal);
  let at = 0;
  for await (const chunk of download.bytes) {
    await terminal.outBytes(chunk);
    signal.throwIfAborted();
    at += chunk.length;
  }
  if (download.sizeBytes !== undefined && at !== download.sizeBytes)
    throw apiErrors.streamCut({ method: "file" });
  return { cid: place.cid, path: "-", sizeBytes: at, resumedBytes: 0 };
}

interface Wanted {
  readonly range: ByteSpan | undefined;
  /** As it is stored. */
  readonly raw: boolean;
  /** What it may cost. */
  readonly maxPrice: string | undefined;
}

async function openForOutput(
  node: ApiClient,
  place: Place,
  { range, raw, maxPrice }: Wanted,
  signal: AbortSignal,
): Promise<{ readonly sizeBytes: number | undefined; readonly bytes: AsyncIterable<Uint8Array> }> {
  const path = place.path.join("/");
  try {
    const download = await node.openFile(place.cid, { ...bytesOf(range), path, raw, maxPrice }, signal);
    return { sizeBytes: wantedBytes(download.sizeBytes, range), bytes: download.bytes };
  } catch (cause) {
    if (!isFolder(cause) || range !== undefined) throw cause;
    return { sizeBytes: undefined, bytes: await node.openFolder(place.cid, path, signal, maxPrice) };
  }
}

/** Short, and another for each content: paths may be long, and alike in all that a name on a disk can show. */
function contentName({ cid, path }: Place, range: ByteSpan | undefined, raw: boolean): string {
  const name = `${cid.slice(-12)}${raw ? "_raw" : ""}`;
  if (path.length === 0 && range === undefined) return name;
  const within = JSON.stringify([cid, path, range?.first ?? null, range?.last ?? null]);
  return `${name}_${createHash("sha256").update(within).digest("hex").slice(0, 24)}`;
}
function bytesOf(range: ByteSpan | undefined, skipBytes = 0): { offsetBytes: number; lengthBytes?: number } {
  const { first = 0, last } = range ?? {};
  const offsetBytes = first + skipBytes;
  return { offsetBytes, ...(last === undefined ? {} : { lengthBytes: Math.max(0, last + 1 - offsetBytes) }) };
}
/** How many bytes a range has in a file of this size. */
function wantedBytes(fileBytes: number, { first = 0, last }: Partial<ByteSpan> = {}): number {
  return Math.max(0, Math.min(fileBytes, (last ?? fileBytes) + 1) - first);
}

/** Into a folder that is there goes what is fetched, under its own name; never deeper. */
async function targetPath(wanted: string, name: string, replace: boolean): Promise<string> {
  const isFolder = (await statOf(wanted))?.isFolder === true;
  const path = isFolder ? join(wanted, name) : wanted;
  const found = await statOf(path);
  if (found?.isFolder === true) throw cliErrors.inTheWay({ path });
  if (found !== undefined && !(replace && found.isFile)) throw cliErrors.fileExists({ path });
  return path;
}

interface ResumedDownload {
  readonly resumedBytes: number;
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A part that is longer than what is wanted is none of ours; then it begins anew. */
async function openFrom(
  node: ApiClient,
  { place, part, range, raw, maxPrice }: Wanted & { readonly place: Place; readonly part: string },
  signal: AbortSignal,
): Promise<ResumedDownload> {
  const path = place.path.join("/");
  const resumedBytes = (await statOf(part))?.sizeBytes ?? 0;
  const from = async (skipBytes: number): Promise<ResumedDownload> => {
    const download = await node.openFile(
      place.cid,
      { ...bytesOf(range, skipBytes), path, raw, maxPrice },
      signal,
    );
    return { ...download, sizeBytes: wantedBytes(download.sizeBytes, range), resumedBytes: skipBytes };
  };
  try {
    const download = await from(resumedBytes);
    if (resumedBytes <= download.sizeBytes) return download;
  } catch (cause) {
    const isTooFar = cause instanceof HoldfastError && cause.code.endsWith("/bad-offset");
    if (!isTooFar || resumedBytes === 0) throw cause;
  }
  await onDisk(part, () => rm(part));
  return from(0);
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.length) done += (await file.write(chunk, done)).bytesWritten;
}

async function onDisk<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw cliErrors.unwritable({ path, detail: systemDetail(cause) }, cause);
  }
}

function drawBar({ terminal }: CommandContext, at: number, sizeBytes: number): void {
  const ratio = sizeBytes === 0 ? 1 : at / sizeBytes;
  terminal.live([[["cyan", progressBar(ratio)], `  ${sizeText(at)} of ${sizeText(sizeBytes)}`]]);
}
