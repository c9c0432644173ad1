/** A file goes through the platform's `fetch` as a stream: as fast as it is read, and no further than it is. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import { describe, expect, it } from "vitest";

async function withServer<Result>(use: (url: string) => Promise<Result>): Promise<Result> {
  const server = createServer(async (request, response) => {
    let sizeBytes = 0;
    for await (const chunk of request) sizeBytes += (chunk as Uint8Array).length;
    response.end(JSON.stringify({ cid: "bafy", sizeBytes, carBytes: sizeBytes }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("uploads", () => {
  it("send every byte of a source of any length", async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 100; piece++) yield new Uint8Array(10_000 + piece);
    }
    const result = await withServer((url) => createClient({ url, token: "t" }).importFile(source()));
    expect(result.sizeBytes).toBe(1_004_950);
  });

  it("tell why the source could not be read, and close it", async () => {
    let isClosed = false;
    const broken = new HoldfastError({ code: "disk/eio", message: "broken", fix: "-", exit: "internal" });
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(10);
        throw broken;
      } finally {
        isClosed = true;
      }
    }
    const sent = withServer((url) => createClient({ url, token: "t" }).importFile(source()));
    await expect(sent).rejects.toBe(broken);
    expect(isClosed).toBe(true);
  });
});
