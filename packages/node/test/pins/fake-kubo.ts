/** A server that speaks as much of Kubo's RPC as a back end asks, over content that the test gives. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseCid } from "@holdfast/base";
import { linksOf } from "../../src/pins/index.ts";
import type { Crowd } from "./support.ts";

export interface FakeKubo extends AsyncDisposable {
  readonly url: string;
  readonly calls: string[];
  /** Answers instead, by path. */
  readonly instead: Map<string, (response: ServerResponse) => void>;
  /** What lies in its repo. */
  readonly blocks: Map<string, Uint8Array>;
  /** What lies among its files, by path. */
  readonly files: Map<string, string>;
}

export async function startFakeKubo(crowd: Crowd): Promise<FakeKubo> {
  const blocks = new Map<string, Uint8Array>();
  const files = new Map<string, string>();
  const pinned = new Set<string>();
  const calls: string[] = [];
  const instead: FakeKubo["instead"] = new Map();
  /** All that a root reaches; fetched if it may. */
  const reach = async (root: string, fetching: boolean): Promise<Map<string, Uint8Array> | undefined> => {
    const found = new Map<string, Uint8Array>();
    const waiting = [root];
    for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
      if (found.has(text)) continue;
      if (fetching && !blocks.has(text)) await crowd.before(parseCid(text));
      const bytes = blocks.get(text) ?? (fetching ? crowd.blocks.get(text) : undefined);
      if (bytes === undefined) return undefined;
      if (fetching) blocks.set(text, bytes);
      found.set(text, bytes);
      waiting.push(...linksOf(parseCid(text), bytes).map(String));
    }
    return found;
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://here");
    const path = pathname.replace("/api/v0/", "");
    const arg = searchParams.get("arg") ?? "";
    calls.push(`${request.method} ${path}${searchParams.has("offline") ? " offline" : ""}`);
    const other = instead.get(path);
    if (other !== undefined) return other(response);
    const answers = answersOf({ blocks, files, pinned, reach }, { arg, request }, response);
    void (answers[path] ?? (() => response.writeHead(404).end()))();
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ calls, instead, blocks, files },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface Repo {
  readonly blocks: Map<string, Uint8Array>;
  readonly files: Map<string, string>;
  readonly pinned: Set<string>;
  reach(root: string, fetching: boolean): Promise<Map<string, Uint8Array> | undefined>;
}

function answersOf(
  { blocks, files, pinned, reach }: Repo,
  { arg, request }: { readonly arg: string; readonly request: IncomingMessage },
  response: ServerResponse,
): { readonly [path: string]: () => unknown } {
  const json = (value: unknown): unknown => response.end(`${JSON.stringify(value)}\n`);
  const fail = (message: string): unknown =>
    response.writeHead(500).end(JSON.stringify({ Message: message, Code: 0, Type: "error" }));
  return {
    "pin/add": async () => {
      const all = await reach(arg, true);
      if (all === undefined) return fail("pin: context canceled");
      await new Promise((later) => setTimeout(later, 20));
      if (response.destroyed) return undefined; // whoever asked has left
      response.write(`${JSON.stringify({ Progress: all.size })}\n`);
      pinned.add(arg);
      return json({ Pins: [arg] });
    },
    "pin/ls": () =>
      pinned.has(arg)
        ? json({ Keys: { [arg]: { Type: "recursive" } } })
        : fail(`path '${arg}' is not pinned`),
    "pin/rm": () => (pinned.delete(arg) ? json({ Pins: [arg] }) : fail("not pinned or pinned indirectly")),
    "dag/stat": async () => {
      const all = (await reach(arg, true)) ?? new Map<string, Uint8Array>();
      const Size = [...all.values()].reduce((sum, { length }) => sum + length, 0);
      return json({ TotalSize: Size, DagStats: [{ Cid: { "/": arg }, Size, NumBlocks: all.size }] });
    },
    "block/get": () => {
      const bytes = blocks.get(arg);
      return bytes === undefined
        ? fail(`block was not found locally (offline): ipld: could not find ${arg}`)
        : response.end(bytes);
    },
    "repo/stat": () =>
      json({
        RepoSize: [...blocks.values()].reduce((sum, { length }) => sum + length, 0),
        StorageMax: 10 ** 10,
      }),
    "repo/gc": async () => {
      const kept = new Set<string>();
      for (const root of pinned)
        for (const text of ((await reach(root, false)) ?? new Map()).keys()) kept.add(text);
      for (const text of [...blocks.keys()]) {
        if (kept.has(text)) continue;
        blocks.delete(text);
        response.write(`${JSON.stringify({ Key: { "/": text } })}\n`);
      }
      response.end();
    },
    id: () => json({ ID: "12D3KooW", Addresses: ["/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW"] }),
    "files/read": () => {
      const text = files.get(arg);
      return text === undefined ? fail("file does not exist") : response.end(text);
    },
    "files/write": async () => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const body = Buffer.concat(parts);
      // Between the headers of the one part and the line that ends it.
      const [, part = ""] = /\r\n\r\n(.*?)\r\n--/s.exec(body.toString()) ?? [];
      files.set(arg, part);
      response.end();
    },
    "swarm/connect": () => json({ Strings: ["connect success"] }),
  };
}
