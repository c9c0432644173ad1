/**
 * Fetching: import at one miner, then through the client's API from that miner, over loopback TCP, noise and
 * yamux, every block verified and stored; then once more from the client's own blocks; then the CAR stream
 * alone, into this process, unverified. The peer is a plain node:http download of the same bytes with SHA-256
 * over them. The network's five nodes share one thread: the miner and the client of the first figure too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type ApiClient, createClient } from "@holdfast/api";
import { assert, type PeerId, parseCid, silentLogger } from "@holdfast/base";
import { limits } from "@holdfast/node";
import { realClock } from "../../packages/node/src/clock.ts";
import { openLibp2pWire } from "../../packages/node/src/net/index.ts";
import { memoryBlocks, openRetrieval } from "../../packages/node/src/retrieval/index.ts";
import type { Bench, Figure } from "../figure.ts";
import { median } from "../measure.ts";
import { startUp } from "../network.ts";

const megabyte = 1e6;
const chunkBytes = 2 ** 20;

async function* inChunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function timed(work: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  const bytes = await work();
  return (bytes * 1000) / megabyte / (performance.now() - startedMs);
}

/** Reads a download to its end; the digest shows that nothing was skipped. */
async function drain(source: AsyncIterable<Uint8Array>, digest: string): Promise<number> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  assert(hash.digest("hex") === digest, "the downloaded bytes are those of the file");
  return bytes;
}

async function fetched(client: ApiClient, cid: string, digest: string): Promise<number> {
  const { bytes } = await client.openFile(cid, { offsetBytes: 0 });
  return drain(bytes, digest);
}

/** What the wire gives: the miner's CAR stream, counted and thrown away. */
async function carTransfer(miner: ApiClient, cid: string): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const needs = { clock: realClock(), logger: silentLogger };
  const privateKey = new Uint8Array(randomBytes(32));
  const wire = stack.use(await openLibp2pWire({ ...needs, limits }, { privateKey, listen: [] }));
  const { addresses } = await miner.call("node.status", {});
  const peer: PeerId = await wire.connect(addresses[0] ?? "");
  const retrieval = stack.use(openRetrieval({ ...needs, wire, blocks: memoryBlocks(), sources: [] }));
  return await timed(async () => {
    let bytes = 0;
    const { signal } = new AbortController();
    for await (const chunk of retrieval.carFrom(peer, parseCid(cid), signal)) bytes += chunk.length;
    return bytes;
  });
}

const serverCode = `
  const { createReadStream } = require("node:fs");
  const server = require("node:http").createServer((_, response) => createReadStream(process.argv[1]).pipe(response));
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

interface HttpServer extends AsyncDisposable {
  readonly url: string;
}

async function httpServer(path: string): Promise<HttpServer> {
  const child: ChildProcess = spawn(process.execPath, ["-e", serverCode, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert(child.stdout !== null, "the output is piped");
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await once(child, "exit");
    },
  };
}

async function httpDownload(url: string, digest: string): Promise<number> {
  const request = get(url);
  const [response] = await once(request, "response");
  return drain(response, digest);
}

export const getBench: Bench = {
  name: "get",
  about: "a file fetched over loopback through a client's API",
  async run({ quick, say }) {
    const bytes = randomBytes(quick ? 2 ** 24 : 2 ** 26);
    const digest = createHash("sha256").update(bytes).digest("hex");
    await using network = await startUp();
    const miner = network.nodes.find(({ role }) => role === "miner");
    assert(miner !== undefined, "the network has a miner");
    const minerClient = createClient({ url: miner.api, token: miner.token });
    let cid = "";
    const importRate = await timed(async () => {
      cid = (await minerClient.importFile(inChunks(bytes))).cid;
      return bytes.length;
    });
    say(`imported at ${importRate.toFixed(0)} MB/s`);
    const firstRate = await timed(() => fetched(network.client, cid, digest));
    say(`fetched from the miner at ${firstRate.toFixed(0)} MB/s`);
    const again: number[] = [];
    for (let count = 0; count < 3; count += 1)
      again.push(await timed(() => fetched(network.client, cid, digest)));
    const cars: number[] = [];
    for (let count = 0; count < 3; count += 1) cars.push(await carTransfer(minerClient, cid));

    const path = join(tmpdir(), `holdfast-bench-${process.pid}.bin`);
    await writeFile(path, bytes);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(path, { force: true }));
    const server = stack.use(await httpServer(path));
    const plain: number[] = [];
    for (let count = 0; count < 3; count += 1)
      plain.push(await timed(() => httpDownload(server.url, digest)));
    const peer = { name: "node:http and SHA-256", value: median(plain) };
    const figures: Figure[] = [
      { name: "get from a miner", value: firstRate, unit: "MB/s", target: 30, peer },
      { name: "the CAR stream alone", value: median(cars), unit: "MB/s", peer },
      { name: "get from own blocks", value: median(again), unit: "MB/s", target: 30, peer },
      { name: "import", value: importRate, unit: "MB/s" },
    ];
    return figures;
  },
};
