/** Every block store gives back under a CID what was put there, and nothing else. */
import type { Blockstore } from "../../blockstore.ts";
import { equalBytes, utf8Bytes } from "../../bytes.ts";
import { type CID, cidFromBytes, cidOfCbor, parseCid, rawCid } from "../../cid.ts";
import { SeededRandom } from "../random.ts";
import type { SuiteTools } from "./tools.ts";

export interface BlockstoreUnderTest {
  readonly store: Blockstore;
  /** Opens what is there a second time, as after a restart; left out if nothing is kept. */
  readonly reopen?: () => Promise<Blockstore>;
  readonly dispose?: () => Promise<void>;
}

export function blockstoreSuite(
  { describe, it, expect }: SuiteTools,
  make: () => BlockstoreUnderTest | Promise<BlockstoreUnderTest>,
): void {
  const using = (body: (under: BlockstoreUnderTest) => Promise<void>) => async (): Promise<void> => {
    const under = await make();
    try {
      await body(under);
    } finally {
      await under.dispose?.();
    }
  };
  const same = (store: Blockstore, cid: CID, bytes: Uint8Array): boolean => {
    const found = store.get(cid);
    return found !== undefined && equalBytes(found, bytes) && store.has(cid);
  };
  const block = utf8Bytes("a block");

  describe("a block store", () => {
    it(
      "has nothing that was not put there",
      using(async ({ store }) => {
        expect(store.get(rawCid(block))).toBe(undefined);
        expect(store.has(rawCid(block))).toBe(false);
        store.put(rawCid(block), block);
        expect(store.get(rawCid(utf8Bytes("another block")))).toBe(undefined);
        expect(store.has(rawCid(utf8Bytes("another block")))).toBe(false);
      }),
    );
    it(
      "gives back what was put",
      using(async ({ store }) => {
        store.put(rawCid(block), block);
        expect(same(store, rawCid(block), block)).toBe(true);
      }),
    );
    it(
      "knows a CID by its value",
      using(async ({ store }) => {
        const cid = cidOfCbor(block);
        store.put(cid, block);
        expect(same(store, parseCid(cid.toString()), block)).toBe(true);
        expect(same(store, cidFromBytes(cid.bytes), block)).toBe(true);
      }),
    );
    it(
      "takes the same block twice",
      using(async ({ store }) => {
        store.put(rawCid(block), block);
        store.put(rawCid(block), block.slice());
        expect(same(store, rawCid(block), block)).toBe(true);
      }),
    );
    it(
      "keeps an empty block",
      using(async ({ store }) => {
        const empty = new Uint8Array(0);
        store.put(rawCid(empty), empty);
        expect(same(store, rawCid(empty), empty)).toBe(true);
      }),
    );
    it(
      "keeps a megabyte",
      using(async ({ store }) => {
        const large = new SeededRandom("large").bytes(1_048_576);
        store.put(cidOfCbor(large), large);
        expect(same(store, cidOfCbor(large), large)).toBe(true);
      }),
    );
    it(
      "tells a thousand blocks apart",
      using(async ({ store, reopen }) => {
        const random = new SeededRandom("thousand");
        const blocks = Array.from({ length: 1_000 }, (_, i) => random.bytes(i % 300));
        const named = blocks.map((bytes, i) => ({
          cid: i % 2 === 0 ? rawCid(bytes) : cidOfCbor(bytes),
          bytes,
        }));
        for (const { cid, bytes } of named) store.put(cid, bytes);
        expect(named.every(({ cid, bytes }) => same(store, cid, bytes))).toBe(true);
        if (reopen === undefined) return;
        const again = await reopen();
        expect(named.every(({ cid, bytes }) => same(again, cid, bytes))).toBe(true);
      }),
    );
  });
}
