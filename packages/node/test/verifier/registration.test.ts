/** A miner that has left idle space can come again: each registration is another message, and none is sent twice. */
import { type CID, rawCid, silentLogger } from "@holdfast/base";
import { readMinerState } from "@holdfast/consensus";
import { createNetwork } from "@holdfast/node/testing";
import { expect, it } from "vitest";
import { openIdleNetwork } from "../../src/verifier/index.ts";

it("a registration that has taken effect and was left is followed by another, one on its way by none", async () => {
  await using net = await createNetwork({ miners: 1, verifiers: 1, seed: "registration" });
  await net.advance("3s");
  const { chain } = net.client.node;
  const [{ miner } = {}] = net.miners;
  if (miner === undefined) throw new TypeError("the network has a miner");
  const { worker } = readMinerState(chain.store, chain.headState().state, miner);
  const sent: { readonly key: string; readonly from: string }[] = [];
  /** Exit codes of what is in a block. */
  const mined = new Map<string, number>();
  const nameOf = (cid: CID): string => sent.find(({ key }) => rawCidOf(key).equals(cid))?.key ?? "";
  const rawCidOf = (key: string): CID => rawCid(new TextEncoder().encode(key.padStart(32).slice(-32)));
  const receiptOf = (key: string) => ({ exitCode: mined.get(key) ?? 0 });
  const needs = {
    ...{ chain, miner, logger: silentLogger },
    sender: {
      send: async ({ key, from }: { readonly key: string; readonly from: string }) => {
        if (!sent.some((one) => one.key === key)) sent.push({ key, from });
        return { cid: rawCidOf(key) };
      },
      wait: async (cid: CID) => ({ receipt: receiptOf(nameOf(cid)) }),
      sentAs: (key: string) => (sent.some((one) => one.key === key) ? { cid: rawCidOf(key) } : undefined),
      find: (cid: CID) => {
        const key = nameOf(cid);
        return { mined: mined.has(key) ? { receipt: receiptOf(key) } : undefined };
      },
    },
  } as unknown as Parameters<typeof openIdleNetwork>[0];
  const idle = openIdleNetwork(needs);
  const { signal } = new AbortController();
  const register = () => idle.register(signal);
  const land = (exitCode: number): void => void mined.set(sent.at(-1)?.key ?? "", exitCode);
  await register();
  await register();
  expect(sent.map(({ from }) => from)).toEqual([worker]);
  land(1); // a branch of the chain has refused it
  await register();
  expect(sent.length).toBe(2);
  land(0); // it has taken effect, and the miner has left since
  await register();
  await register();
  expect(sent.length).toBe(3);
  land(0);
  await register();
  expect(new Set(sent.map(({ key }) => key)).size).toBe(4);
});
