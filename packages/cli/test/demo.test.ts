/**
 * The demo against a canned network: it tells its story, cleans up, and fails with a typed error if anything
 * that it claims does not hold. The real network is in `npm run demo`.
 */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/base";
import {
  type CommandContext,
  type DemoRequest,
  type DemoResult,
  demoResult,
  openTerminal,
  runDemo,
} from "holdfast";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { calls, fileBytes, putDone, putRunning } from "./canned.ts";
import { type CannedNode, endless, startCannedNode, token } from "./canned-node.ts";
import { captured } from "./run.ts";

let root = "";
let temporary: string | undefined;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-demo-test-"));
  temporary = process.env.TMPDIR;
});
afterAll(async () => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  await rm(root, { recursive: true, force: true });
});

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(root, "run-"));
  process.env.TMPDIR = folder;
});

interface Told {
  readonly result: DemoResult | HoldfastError;
  readonly err: string;
  readonly stopped: number;
  /** What lies in the temporary folder afterwards. */
  readonly left: readonly string[];
}

async function demo(
  prepare: (node: CannedNode) => void = () => undefined,
  signal = new AbortController().signal,
): Promise<Told> {
  await using node = await startCannedNode();
  prepare(node);
  const file = join(root, "photo.jpg");
  await writeFile(file, fileBytes);
  const stderr = captured();
  const context: CommandContext = {
    node: () => Promise.reject(new TypeError("the demo has a network of its own")),
    terminal: openTerminal(captured(), stderr, {}),
    json: false,
    signal,
    env: {},
    version: "0.0.0-test",
    stdin: (async function* () {})(),
  };
  let stopped = 0;
  const startNetwork = async () => ({
    network: "canned",
    readyMs: 5,
    nodes: ["bootstrap", "miner", "client"].map((role) => ({ role, api: node.url, token })),
    async [Symbol.asyncDispose]() {
      stopped += 1;
    },
  });
  const request: DemoRequest = {
    file,
    copies: 1,
    roundMs: 1000,
    sectorBytes: 2048,
    proofMode: "vanilla",
    porep: "zigzag",
  };
  const result = await runDemo(context, startNetwork, request).catch((error: unknown) => {
    if (error instanceof HoldfastError) return error;
    throw error;
  });
  return { result, err: stderr.text(), stopped, left: await readdir(folder) };
}

const sectors = calls["sector.ls"];
const deal = calls["deal.show"];

describe("the demo", () => {
  it("tells the story line by line, gives the figures, and leaves nothing", async () => {
    const { result, err, stopped, left } = await demo();
    expect(demoResult.parse(result)).toEqual(result);
    expect(result).toMatchObject({
      sizeBytes: fileBytes.length,
      copies: 1,
      sectors: 1,
      paidFil: "0.001",
      priceFil: "0.02",
      nextPaymentAt: 190,
      blocks: 2,
      messages: 2,
      totalFil: "1000",
      summary: expect.stringContaining("1 copy in 1 sector"),
    });
    expect({ stopped, left }).toEqual({ stopped: 1, left: [] });
    for (const words of ["starting a network", "presence proven on the chain", "the same bytes", "exactly"]) {
      expect(err).toContain(words);
    }
  });

  const broken: readonly (readonly [string, (node: CannedNode) => void, string, string])[] = [
    [
      "a sector without a proof",
      (node) => node.instead.set("sector.ls", () => sectors.map((it) => ({ ...it, lastProvenAt: null }))),
      "demo/not-proven",
      "proof-invalid",
    ],
    [
      "a faulty sector",
      (node) => node.instead.set("sector.ls", () => sectors.map((it) => ({ ...it, state: "faulty" }))),
      "demo/not-proven",
      "proof-invalid",
    ],
    [
      "a sector that the chain does not know",
      (node) => node.instead.set("sector.ls", () => []),
      "demo/not-proven",
      "proof-invalid",
    ],
    [
      "a miner that is not paid though it is due",
      (node) => {
        node.instead.set("deal.show", () => ({ ...deal, redeemedFil: "0" }));
        const [head] = calls["chain.ls"];
        node.instead.set("chain.watch", () => [head, { ...head, height: 1000 }]);
      },
      "demo/not-paid",
      "timeout",
    ],
    [
      "money that does not add up",
      (node) => node.instead.set("chain.money", () => ({ ...calls["chain.money"], exact: false })),
      "cli/money-differs",
      "proof-invalid",
    ],
    [
      "a put that failed",
      (node) => {
        const error = { code: "market/false-claim", message: "a lie", fix: "ask another" };
        node.instead.set("put.watch", () => [{ ...putDone, state: "failed", error }]);
      },
      "market/false-claim",
      "proof-invalid",
    ],
    ["other bytes", (node) => (node.otherBytes = true), "cli/differs", "proof-invalid"],
    [
      "a network that stops",
      (node) => node.instead.set("put.watch", () => [putRunning]),
      "api/stream-cut",
      "retry-later",
    ],
  ];
  for (const [name, prepare, code, exit] of broken) {
    it(`fails over ${name}, and still leaves nothing`, async () => {
      const { result, stopped, left } = await demo((node) => void prepare(node));
      expect(result).toMatchObject({ code, exit });
      expect({ stopped, left }).toEqual({ stopped: 1, left: [] });
    });
  }

  it("says when it was interrupted that nothing is left, and so it is", async () => {
    const stop = new AbortController();
    const stopSoon = (node: CannedNode): void => {
      node.instead.set("put.watch", (params) => {
        setTimeout(() => stop.abort(new DOMException("interrupted", "AbortError")), 10);
        return endless(params);
      });
    };
    const { result, stopped, left } = await demo(stopSoon, stop.signal);
    expect(result).toMatchObject({ code: "demo/interrupted", exit: "retry-later" });
    expect({ stopped, left }).toEqual({ stopped: 1, left: [] });
  });
});
