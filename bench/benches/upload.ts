/**
 * Files on their way into a node: how fast, and how much memory of the process an upload takes, in clear and encrypted,
 * alone and with others. The memory is the largest seen while it lasts less that before, with all the garbage that
 * nobody has collected; the network's five nodes share the process.
 */
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import type { ApiClient } from "@holdfast/api";
import { assert } from "@holdfast/base";
import type { Bench, Figure } from "../figure.ts";
import { startUp, usageOf } from "../network.ts";

const chunkBytes = 2 ** 18;
const atOnce = 8;
const sampleMs = 20;
/** "Ingest streaming, at most 64 MB of memory for an upload." */
const targetMB = 64;
const megabyte = 1e6;
/** Once in the life of a process: those that follow find the room. */
const firstNote = "arrays that nobody holds, of the first in its process: V8 collects them late";

/** Bytes that are another file for each seed, as fast as memory gives them. */
async function* stream(sizeBytes: number, seed: number): AsyncGenerator<Uint8Array> {
  const chunk = randomBytes(chunkBytes);
  for (let at = 0; at < sizeBytes; at += chunkBytes) {
    chunk.writeUInt32BE(at / chunkBytes, 0);
    chunk.writeUInt32BE(seed, 4);
    yield Uint8Array.from(chunk);
  }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  return createHash("sha256").update(bytes).digest("hex");
}

interface Upload {
  readonly rate: number;
  readonly memoryMB: number;
}

async function measured(pid: number, sizeBytes: number, work: () => Promise<unknown>): Promise<Upload> {
  const before = usageOf(pid).residentBytes;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, usageOf(pid).residentBytes);
  }, sampleMs);
  const startedMs = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { rate: sizeBytes / megabyte / seconds, memoryMB: (peak - before) / megabyte };
}

function upload(client: ApiClient, sizeBytes: number, seed: number, encrypt: boolean): Promise<unknown> {
  return client.importFile(stream(sizeBytes, seed), undefined, encrypt ? { encrypt: {} } : {});
}

/** ChaCha20-Poly1305 of node:crypto over parts of 64 KiB: what encryption costs at least. */
function cipherRate(): number {
  const part = randomBytes(65_536);
  const startedMs = performance.now();
  let bytes = 0;
  while (performance.now() - startedMs < 500) {
    const cipher = createCipheriv("chacha20-poly1305", part.subarray(0, 32), part.subarray(0, 12), {
      authTagLength: 16,
    });
    cipher.update(part);
    cipher.final();
    bytes += part.length;
  }
  return (bytes / megabyte / (performance.now() - startedMs)) * 1000;
}

async function readBack(client: ApiClient, bytes: Uint8Array): Promise<number> {
  const once = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  const { cid } = await client.importFile(once(), undefined, {});
  const startedMs = performance.now();
  const hash = createHash("sha256");
  for await (const chunk of (await client.openFile(cid, { offsetBytes: 0 })).bytes) hash.update(chunk);
  const seconds = (performance.now() - startedMs) / 1000;
  assert(hash.digest("hex") === (await digestOf(bytes)), "the bytes come back as they were given");
  return bytes.length / megabyte / seconds;
}

export const uploadBench: Bench = {
  name: "upload",
  about: "files imported through a client's API, in clear and encrypted",
  async run({ quick, say }) {
    const sizeBytes = quick ? 2 ** 25 : 2 ** 28;
    await using network = await startUp();
    const { client, pid } = network;
    // What is loaded and compiled once is not a matter of one upload.
    for (const encrypt of [false, true]) await upload(client, 2 ** 25, 1_000 + Number(encrypt), encrypt);
    const figures: Figure[] = [];
    for (const encrypt of [false, true]) {
      const how = encrypt ? "encrypted" : "in clear";
      const one = await measured(pid, sizeBytes, () =>
        upload(client, sizeBytes, 1 + Number(encrypt), encrypt),
      );
      say(`one ${how}: ${one.rate.toFixed(0)} MB/s, ${one.memoryMB.toFixed(0)} MB`);
      const each = Math.floor(sizeBytes / atOnce);
      const many = await measured(pid, sizeBytes, () =>
        Promise.all(Array.from({ length: atOnce }, (_none, i) => upload(client, each, 10 + i, encrypt))),
      );
      say(`${atOnce} at once ${how}: ${many.rate.toFixed(0)} MB/s, ${many.memoryMB.toFixed(0)} MB`);
      const memory = { unit: "MB", target: targetMB } as const;
      const bound = { name: "ChaCha20-Poly1305 of node:crypto", value: cipherRate() };
      figures.push(
        { name: `import ${how}`, value: one.rate, unit: "MB/s", ...(encrypt ? { bound } : {}) },
        {
          name: `memory of an upload ${how}`,
          value: one.memoryMB,
          ...memory,
          ...(encrypt ? {} : { note: firstNote }),
        },
        { name: `memory of each of ${atOnce} uploads ${how}`, value: many.memoryMB / atOnce, ...memory },
      );
    }
    const rate = await readBack(client, randomBytes(sizeBytes / 4));
    figures.push({ name: "an encrypted file from own blocks", value: rate, unit: "MB/s" });
    return figures;
  },
};
