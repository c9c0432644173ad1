/** A light client over real sockets: `--peer` by address, one that is away and one that is there; an invitation. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger, type Wire } from "@holdfast/base";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import { createInvitation } from "../../src/discovery/index.ts";
import { serveLight } from "../../src/light/index.ts";
import { openLight, readLight } from "../../src/light-client.ts";
import { limits } from "../../src/limits.ts";
import { openLibp2pWire } from "../../src/net/index.ts";

let net: TestNetwork;
let wire: Wire;
let folder = "";
const clock = realClock();
beforeAll(async () => {
  net = await createNetwork({ miners: 1, seed: "light peer", params: { finalityEpochs: 4 } });
  const { chain } = net.client.node;
  expect(await net.advanceUntil(() => chain.head().height >= 12, 60_000)).toBe(true);
  wire = await openLibp2pWire(
    { clock, logger: silentLogger, limits },
    { privateKey: new Uint8Array(randomBytes(32)), listen: ["/ip4/127.0.0.1/tcp/0"] },
  );
  serveLight({ chain, wire, clock });
  folder = await mkdtemp(join(tmpdir(), "holdfast-light-peer-"));
});
afterAll(async () => {
  await wire[Symbol.asyncDispose]();
  await net[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const options = (name: string) => ({
  file: join(folder, name),
  peers: [] as readonly string[],
  urls: [],
  token: "",
  fetch: () => Promise.reject(new TypeError("nobody is asked so")),
  signal: new AbortController().signal,
});

describe("a light client over sockets", () => {
  it("asks the peers that it is named, and says who was away", async () => {
    const { chain } = net.client.node;
    const [address = ""] = wire.addresses();
    const away = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
    const genesis = String(chain.genesis.cids[0]);
    const given = { ...options("named"), peers: [away, address], genesis };
    await using session = await openLight(given);
    const { trusted, providers } = session.view;
    expect(trusted.cids).toEqual(chain.tipsetAt(trusted.height).cids.map(String));
    expect(trusted.height).toBeGreaterThan(0);
    expect(providers).toMatchObject([
      { name: away, verdict: "refused", code: "wire/unreachable" },
      { name: address, verdict: "agrees" },
    ]);
    const found = await session.ask({ kind: "actor", address: net.client.account });
    expect(found?.balance).toBeGreaterThan(0n);
    expect((await readLight(given.file)).trusted).toEqual(trusted);
  });

  it("begins with an invitation and the checkpoint in it", async () => {
    const { chain } = net.client.node;
    const [genesis] = chain.genesis.cids;
    if (genesis === undefined) throw new TypeError("there is a genesis");
    const { cids, height } = chain.tipsetAt(6);
    const invitation = createInvitation(
      { wire, clock, network: chain.params.name, genesis },
      { forMs: undefined, addresses: [wire.addresses()[0] ?? ""], checkpoint: { cids, height } },
    ).text;
    await using session = await openLight({ ...options("invited"), invitation });
    expect(session.view.anchor).toBe(`${cids.join(",")}@${height}`);
    expect(session.view.trusted.height).toBeGreaterThan(height - 2);
  });
});
