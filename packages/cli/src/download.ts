/**
 * `get` as a person sees it. Bytes go to a part beside the target, which takes the target's name when the
 * file is whole; an interrupted fetch leaves the part, and the next one goes on at its end. The node has
 * verified every block before it hands out a byte.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ApiClient, apiErrors } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import type { CommandContext } from "./command.ts";
import { cliErrors, systemDetail } from "./errors.ts";
import { sizeText } from "./human-text.ts";
import { progressBar } from "./layout.ts";
import { statOf } from "./local-file.ts";

export interface Fetched {
  readonly cid: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly resumedBytes: number;
}

/** Errors: `cli/file-exists`, `cli/unwritable`, `cli/differs`, `api/…`, `retrieval/…`. */
export async function fetchToFile(
  context: CommandContext,
  cid: string,
  wanted: string,
  replace = false,
): Promise<Fetched> {
  const path = await targetPath(wanted, cid, replace);
  const node = await context.node();
  // One part per content: a part of another file under the same name is never continued.
  const part = `${path}.${cid.slice(-12)}.part`;
  const download = await openFrom(node, cid, part, context.signal);
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

/** The bytes to standard output; what was sent cannot be taken back, so nothing is resumed. */
export async function fetchToOutput(context: CommandContext, cid: string): Promise<Fetched> {
  const { terminal, signal } = context;
  const node = await context.node();
  const download = await node.openFile(cid, 0, signal);
  let at = 0;
  for await (const chunk of download.bytes) {
    await terminal.outBytes(chunk);
    signal.throwIfAborted();
    at += chunk.length;
  }
  if (at !== download.sizeBytes) throw apiErrors.streamCut({ method: "file" });
  return { cid, path: "-", sizeBytes: at, resumedBytes: 0 };
}

async function targetPath(wanted: string, cid: string, replace: boolean): Promise<string> {
  const found = await statOf(wanted);
  if (found?.isFolder === true) return targetPath(join(wanted, cid), cid, replace);
  if (found !== undefined && !(replace && found.isFile)) throw cliErrors.fileExists({ path: wanted });
  return wanted;
}

interface ResumedDownload {
  readonly resumedBytes: number;
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A part that is longer than the file is none of ours; then it begins anew. */
async function openFrom(
  node: ApiClient,
  cid: string,
  part: string,
  signal: AbortSignal,
): Promise<ResumedDownload> {
  const resumedBytes = (await statOf(part))?.sizeBytes ?? 0;
  try {
    const download = await node.openFile(cid, resumedBytes, signal);
    if (resumedBytes <= download.sizeBytes) return { ...download, resumedBytes };
  } catch (cause) {
    const isTooFar = cause instanceof HoldfastError && cause.code.endsWith("/bad-offset");
    if (!isTooFar || resumedBytes === 0) throw cause;
  }
  await onDisk(part, () => rm(part));
  return { ...(await node.openFile(cid, 0, signal)), resumedBytes: 0 };
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
