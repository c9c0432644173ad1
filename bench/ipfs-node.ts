/**
 * A node of ours without a chain that does what it is told by lines of JSON: add a file, get a CID from a peer by
 * bitswap or from a gateway. Files lie on a disk, in the folder that is named.
 */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type CID, parseCid, silentLogger } from "@holdfast/base";
import { openNodeDisk } from "@holdfast/storage";
import { realClock } from "../packages/node/src/clock.ts";
import { openRemoteGateway, startGateway } from "../packages/node/src/gateway/index.ts";
import { installNativeKernels } from "../packages/node/src/kernels.ts";
import { limits } from "../packages/node/src/limits.ts";
import { openLibp2pWire } from "../packages/node/src/net/index.ts";
import { openDiskBlocks, openRetrieval } from "../packages/node/src/retrieval/index.ts";
import { openBlockSwap } from "../packages/node/src/swap/index.ts";

const [folder = ""] = process.argv.slice(2);
await installNativeKernels();
await using stack = new AsyncDisposableStack();
const clock = realClock();
const logger = silentLogger;
const privateKey = new Uint8Array(randomBytes(32));
const wire = stack.use(
  await openLibp2pWire({ clock, logger, limits }, { privateKey, listen: ["/ip4/127.0.0.1/tcp/0"] }),
);
const disk = await openNodeDisk(folder);
const blocks = stack.use(await openDiskBlocks({ disk, folder: "blocks", quotaBytes: 2 ** 36 }));
const retrieval = stack.use(openRetrieval({ wire, clock, blocks, sources: [], logger }));
const swap = stack.use(openBlockSwap({ wire, clock, logger }));
swap.serve({ find: (cid) => blocks.get(cid), has: (cid) => blocks.has(cid) });
const dag = (root: CID) => retrieval.dag(root, { get: async () => undefined });
const gateway = stack.use(
  await startGateway({ logger, dag }, { listen: "127.0.0.1:0", plain: true, fetch: false }),
);
const say = (value: object): void => console.log(JSON.stringify(value));
const { signal } = new AbortController();

async function fetched(root: CID, from: string): Promise<number> {
  if (from.startsWith("/")) {
    const session = swap.session({ peers: [await wire.connect(from)] });
    const get = (cid: CID) => session.get(cid, signal);
    return (await retrieval.pull(root, { signal, get, isVerified: true })).sizeBytes;
  }
  const remote = openRemoteGateway(from);
  return (await retrieval.pull(root, { signal, get: (cid, inner) => remote.block(cid, inner) })).sizeBytes;
}

say({ addresses: wire.addresses(), gateway: gateway.url });
for await (const line of createInterface({ input: process.stdin })) {
  const { add, get, from } = JSON.parse(line);
  const startedMs = performance.now();
  try {
    if (add === undefined) {
      const bytes = await fetched(parseCid(get), from);
      say({ bytes, ms: performance.now() - startedMs });
    } else {
      const { root } = await retrieval.importFile(createReadStream(add, { highWaterMark: 1_048_576 }));
      say({ cid: root.toString(), ms: performance.now() - startedMs });
    }
  } catch (error) {
    say({ problem: String(error) });
  }
}
