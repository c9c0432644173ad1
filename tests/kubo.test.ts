/**
 * A stock Kubo beside a network (`ipfs` on the PATH, or named by HOLDFAST_KUBO): what somebody has put at a miner is
 * fetched with `ipfs cat` when its client is gone, out of a sealed sector of which the miner keeps no plain copy; and
 * a miner that takes money for its blocks gives none away. Left out where there is no Kubo; `.ci/run` brings one.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@holdfast/api";
import { SeededRandom } from "@holdfast/base/testing";
import { createDevnet, type DaemonHandle, realClock, startDaemon } from "@holdfast/node/daemon";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Kubo, kuboVersion } from "../packages/node/test/stock-kubo.ts";

if (kuboVersion === undefined)
  console.warn("no Kubo here (HOLDFAST_KUBO or `ipfs`): what stands beside it is left out");

const roundMs = 600;
/** The longest that anything here takes. */
const longMs = 120_000;
/** What Kubo gives a miner that answers at once. */
const kuboWaits = "3s";

const stack = new AsyncDisposableStack();
const kubo = new Kubo();
/** Blocks that Kubo was given by bitswap. */
const received = async () =>
  (await kubo.json<{ readonly BlocksReceived: number }>("bitswap/stat")).BlocksReceived;
const clientOf = ({ api: url, token }: DaemonHandle) => createClient({ url, token });

describe.skipIf(kuboVersion === undefined)(`a network beside Kubo ${kuboVersion ?? ""}`, () => {
  let repo: (name: string) => string;
  const start = async (name: string): Promise<DaemonHandle> =>
    startDaemon({ repo: repo(name), logFile: join(repo(name), "log"), version: "0.1.0", soleMiner: true });

  beforeAll(async () => {
    const state = await mkdtemp(join(tmpdir(), "holdfast-beside-kubo-"));
    stack.defer(() => rm(state, { recursive: true, force: true }));
    repo = (name) => join(state, name);
    const network = { state, roundMs, miners: 1, sectorBytes: 16_384, apiPort: 0 };
    await createDevnet({ ...network, clock: realClock() });
    const config = join(repo("miner-1"), "config.toml");
    const told = await readFile(config, "utf8");
    const plain = /^(keepUnsealed|unsealedCacheBytes) = .*$/gm;
    expect(told.match(plain)?.length).toBe(2);
    const none = { keepUnsealed: false, unsealedCacheBytes: 0 };
    const changed = told.replace(plain, (_, key: keyof typeof none) => `${key} = ${none[key]}`);
    await writeFile(config, changed);
    stack.defer(() => kubo.stop());
    await kubo.start();
  }, longMs);
  afterAll(() => stack.disposeAsync());

  it(
    "is given out of a miner's sealed sector what its client put there, while that is free",
    async () => {
      stack.use(await start("bootstrap"));
      const miner = clientOf(stack.use(await start("miner-1")));
      const bytes = new SeededRandom("beside Kubo").bytes(40_000);
      const cid = await (async () => {
        await using handle = await start("client");
        const client = clientOf(handle);
        // In the form that `ipfs add` gives by default, with more than one block.
        const made = await client.importFile(
          (async function* () {
            yield bytes;
          })(),
          undefined,
          { layout: { cidVersion: 0, chunkBytes: 9_000 } },
        );
        const { jobId } = await client.call("put.start", { cid: made.cid, copies: 1, forMs: 3_600_000 });
        let last: string | undefined;
        for await (const { state } of client.stream("put.watch", { jobId })) last = state;
        expect(last).toBe("done");
        return made.cid;
      })();
      const sectors = await miner.call("sector.ls", {});
      expect(sectors.filter(({ state }) => state === "active").length).toBeGreaterThan(0);
      const { addresses } = await miner.call("ipfs.status", {});
      await kubo.call(`swarm/connect?arg=${encodeURIComponent(addresses[0] ?? "")}`);

      await miner.call("retrieval.set", { pricePerGiB: "1FIL" });
      await expect(kubo.call(`cat?arg=${cid}&timeout=${kuboWaits}`)).rejects.toThrow();
      expect(await received()).toBe(0);

      await miner.call("retrieval.set", { pricePerGiB: "0FIL" });
      const read = await (await kubo.call(`cat?arg=${cid}`)).arrayBuffer();
      expect(Buffer.compare(Buffer.from(read), Buffer.from(bytes))).toBe(0);
      expect(await received()).toBe(6);
      expect(cid).toBe(await kubo.add(new Map([["x", bytes]]), "only-hash=true&chunker=size-9000"));
    },
    longMs,
  );
});
