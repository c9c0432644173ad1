/** Files of people in a simulation: stored for pay, read back, and compared with what they were. */
import { parseCid } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import type { RunningNode } from "../../compose.ts";
import type { Deeds } from "./deeds.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

export interface FilesNeeds {
  readonly world: World;
  readonly deeds: Deeds;
}

export async function putFile(
  { world, deeds }: FilesNeeds,
  node: SimNode,
  random: SeededRandom,
): Promise<void> {
  const { plan, history } = world;
  const bytes = random.bytes(random.between(100, plan.sectorBytes + 500));
  const started = await deeds.ask(node, "put", async ({ files, handlers }) => {
    const { signal } = new AbortController();
    const { cid } = await files.importFile(once(bytes), signal);
    const copies = random.between(1, 2);
    const forMs = random.between(60, 120) * plan.roundMs;
    const policy = {
      spread: "operators",
      renew: false,
      repair: false,
      allowDuplicates: true,
      transfer: "stream",
    } as const;
    return handlers["put.start"]({ cid, copies, forMs, ...policy }, signal);
  });
  if (started === undefined) return;
  const { jobId, cid, state } = started;
  if (deeds.puts.some((put) => put.jobId === jobId)) return;
  deeds.puts.push({ node, jobId, cid, bytes, state });
  history.record(node.name, "put started", { jobId, cid });
}

export async function getFile(
  { world, deeds }: FilesNeeds,
  node: SimNode,
  random: SeededRandom,
): Promise<void> {
  const done = deeds.puts.filter(({ state }) => state === "done");
  if (done.length === 0) return;
  const put = random.pick(done);
  const bytes = await deeds.ask(node, "get", (running) => readFile(running, put.cid));
  if (bytes !== undefined) checkSame(world, node, put.cid, bytes, put.bytes);
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

export async function readFile({ files }: RunningNode, cid: string): Promise<Uint8Array> {
  const { bytes } = await files.openFile(
    parseCid(cid).toString(),
    { offsetBytes: 0 },
    new AbortController().signal,
  );
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

export function checkSame(
  { history }: World,
  node: SimNode,
  cid: string,
  found: Uint8Array,
  expected: Uint8Array,
): void {
  const isSame = Buffer.compare(found, expected) === 0;
  history.record(node.name, "read back", { cid, isSame });
  if (!isSame)
    history.violate("a file reads as it was stored", node.name, `${cid}: ${found.length} bytes, others`);
}
