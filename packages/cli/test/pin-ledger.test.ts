/** `pin ledger` against a node of another chain that this test plays over HTTP. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileCid } from "./canned.ts";
import { run } from "./run.ts";

const address = `0x${"05".repeat(20)}`;
const topic = "0x1eef0dd7f2c4402e15a215aee878082b5f3fb360f96db64dc84a8b6e0838e6f9";
const word = (value: number): string => value.toString(16).padStart(64, "0");
const text = Buffer.from(fileCid).toString("hex");
const padded = text.padEnd(64 * Math.ceil(text.length / 64), "0");
const data = `0x${word(96)}${word(700)}${word(5_000)}${word(text.length / 2)}${padded}`;
const log = {
  ...{ address, topics: [topic, `0x${"aa".repeat(32)}`], data, blockNumber: "0x5", logIndex: "0x0" },
};

function answer(method: string): unknown {
  if (method === "eth_blockNumber") return "0x64";
  if (method === "eth_getLogs") return [log];
  return { hash: `0x${"ab".repeat(32)}`, timestamp: "0x3e8" };
}

let server: Server;
let rpc = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { id, method } = JSON.parse(body);
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result: answer(method) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  rpc = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const given = () => ["--rpc", rpc, "--address", address, "--from-block", "1", "--confirmations", "10"];

describe("pin ledger", () => {
  it("lists what the contract wants, at the time of the last block that was read", async () => {
    const { code, out } = await run([
      "pin",
      "ledger",
      ...given(),
      "--contract",
      "resource-manager",
      "--json",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      toBlock: 90,
      atSeconds: "1000",
      events: 1,
      wanted: [{ cid: fileCid, accounts: 1, sizeBytes: "700", expiresAt: "5000" }],
    });
  });

  it("refuses contracts that it does not know, and says when no node answers", async () => {
    const unknown = await run(["pin", "ledger", ...given(), "--contract", "other"]);
    expect(unknown.code).toBe(2);
    const nobody = ["--rpc", "http://127.0.0.1:1", "--address", address, "--from-block", "1"];
    const dead = await run(["pin", "ledger", ...nobody, "--contract", "content-tracer"]);
    expect([dead.code, dead.err.includes("eth_blockNumber")]).toEqual([6, true]);
  });
});
