/**
 * `get` as a person sees it. Bytes go to `OUT.part`, which is renamed when the file is whole; an
 * interrupted fetch leaves the part and the next one goes on at its end. The node has verified every
 * block before it hands out a byte.
 */
import { open, rename, stat } from "node:fs/promises";
import type { CommandContext } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { sizeText } from "./human-text.ts";
import { progressBar } from "./terminal.ts";

export interface Fetched {
  readonly cid: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly resumedBytes: number;
}

export async function fetchToFile(context: CommandContext, cid: string, path: string): Promise<Fetched> {
  if ((await sizeOf(path)) !== undefined) throw cliErrors.fileExists({ path });
  const { terminal, signal } = context;
  const node = await context.node();
  // One part per content: a part of another file under the same name is never continued.
  const part = `${path}.${cid.slice(-12)}.part`;
  const resumedBytes = (await sizeOf(part)) ?? 0;
  const download = await node.openFile(cid, resumedBytes, signal);
  let at = resumedBytes;
  try {
    await using file = await open(part, "a");
    for await (const chunk of download.bytes) {
      await file.write(chunk);
      at += chunk.length;
      const ratio = download.sizeBytes === 0 ? 1 : at / download.sizeBytes;
      terminal.live([`${progressBar(ratio)}  ${sizeText(at)} of ${sizeText(download.sizeBytes)}`]);
    }
    await file.sync();
  } catch (cause) {
    if (isDiskFailure(cause)) throw cliErrors.unwritable({ path: part, detail: String(cause) }, cause);
    throw signal.aborted ? cliErrors.interrupted({}, cause) : cause;
  }
  terminal.settle();
  if (at !== download.sizeBytes) throw cliErrors.differs({ path: part, cid });
  await rename(part, path);
  return { cid, path, sizeBytes: at, resumedBytes };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

function isDiskFailure(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && /^(ENOSPC|EACCES|EROFS|EIO|ENOENT|EPERM|EDQUOT)$/.test(String(cause.code));
}
