/** A put through the same handlers that the API calls. */
import type { MethodResult } from "@holdfast/api";
import { type CID, HoldfastError, parseCid, parseDurationMs } from "@holdfast/base";
import type { TestNode } from "./nodes.ts";

export type PutView = MethodResult<"put.show">;

const defaultFor = "1h";

export async function runPut(
  { node }: TestNode,
  bytes: Uint8Array,
  options: { readonly copies?: number; readonly for?: string; readonly name?: string },
): Promise<{ readonly cid: CID; readonly job: PutView }> {
  const { signal } = new AbortController();
  const file = await node.files.importFile(chunksOf(bytes), signal);
  const started = await node.handlers["put.start"](
    {
      cid: file.cid,
      copies: options.copies ?? 2,
      forMs: parseDurationMs(options.for ?? defaultFor),
      spread: "operators",
      renew: false,
      repair: false,
      allowDuplicates: true,
      transfer: "stream",
      ...(options.name === undefined ? {} : { name: options.name }),
    },
    signal,
  );
  let job: PutView = started;
  for await (const view of node.handlers["put.watch"]({ jobId: started.jobId }, signal)) job = view;
  if (job.state === "done") return { cid: parseCid(file.cid), job };
  const error = job.error ?? job.copies.find((copy) => copy.error !== null)?.error;
  throw new HoldfastError({
    code: error?.code ?? "put/unfinished",
    message: error?.message ?? `the put ended as ${job.state}`,
    fix: error?.fix ?? "look at the job's copies",
    exit: "refused",
  });
}

async function* chunksOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.slice(at, at + 65_536);
}
