/** `holdfast light`: with one small file it follows a network through the API of nodes that it does not trust. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readActor } from "@holdfast/consensus";
import { createNetwork, type TestNetwork } from "@holdfast/node/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type CannedNode, garbage, startCannedNode, token } from "./canned-node.ts";
import { jsonError, run } from "./run.ts";

let net: TestNetwork;
let good: CannedNode;
let bad: CannedNode;
let folder = "";
beforeAll(async () => {
  net = await createNetwork({ miners: 1, seed: "light cli", params: { finalityEpochs: 4 } });
  const { chain } = net.client.node;
  expect(await net.advanceUntil(() => chain.head().height >= 12, 60_000)).toBe(true);
  good = await startCannedNode();
  bad = await startCannedNode();
  for (const node of [good, bad]) {
    node.instead.set("light.headers", handler("light.headers"));
    node.instead.set("light.prove", handler("light.prove"));
  }
  folder = await mkdtemp(join(tmpdir(), "holdfast-light-"));
});
afterAll(async () => {
  await good[Symbol.asyncDispose]();
  await bad[Symbol.asyncDispose]();
  await net[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function handler(name: "light.headers" | "light.prove"): Answer {
  const { signal } = new AbortController();
  return (params) => net.client.node.handlers[name](params as never, signal);
}
const urlOf = ({ url }: CannedNode): string => url.replace("http://", `http://:${token}@`);
const genesis = (): string => String(net.client.node.chain.genesis.cids[0]);
const fileAt = (name: string): string => join(folder, name, "light.json");
const light = (word: string, file: string, ...rest: string[]) =>
  run(["light", ...word.split(" "), "--file", fileAt(file), "--json", ...rest]);

describe("holdfast light", () => {
  it("follows from the genesis, keeps what it trusts, and goes on without being told again", async () => {
    const { chain } = net.client.node;
    const first = await light("sync", "first", "--genesis", genesis(), "--url", urlOf(good));
    expect(first).toMatchObject({ code: 0, err: "" });
    const { trusted, because, newest, providers, anchor } = JSON.parse(first.out);
    expect(anchor).toBe("genesis");
    expect(newest.height).toBe(chain.head().height);
    expect(trusted.cids).toEqual(chain.tipsetAt(trusted.height).cids.map(String));
    expect(because).toMatchObject({ finalityEpochs: 4, signers: 1 });
    expect(because.depth).toBeGreaterThanOrEqual(4);
    expect(providers).toMatchObject([{ name: good.url, verdict: "agrees" }]);
    const kept = await light("status", "first");
    expect(JSON.parse(kept.out)).toMatchObject({ trusted, because, providers: [] });

    const { account } = net.client;
    const balance = await light(`balance ${account}`, "first");
    expect(balance).toMatchObject({ code: 0, err: "" });
    const state = chain.stateAfter(chain.tipsetAt(trusted.height).key);
    if (state === undefined) throw new TypeError("the state is held");
    const atto = readActor(chain.store, state, account)?.balance ?? 0n;
    const [whole = "", fraction = ""] = JSON.parse(balance.out).answer.balanceFil.split(".");
    expect(BigInt(whole + fraction.padEnd(18, "0"))).toBe(atto);

    const { miner } = net.miners[0] ?? {};
    for (const [word, found] of [
      [`actor ${account}`, true],
      [`miner ${miner}`, true],
      [`sector ${miner} 0`, true],
      [`sector ${miner} 7`, false],
      [`deal ${account} 0`, false],
      [`channel ${account} 0`, false],
    ] as const) {
      const { out, code } = await light(word, "first");
      expect({ word, code }).toEqual({ word, code: 0 });
      expect(JSON.parse(out).answer).toMatchObject({ height: trusted.height, found });
    }
    const person = await run(["light", "status", "--file", fileAt("first")]);
    expect(person.out).toContain(
      "1 miner with 100 % of the power trusted before have signed blocks above it",
    );
  });

  it("begins at a checkpoint that is named", async () => {
    const { cids, height } = net.client.node.chain.tipsetAt(6);
    const at = `${cids.join(",")}@${height}`;
    const given = ["--genesis", genesis(), "--checkpoint", at, "--url", urlOf(good)];
    const { out, code } = await light("sync", "checkpoint", ...given);
    expect(code).toBe(0);
    expect(JSON.parse(out).anchor).toBe(at);
    const wrong = await light("sync", "wrong", ...given.with(3, `${cids.join(",")}@${height + 1}`));
    expect(jsonError(wrong).code).toBe("light/all-refused");
    expect(wrong.code).toBe(8);
  });

  it("believes no liar, and says what was wrong with it", async () => {
    const honestly = bad.instead.get("light.headers") as Answer;
    const lie: Answer = async (params) => {
      const { state, tipsets } = (await honestly(params)) as { state: string; tipsets: string[][] };
      return { state, tipsets: tipsets.filter((_, at) => at !== 2) };
    };
    bad.instead.set("light.headers", lie);
    const alone = await light("sync", "lied", "--genesis", genesis(), "--url", urlOf(bad));
    expect(alone.code).toBe(8);
    expect(jsonError(alone).message).toContain("light/unknown-parents");
    const both = ["--genesis", genesis(), "--url", urlOf(bad), "--url", urlOf(good)];
    const { out, code } = await light("sync", "both", ...both);
    expect(code).toBe(0);
    expect(JSON.parse(out).providers).toMatchObject([
      { verdict: "refused", code: "light/unknown-parents" },
      { verdict: "agrees" },
    ]);
    const person = await run(["light", "sync", "--file", fileAt("both")]);
    expect(person.out).toContain(`${bad.url}: refused: The parents of the headers`);
    bad.instead.set("light.headers", garbage);
    expect((await light("sync", "garbage", "--genesis", genesis(), "--url", urlOf(bad))).code).not.toBe(0);
    bad.instead.set("light.headers", honestly);
  });

  it("says what is missing: an anchor, a provider, a whole file", async () => {
    const none = await light("sync", "none", "--url", urlOf(good));
    expect(none.code).toBe(2);
    expect(jsonError(none).code).toBe("light/no-anchor");
    expect((await light("status", "none")).code).toBe(3);
    const nobody = await light("sync", "nobody", "--genesis", genesis());
    expect(nobody.code).toBe(6);
    const away = await light("sync", "away", "--genesis", genesis(), "--url", "http://127.0.0.1:1");
    expect(away.code).toBe(6);
    expect((await light("sync", "away", "--genesis", genesis(), "--url", "nowhere")).code).toBe(2);
    await light("sync", "damaged", "--genesis", genesis(), "--url", urlOf(good));
    const text = await readFile(fileAt("damaged"), "utf8");
    await writeFile(
      fileAt("damaged"),
      text.replace(/"headersBase64": \[\s*"..../, '"headersBase64": ["AAAA'),
    );
    expect(jsonError(await light("status", "damaged")).code).toBe("light/bad-file");
    await writeFile(fileAt("damaged"), "{}");
    expect(jsonError(await light("sync", "damaged")).code).toBe("light/bad-file");
    const other = String(net.client.node.chain.head().cids[0]);
    const foreign = await light("sync", "first", "--genesis", other, "--url", urlOf(good));
    expect(jsonError(foreign).code).toBe("light/other-anchor");
  });
});
