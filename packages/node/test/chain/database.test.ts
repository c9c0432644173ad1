/** The chain's two databases behave alike: one suite on LevelDB and on memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cidOfCbor, encodeCbor, HoldfastError, utf8Bytes, utf8Text } from "@holdfast/base";
import { ClassicLevel } from "classic-level";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type ChainDatabase, memoryDatabase, openLevelDatabase } from "../../src/chain/index.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
async function levelFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-chain-"));
  folders.push(folder);
  return join(folder, "chain");
}

const block = (value: number) => {
  const bytes = encodeCbor(value);
  return { cid: cidOfCbor(bytes), bytes };
};
const nothing = new Map<string, Uint8Array | null>();

const twins: readonly { readonly name: string; readonly open: () => Promise<ChainDatabase> }[] = [
  { name: "LevelDB", open: async () => openLevelDatabase(await levelFolder()) },
  { name: "memory", open: async () => memoryDatabase() },
];

describe.each(twins)("chain database on $name", ({ open }) => {
  it("reads what was put, before and after the commit", async () => {
    await using database = await open();
    const { cid, bytes } = block(1);
    expect(database.get(cid)).toBeUndefined();
    database.put(cid, bytes);
    expect(database.get(cid)).toEqual(bytes);
    await database.commit(nothing);
    expect(database.get(cid)).toEqual(bytes);
    expect(database.has(cid)).toBe(true);
    expect(database.has(block(2).cid)).toBe(false);
  });

  it("sees facts at once, in the order of the commits, and forgets them by null", async () => {
    await using database = await open();
    const first = database.commit(new Map([["head", utf8Bytes("a")]]));
    const second = database.commit(new Map([["head", utf8Bytes("b")]]));
    expect(utf8Text(database.getMeta("head") ?? new Uint8Array())).toBe("b");
    await Promise.all([first, second]);
    expect(utf8Text(database.getMeta("head") ?? new Uint8Array())).toBe("b");
    await database.commit(new Map([["head", null]]));
    expect(database.getMeta("head")).toBeUndefined();
  });
});

describe.each(twins)("pages and removals of the database on $name", ({ open }) => {
  const idOf = (key: Uint8Array): string => Buffer.from(key).toString("hex");
  it("gives all entries in pages, ascending, with their sizes", async () => {
    await using database = await open();
    const blocks = Array.from({ length: 25 }, (_, value) => block(value));
    for (const { cid, bytes } of blocks) database.put(cid, bytes);
    await database.commit(new Map([["head", utf8Bytes("x")]]));
    const seen: string[] = [];
    for (let after: Uint8Array | undefined; ; ) {
      const page = await database.scan("objects", {
        count: 7,
        sizes: true,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, valueBytes } of page) {
        expect(valueBytes).toBeGreaterThan(0);
        seen.push(idOf(key));
      }
      after = page.at(-1)?.key;
      if (page.length < 7) break;
    }
    expect(seen).toEqual(blocks.map(({ cid }) => idOf(cid.bytes)).sort());
    const facts = await database.scan("facts", { count: 9 });
    expect(facts.map(({ key }) => utf8Text(key))).toEqual(["head"]);
  });

  it("removes what nobody calls alive at the last moment, and not what is put again afterwards", async () => {
    await using database = await open();
    const [dead, alive, again] = [block(1), block(2), block(3)];
    for (const { cid, bytes } of [dead, alive, again]) database.put(cid, bytes);
    await database.commit(nothing);
    const put: string[] = [];
    const end = database.onPut((cid) => put.push(cid.toString()));
    const keys = [dead, alive, again].map(({ cid }) => cid.bytes);
    const removed = database.discard(keys, (key) => idOf(key) === idOf(alive.cid.bytes));
    database.put(again.cid, again.bytes);
    await database.commit(nothing);
    expect(await removed).toBe(2);
    expect([dead, alive, again].map(({ cid }) => database.has(cid))).toEqual([false, true, true]);
    expect(put).toEqual([again.cid.toString()]);
    end();
    await database.compact();
    expect(await database.diskBytes()).toBeGreaterThan(0);
  });
});

describe("chain database on disk", () => {
  it("keeps what was committed and nothing else", async () => {
    const folder = await levelFolder();
    const [kept, lost] = [block(1), block(2)];
    {
      await using database = await openLevelDatabase(folder);
      database.put(kept.cid, kept.bytes);
      await database.commit(new Map([["head", utf8Bytes("x")]]));
      database.put(lost.cid, lost.bytes);
    }
    await using database = await openLevelDatabase(folder);
    expect(database.get(kept.cid)).toEqual(kept.bytes);
    expect(database.get(lost.cid)).toBeUndefined();
    expect(database.getMeta("head")).toEqual(utf8Bytes("x"));
  });

  it("belongs to one process at a time", async () => {
    const folder = await levelFolder();
    await using _first = await openLevelDatabase(folder);
    const second = openLevelDatabase(folder);
    await expect(second).rejects.toBeInstanceOf(HoldfastError);
    await expect(second).rejects.toMatchObject({ code: "chain/in-use" });
  });
});

describe("chain database on a full disk", () => {
  it("takes a commit back that failed, and writes its blocks with the next one", async () => {
    const folder = await levelFolder();
    const first = block(1);
    {
      await using database = await openLevelDatabase(folder);
      await database.commit(new Map([["head", utf8Bytes("old")]]));
      const full = vi.spyOn(ClassicLevel.prototype, "batch").mockImplementationOnce(
        () =>
          ({
            put: () => undefined,
            del: () => undefined,
            write: () => Promise.reject(new TypeError("no space left")),
          }) as never,
      );
      database.put(first.cid, first.bytes);
      const failed = database.commit(new Map([["head", utf8Bytes("new")]]));
      await expect(failed).rejects.toMatchObject({ code: "chain/full" });
      full.mockRestore();
      expect(database.getMeta("head")).toEqual(utf8Bytes("old"));
      await database.commit(new Map([["after", utf8Bytes("x")]]));
    }
    await using database = await openLevelDatabase(folder);
    expect(database.getMeta("head")).toEqual(utf8Bytes("old"));
    expect(database.get(first.cid)).toEqual(first.bytes);
  });
});
