/** An encrypted folder on a whole network: put, proven, gone here, read from a miner by its owner and nobody else. */
import type { FolderItem } from "@holdfast/api/folder-tar";
import { createNetwork, type TestNode } from "@holdfast/node/testing";
import { describe, expect, it } from "vitest";
import { noise } from "../market/support/keys.ts";
import { allOf, chunked, codeOf, digest, signal } from "./support.ts";

async function* items(big: Uint8Array): AsyncGenerator<FolderItem> {
  yield {
    kind: "file",
    path: ["note.txt"],
    sizeBytes: 5,
    bytes: chunked(new Uint8Array([104, 101, 108, 108, 111])),
  };
  yield { kind: "file", path: ["sub", "big.bin"], sizeBytes: big.length, bytes: chunked(big) };
}

describe("an encrypted folder on a network", () => {
  it("is stored, proven, and read back from a miner by its owner alone, in whole and in part", async () => {
    await using net = await createNetwork({ miners: 2 });
    const { client } = net;
    const big = noise(100_000);
    const { cid } = await net.settle(client.node.files.importFolder(items(big), signal, { encrypt: {} }));
    const { handlers } = client.node;
    const policy = {
      spread: "operators",
      renew: true,
      repair: true,
      allowDuplicates: false,
      transfer: "stream",
    } as const;
    const started = await net.settle(
      handlers["put.start"]({ cid, copies: 1, forMs: 3_600_000, ...policy }, signal),
    );
    expect(started).toMatchObject({
      encrypted: true,
      keep: { state: "waiting", renew: true, repair: true },
    });
    const isOver = (): boolean => client.node.puts()[0]?.state !== "running";
    expect(await net.advanceUntil(isOver, 3_600_000)).toBe(true);
    const receipt = await net.settle(handlers["put.receipt"]({ jobId: started.jobId }, signal));
    expect(receipt).toMatchObject({ cid, encrypted: true });
    expect((await net.settle(handlers["file.rm"]({ cid }, signal))).removed).toBe(true);
    const read = async ({ node }: TestNode, query: { path?: string; offsetBytes?: number; raw?: boolean }) =>
      net.settle(
        (async () => allOf((await node.files.openFile(cid, { offsetBytes: 0, ...query }, signal)).bytes))(),
      );
    const part = await read(client, { path: "sub/big.bin", offsetBytes: 90_000 });
    expect(digest(part)).toBe(digest(big.subarray(90_000)));
    expect(Buffer.from(await read(client, { path: "note.txt" })).toString()).toBe("hello");
    const other = net.nodes.find((node) => node.role !== "client" && node.role !== "miner") ?? net.miners[0];
    if (other === undefined) throw new TypeError("there are other nodes");
    expect(await codeOf(read(other, { path: "note.txt" }))).toBe("encryption/no-key");
    expect(Buffer.from((await read(other, { raw: true })).subarray(0, 21)).toString()).toBe(
      "age-encryption.org/v1",
    );
  });
});
