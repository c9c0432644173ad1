/**
 * The light client outside of Node: `@holdfast/consensus/browser` as one file, loaded by a browser from nothing but
 * that file, follows a living network from its genesis and proves a balance; a node that lies is refused there too.
 */
import { existsSync } from "node:fs";
import { readActor } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { chromium } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type BrowserBundle, bundleDoor } from "../tools/verifier-bundle.ts";

const chromiumPath = "/usr/bin/chromium";
const noBrowser = existsSync(chromiumPath) ? "" : ` (left out: there is no ${chromiumPath})`;
const { signal } = new AbortController();

let bundle: BrowserBundle;
beforeAll(async () => {
  bundle = await bundleDoor("light");
});

describe("the light client as one file", () => {
  it("asks for nothing of Node", () => {
    expect(bundle.code).not.toMatch(/\bfrom\s*["']node:|\brequire\(|\bprocess\.|\bBuffer\b/);
  });

  it.skipIf(noBrowser !== "")(`proves a balance in a browser, and believes no liar${noBrowser}`, async () => {
    await using net = await createNetwork({ miners: 1, seed: "browser", params: { finalityEpochs: 3 } });
    const { chain, handlers } = net.client.node;
    expect(await net.advanceUntil(() => chain.head().height >= 8, 60_000)).toBe(true);
    const address = net.client.account;
    const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      await page.exposeFunction("ask", (name: "light.headers", params: never) =>
        handlers[name](params, signal),
      );
      const genesis = String(chain.genesis.cids[0]);
      const given = JSON.stringify({ code: bundle.code, genesis, address, nowMs: net.clock.nowMs() });
      const found = (await page.evaluate(`(${inPage})(${given})`)) as Found;
      const trusted = chain.tipsetAt(found.height);
      expect(trusted.cids.map(String)).toEqual(found.cids);
      expect(chain.head().height - found.height).toBeGreaterThanOrEqual(3);
      const state = chain.stateAfter(trusted.key);
      if (state === undefined) throw new TypeError("the state is held");
      expect(found.balance).toBe(String(readActor(chain.store, state, address)?.balance));
      expect(found.lie).toContain("light/witness-incomplete");
    } finally {
      await browser.close();
    }
  });
});

interface Found {
  readonly height: number;
  readonly cids: readonly string[];
  readonly balance: string;
  readonly lie: string;
}

/** Runs in the page; a text, because the test runner rewrites the imports of functions. */
const inPage = `async ({ code, genesis, address, nowMs }) => {
  const door = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const follow = async (tamper) => {
    const provider = door.jsonProvider("node", {
      headers: (params) => ask("light.headers", params),
      prove: async (params) => tamper(await ask("light.prove", params)),
    });
    const trust = await door.beginLight([provider], { genesis: door.parseCid(genesis) });
    const light = new door.LightClient({ trust, providers: [provider], nowMs: () => nowMs });
    const { trusted } = await light.sync();
    const actor = await light.ask({ kind: "actor", address });
    const { height, cids } = trusted.tipset;
    return { height, cids: cids.map(String), balance: String(actor.balance) };
  };
  const lie = await follow((answer) => ({ ...answer, objects: answer.objects.slice(1) })).catch(String);
  return { ...(await follow((answer) => answer)), lie };
}`;
