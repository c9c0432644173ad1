/**
 * Very many pinned roots in a node's database, as the store of pins and that of roots write them down: each root is
 * another one and has a block below it, each pin is done. Blocks themselves are made up when they are asked for: a
 * million of them on a disk measures the disk. What it costs to have them is measured by another process, which has
 * not made them (pins-process.ts).
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type CID, cidFromBytes, sha256, utf8Bytes } from "@holdfast/base";
import { z } from "zod";
import { openDatabase } from "../packages/node/src/database.ts";
import type { PinBlocks } from "../packages/node/src/pins/needs.ts";
import { openRootStore } from "../packages/node/src/pins/root-store.ts";
import { openPinStore } from "../packages/node/src/pins/store.ts";

const perTransaction = 10_000;
const rawCode = 0x55;
const blockBytes = 500;
/** Blocks that no root needs, as kills leave them. */
export const strays = 1_000;

const cidOf = (name: string): CID =>
  cidFromBytes(Uint8Array.of(1, rawCode, 0x12, 32, ...sha256(utf8Bytes(name))));
export const rootAt = (index: number): CID => cidOf(`root ${index}`);
const leafAt = (index: number): CID => cidOf(`leaf ${index}`);

/** The tables of a node that has pinned so many. */
export async function writeRoots(path: string, count: number): Promise<void> {
  using database = openDatabase(path);
  const [pins, roots] = [openPinStore(database), openRootStore(database)];
  for (let from = 0; from < count; from += perTransaction) {
    database.transaction(() => {
      for (let index = from; index < Math.min(count, from + perTransaction); index += 1) {
        const [root, size] = [rootAt(index), { blocks: 2, bytes: 2 * blockBytes }];
        pins.insert({
          ...{
            id: `pin-${index}`,
            account: "node",
            cid: root.toString(),
            name: `file ${index}`,
            origins: [],
          },
          ...{ meta: {}, state: "pinned", priority: 0, createdMs: index, expiresMs: undefined },
          ...{ maxBytes: undefined, ...size, attempts: 1, retryMs: undefined, error: undefined },
        });
        const id = roots.begin(root.bytes);
        roots.need(id, [root.bytes, leafAt(index).bytes]);
        roots.finish(id, size);
      }
    });
    await new Promise((next) => setImmediate(next));
  }
}

/** What lies on the disk of that node: its blocks, and some that a kill has left. */
export function madeUpBlocks(count: number): PinBlocks {
  return {
    quotaBytes: 2 ** 50,
    usedBytes: async () => 2 * blockBytes * count,
    get: async () => undefined,
    sizeBytes: async () => blockBytes,
    has: async () => true,
    put: async () => false,
    settle: async () => undefined,
    delete: async () => blockBytes,
    async *list() {
      for (let index = 0; index < count; index += 1) {
        yield rootAt(index);
        yield leafAt(index);
      }
      for (let index = 0; index < strays; index += 1) yield cidOf(`stray ${index}`);
    },
  };
}

const measured = z.object({
  startMs: z.number(),
  pageMs: z.number(),
  cidMs: z.number(),
  collectS: z.number(),
  freed: z.number(),
  /** Of the process, when it has opened them and looked at some, and at the end. */
  openMB: z.number(),
  afterMB: z.number(),
});
export type Measured = z.output<typeof measured>;

const program = fileURLToPath(new URL("./pins-process.ts", import.meta.url));

export async function measureRoots(path: string, count: number): Promise<Measured> {
  const child = spawn(process.execPath, ["--expose-gc", program, path, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const part of child.stdout) text += String(part);
  return measured.parse(JSON.parse(text));
}
