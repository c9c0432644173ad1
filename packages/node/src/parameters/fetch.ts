/**
 * Fetching published parameters. Bytes go to a part beside the file, which takes its name when its digest is
 * right; an interrupted fetch goes on at the end of the part, from whichever source. A whole file with another
 * digest is put aside. Source: paramfetch of rust-fil-proofs.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/base";
import type { ManifestEntry, ParametersManifest } from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { detailOf, digestsOfFile, finishPart, makeFolder, putAside, sizeOf, writeAll } from "./files.ts";
import { withLocks } from "./locks.ts";
import type { LockFolder, ParameterHooks } from "./needs.ts";
import type { Source } from "./sources.ts";

export interface FetchRequest {
  readonly folder: string;
  readonly manifest: ParametersManifest;
  /** Asked in this order. */
  readonly sources: readonly Source[];
  readonly idleMs?: number;
}

export interface FetchedFile {
  readonly name: string;
  /** "present": it was there, with the right digest. */
  readonly state: "fetched" | "present";
  readonly sizeBytes: number;
  /** Bytes that an earlier fetch had left. */
  readonly resumedBytes: number;
  /** The source, or null if the file was there. */
  readonly from: string | null;
}

/** A source on which nothing moves for this time is given up. */
const defaultIdleMs = 30_000;
/** Connections to one source for one file: they may break, as long as they bring something. */
const attemptsPerSource = 100;
/** Connections in a row that brought nothing. */
const vainAttempts = 3;

/**
 * Every file of the list, one after the other; when all have been tried, the first failure. Errors
 * `params/nowhere`, `params/not-fetched`, `params/wrong-digest`, `params/unwritable`, the signal's reason.
 */
export async function* fetchParameters(
  request: FetchRequest,
  lock: LockFolder,
  hooks: ParameterHooks,
): AsyncIterable<FetchedFile> {
  const failures: unknown[] = [];
  await makeFolder(request.folder);
  for (const [name, entry] of request.manifest) {
    const place = { folder: request.folder, lock };
    try {
      yield await withLocks(place, [`fetch-${name}`], hooks, () => fetchOne(request, name, entry, hooks));
    } catch (cause) {
      hooks.signal?.throwIfAborted();
      failures.push(cause);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function fetchOne(
  request: FetchRequest,
  name: string,
  entry: ManifestEntry,
  hooks: ParameterHooks,
): Promise<FetchedFile> {
  const path = join(request.folder, name);
  if ((await sizeOf(path)) !== undefined) {
    if (await isEntry(path, entry, hooks)) {
      return { name, state: "present", sizeBytes: entry.sizeBytes, resumedBytes: 0, from: null };
    }
    await putAside(path);
  }
  if (request.sources.length === 0) throw paramsErrors.nowhere({});
  const part = `${path}.part`;
  const resumedBytes = await usablePart(part, path, entry);
  const reasons: string[] = [];
  let wrong: Error | undefined;
  for (const source of request.sources) {
    for (let isMixed = true; isMixed; ) {
      // A part that another source began may be the wrong one: then this source gives all of it.
      isMixed = ((await sizeOf(part)) ?? 0) > 0;
      const reason = await fill(part, source, { name, ...entry }, request.idleMs ?? defaultIdleMs, hooks);
      if (reason !== undefined) {
        reasons.push(`${source.name}: ${reason}`);
        break;
      }
      if (await isEntry(part, entry, hooks)) {
        await finishPart(part, path);
        return { name, state: "fetched", sizeBytes: entry.sizeBytes, resumedBytes, from: source.name };
      }
      wrong = paramsErrors.wrongDigest({ name, kept: await putAside(part, path), from: source.name });
    }
  }
  if ((await sizeOf(part)) === 0) await rm(part, { force: true });
  throw wrong ?? paramsErrors.notFetched({ name, reasons: reasons.join("; ") });
}

async function isEntry(
  path: string,
  { digest, sizeBytes }: ManifestEntry,
  hooks: ParameterHooks,
): Promise<boolean> {
  if ((await sizeOf(path)) !== sizeBytes) return false;
  return (await digestsOfFile(path, hooks.signal)).blake2b256 === digest;
}

/** Bytes of an earlier fetch. What is longer than the file is none of it. */
async function usablePart(part: string, path: string, { sizeBytes }: ManifestEntry): Promise<number> {
  const size = (await sizeOf(part)) ?? 0;
  if (size <= sizeBytes) return size;
  await putAside(part, path);
  return 0;
}

interface Wanted extends ManifestEntry {
  readonly name: string;
}

/** Fills the part up to the file's size; else says why not. */
async function fill(
  part: string,
  source: Source,
  file: Wanted,
  idleMs: number,
  hooks: ParameterHooks,
): Promise<string | undefined> {
  let reason = "the connection ended too early";
  let vain = 0;
  for (let attempt = 0; attempt < attemptsPerSource && vain < vainAttempts; attempt += 1) {
    const before = (await sizeOf(part)) ?? 0;
    if (before === file.sizeBytes) return undefined;
    try {
      const missing = await append(part, source, file, before, { idleMs, hooks });
      if (missing !== undefined) return missing;
    } catch (cause) {
      hooks.signal?.throwIfAborted();
      if (cause instanceof HoldfastError && cause.code === "params/unwritable") throw cause;
      reason = cause instanceof Error ? cause.message : String(cause);
    }
    const after = (await sizeOf(part)) ?? 0;
    if (after === file.sizeBytes) return undefined;
    vain = after > before ? 0 : vain + 1;
  }
  return reason;
}

/** Appends what the source gives; a reason why it gives nothing, or undefined. */
async function append(
  part: string,
  source: Source,
  file: Wanted,
  before: number,
  { idleMs, hooks }: { readonly idleMs: number; readonly hooks: ParameterHooks },
): Promise<string | undefined> {
  using idle = idleSignal(idleMs, hooks.signal);
  // Opened first: what has arrived and was not read yet is lost when the connection breaks.
  await using output = await onDisk(part, () => open(part, "a"));
  const opened = await source.open(file, before, idle.signal);
  if (opened === undefined) return "it has no such file";
  if (opened.offset < before) await onDisk(part, () => output.truncate(opened.offset));
  let at = opened.offset;
  for await (const chunk of opened.bytes) {
    idle.moved();
    at += chunk.length;
    if (at > file.sizeBytes) return `it gives more than the ${file.sizeBytes} bytes of the list`;
    await onDisk(part, () => writeAll(output, chunk));
    hooks.progress?.(file.name, at / file.sizeBytes);
  }
  await onDisk(part, () => output.sync());
  return undefined;
}

async function onDisk<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw paramsErrors.unwritable({ path, detail: detailOf(cause) }, cause);
  }
}

/** Aborts when nothing moves for a time, or when the caller's signal does. */
function idleSignal(idleMs: number, outer: AbortSignal | undefined) {
  const silent = new AbortController();
  const stop = (): void => silent.abort(new DOMException("nothing came for too long", "TimeoutError"));
  const timer = setTimeout(stop, idleMs);
  return {
    signal: outer === undefined ? silent.signal : AbortSignal.any([silent.signal, outer]),
    moved: () => void timer.refresh(),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
