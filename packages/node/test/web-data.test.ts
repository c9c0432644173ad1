/** Fetching a deal's data from a web server: ranges, what a server may not do, and whom nobody can make us ask. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { PeerId } from "@holdfast/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webData } from "../src/web-data.ts";

const file = Uint8Array.from({ length: 50_000 }, (_, index) => (index * 31) % 253);
const near = "12D3KooWclient" as PeerId;
const never = new AbortController().signal;
const ranges: string[] = [];
let server: Server;
let base: string;

type Answer = (request: IncomingMessage, response: ServerResponse, from: number, to: number) => void;

const part: Answer = (_request, response, from, to) => {
  response.writeHead(206, { "content-range": `bytes ${from}-${to}/${file.length}` });
  response.end(file.subarray(from, to + 1));
};
const answers: { readonly [path: string]: Answer } = {
  "/good": part,
  "/whole": (_request, response) => void response.writeHead(200).end(file),
  "/more": (_request, response, from) => {
    response.writeHead(206, { "content-range": `bytes ${from}-${file.length - 1}/${file.length}` });
    response.end(file.subarray(from));
  },
  "/shifted": (_request, response, from, to) => {
    response.writeHead(206, { "content-range": `bytes ${from + 1}-${to}/${file.length}` });
    response.end(file.subarray(from + 1, to + 1));
  },
  "/elsewhere": (_request, response) => void response.writeHead(302, { location: "/good" }).end(),
  "/zipped": (_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
  "/short": (_request, response) => void response.writeHead(416).end(),
  "/broken": (_request, response, from, to) => {
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${file.length}` });
    response.write(file.subarray(from, from + 100), () => response.destroy());
  },
  "/none": (_request, response) => void response.writeHead(404).end(),
  "/later": (_request, response) => void response.writeHead(503).end(),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const { range = "" } = request.headers;
    ranges.push(range);
    const [, from = "0", to = "0"] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    answers[request.url ?? ""]?.(request, response, Number(from), Number(to));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

interface Wanted {
  readonly offsetBytes?: number;
  readonly lengthBytes?: number;
  readonly remote?: string | undefined;
  readonly signal?: AbortSignal;
  readonly onWhole?: () => void;
}

async function read(url: string, wanted: Wanted = {}): Promise<{ bytes: Uint8Array; code: string }> {
  const { offsetBytes = 0, lengthBytes = 10_000, signal = never, onWhole = () => undefined } = wanted;
  const remote = "remote" in wanted ? wanted.remote : "/ip4/127.0.0.1/tcp/9";
  const parts: Uint8Array[] = [];
  let code = "";
  try {
    const found = webData(() => remote)({ url, offsetBytes, lengthBytes, near, onWhole }, signal);
    for await (const bytes of found) parts.push(bytes);
  } catch (error) {
    code = (error as { code?: string }).code ?? String(error);
  }
  return { bytes: new Uint8Array(Buffer.concat(parts)), code };
}

describe("data of a web server", () => {
  it("comes as the range that is asked for, and no byte more", async () => {
    for (const path of ["/good", "/more"]) {
      const { bytes, code } = await read(`${base}${path}`, { offsetBytes: 12_345, lengthBytes: 4_000 });
      expect([code, ranges.at(-1)]).toEqual(["", "bytes=12345-16344"]);
      expect(bytes).toEqual(file.subarray(12_345, 16_345));
    }
  });

  it("is the beginning of a file that comes whole, and that is said", async () => {
    let wholes = 0;
    const onWhole = (): void => {
      wholes += 1;
    };
    await read(`${base}/good`, { onWhole });
    expect(wholes).toBe(0);
    const { bytes } = await read(`${base}/whole`, { onWhole });
    expect([bytes, wholes]).toEqual([file.subarray(0, 10_000), 1]);
  });

  it.each([
    ["/whole", "deal/bad-source"],
    ["/shifted", "deal/bad-source"],
    ["/elsewhere", "deal/bad-source"],
    ["/zipped", "deal/bad-source"],
    ["/short", "deal/bad-source"],
    ["/none", "deal/transfer-failed"],
    ["/later", "deal/transfer-failed"],
  ])("from %s is no such range", async (path, code) => {
    expect(await read(`${base}${path}`, { offsetBytes: 500 })).toEqual({ bytes: new Uint8Array(0), code });
  });

  it("that breaks off is what had come, and can be asked for again behind it", async () => {
    const { bytes, code } = await read(`${base}/broken`, { offsetBytes: 500 });
    expect(code).toBe("deal/transfer-failed");
    expect(bytes).toEqual(file.subarray(500, 500 + bytes.length));
  });

  it("is never asked of this machine or its neighbours for a stranger, by whatever spelling", async () => {
    const count = ranges.length;
    const port = new URL(base).port;
    const away = { remote: "/ip4/203.0.113.9/tcp/4001" };
    for (const host of [
      "127.0.0.1",
      "localhost",
      "2130706433",
      "0x7f.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "0.0.0.0",
    ])
      expect((await read(`http://${host}:${port}/good`, away)).code, host).toBe("deal/bad-source");
    for (const host of ["10.1.2.3", "192.168.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]"])
      expect((await read(`http://${host}/`, away)).code, host).toBe("deal/bad-source");
    expect(ranges.length).toBe(count);
  });

  it("of the client's own machine waits for the client to be connected", async () => {
    expect((await read(`${base}/good`, { remote: undefined })).code).toBe("deal/transfer-failed");
    expect((await read(`${base}/good`, { remote: "/ip6/::1/tcp/9" })).code).toBe("");
  });

  it("ends with its signal", async () => {
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    expect((await read(`${base}/good`, { signal: stop.signal })).code).toContain("enough");
  });
});
