/** The block stores of base pass their suite; broken ones do not. */
import {
  type Blockstore,
  BufferedBlockstore,
  type CID,
  MemoryBlockstore,
  rawCid,
  utf8Bytes,
} from "@holdfast/base";
import { blockstoreSuite, failures, runSuite } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";

describe("in memory", () =>
  blockstoreSuite({ describe, it, expect }, () => ({ store: new MemoryBlockstore() })));
describe("buffered", () =>
  blockstoreSuite({ describe, it, expect }, () => {
    const below = new MemoryBlockstore();
    const store = new BufferedBlockstore(below);
    return {
      store,
      reopen: async () => {
        store.flush();
        return below;
      },
    };
  }));

describe("a buffered block store", () => {
  it("leaves nothing below before it is flushed", () => {
    const below = new MemoryBlockstore();
    const store = new BufferedBlockstore(below);
    const [under, above] = [utf8Bytes("under"), utf8Bytes("above")];
    below.put(rawCid(under), under);
    store.put(rawCid(above), above);
    expect([store.get(rawCid(under)), store.get(rawCid(above))]).toEqual([under, above]);
    expect([store.has(rawCid(under)), below.has(rawCid(above)), below.blockCount]).toEqual([true, false, 1]);
    store.flush();
    expect([below.get(rawCid(above)), below.blockCount]).toEqual([above, 2]);
  });
});

describe("the block store suite", () => {
  const changed = (change: (store: MemoryBlockstore) => Partial<Blockstore>) => () => {
    const store = new MemoryBlockstore();
    const faulty: Blockstore = {
      get: (cid) => store.get(cid),
      put: (cid, bytes) => store.put(cid, bytes),
      has: (cid) => store.has(cid),
      ...change(store),
    };
    return { store: faulty };
  };
  const broken: Record<string, () => { store: Blockstore }> = {
    "knows a CID by its object": () => {
      const blocks = new Map<CID, Uint8Array>();
      const store: Blockstore = {
        get: (cid) => blocks.get(cid),
        put: (cid, bytes) => void blocks.set(cid, bytes),
        has: (cid) => blocks.has(cid),
      };
      return { store };
    },
    "drops empty blocks": changed((store) => ({
      get: (cid) => (store.get(cid)?.length === 0 ? undefined : store.get(cid)),
    })),
    "has everything": changed(() => ({ has: () => true })),
    "gives an empty block instead of nothing": changed((store) => ({
      get: (cid) => store.get(cid) ?? new Uint8Array(0),
    })),
    "forgets the last byte of large blocks": changed((store) => ({
      put: (cid, bytes) => store.put(cid, bytes.subarray(0, 65_536)),
    })),
    "keeps five hundred blocks": changed((store) => ({
      put: (cid, bytes) => (store.blockCount < 500 ? store.put(cid, bytes) : undefined),
    })),
  };
  for (const [fault, make] of Object.entries(broken)) {
    it(`canary: catches a store that ${fault}`, async () => {
      const results = await runSuite(expect, (tools) => blockstoreSuite(tools, make));
      expect(failures(results).length).toBeGreaterThan(0);
    });
  }
});
