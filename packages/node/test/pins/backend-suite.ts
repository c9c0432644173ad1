/** What every back end of pins must do, whatever it keeps its blocks in. */
import { parseCid, rawCid } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { type PinBackend, type PinOptions, pinErrors } from "../../src/pins/index.ts";
import { type Crowd, cborTree, content, type Tree, treeOf } from "./support.ts";

export interface SuiteWorld extends AsyncDisposable {
  readonly backend: PinBackend;
  readonly crowd: SuiteCrowd;
  /** Takes one block away behind the back end's back. */
  lose(cid: string): Promise<void>;
  /** Bytes in use are those of blocks and nothing else. */
  readonly isExact: boolean;
}

/** Whoever has content that the back end fetches. */
export interface SuiteCrowd {
  has(...trees: readonly Tree[]): Promise<void>;
  lacks(cid: string): Promise<void>;
  /** How often it was asked, if it counts. */
  asked(): number;
  /** What nobody has is waited for, and not refused: a network has no end. */
  readonly isPatient: boolean;
  /** Called once something is being fetched. */
  onFetch(call: () => void): void;
}

const dagPbCode = 0x70;

/** A crowd in this process. */
export function suiteCrowd(crowd: Crowd): SuiteCrowd {
  return {
    async has(...trees) {
      crowd.has(...trees);
      for (const { root, blocks } of trees) {
        const bytes = blocks.get(root.toString())?.bytes;
        if (bytes !== undefined && root.code === dagPbCode) crowd.blocks.set(root.toV0().toString(), bytes);
      }
    },
    lacks: async (cid) => void crowd.blocks.delete(cid),
    asked: () => crowd.asked.length,
    isPatient: false,
    onFetch(call) {
      crowd.before = call;
    },
  };
}

const quiet = (): PinOptions => ({
  origins: [],
  maxBytes: 10_000_000,
  signal: new AbortController().signal,
  progress: () => undefined,
});

export function backendSuite(name: string, open: () => Promise<SuiteWorld>): void {
  const one = treeOf([content(1, 3_000), content(2, 5_000), content(1, 3_000)]);
  const two = treeOf([content(2, 5_000), content(3, 100)]);
  const never = new AbortController().signal;

  describe(`pins kept by ${name}`, () => {
    it("keeps every block of a tree, of dag-pb and of dag-cbor, and says how much it is", async () => {
      await using world = await open();
      const cbor = cborTree([content(7, 10), content(8, 2_000)]);
      await world.crowd.has(one, cbor);
      for (const { root, blocks, bytes } of [one, cbor]) {
        const seen: number[] = [];
        const progress = (size: { readonly bytes: number }) => void seen.push(size.bytes);
        expect(await world.backend.isPinned(root)).toBe(false);
        expect(await world.backend.pin(root, { ...quiet(), progress })).toEqual({
          blocks: blocks.size,
          bytes,
        });
        expect(await world.backend.isPinned(root)).toBe(true);
        expect(seen.at(-1)).toBe(bytes);
        for (const { cid, bytes: expected } of blocks.values())
          expect(Buffer.from((await world.backend.block(cid)) ?? [])).toEqual(Buffer.from(expected));
      }
      expect((await world.backend.usage()).usedBytes).toBeGreaterThanOrEqual(one.bytes);
      expect((await world.backend.delegates()).length).toBeGreaterThan(0);
    });

    it("gives a block without asking anybody", async () => {
      await using world = await open();
      await world.crowd.has(one);
      const asked = world.crowd.asked();
      expect(await world.backend.block(one.root)).toBeUndefined();
      expect(world.crowd.asked()).toBe(asked);
    });

    it("keeps what another pin needs when one ends, and gives up the rest", async () => {
      await using world = await open();
      const { backend } = world;
      await world.crowd.has(one, two);
      await backend.pin(one.root, quiet());
      await backend.pin(two.root, quiet());
      await backend.unpin(one.root);
      await backend.collect(never);
      expect(await backend.isPinned(one.root)).toBe(false);
      expect(await backend.isPinned(two.root)).toBe(true);
      for (const { cid } of two.blocks.values()) expect(await backend.block(cid)).toBeDefined();
      expect(await backend.block(rawCid(content(1, 3_000)))).toBeUndefined();
      await backend.unpin(two.root);
      await backend.collect(never);
      for (const { cid } of two.blocks.values()) expect(await backend.block(cid)).toBeUndefined();
      if (world.isExact) expect((await backend.usage()).usedBytes).toBe(0);
      await backend.unpin(two.root); // nothing is there any more, and that is fine
    });
  });
  troubles(name, open);
}

function troubles(name: string, open: () => Promise<SuiteWorld>): void {
  const one = treeOf([content(1, 3_000), content(2, 5_000), content(1, 3_000)]);

  describe(`trouble with pins kept by ${name}`, () => {
    it("refuses what is larger than was said, and keeps none of it pinned", async () => {
      await using world = await open();
      await world.crowd.has(one);
      const refused = world.backend.pin(one.root, { ...quiet(), maxBytes: one.bytes - 1 });
      await expect(refused).rejects.toMatchObject({ code: "pins/too-big" });
      expect(await world.backend.isPinned(one.root)).toBe(false);
      await world.backend.unpin(one.root);
      expect((await world.backend.pin(one.root, { ...quiet(), maxBytes: one.bytes })).bytes).toBe(one.bytes);
    });

    it("says that nobody has it, and goes on when somebody does", async () => {
      await using world = await open();
      const [, leaf] = [...one.blocks.values()];
      await world.crowd.has(one);
      await world.crowd.lacks(leaf?.cid.toString() ?? "");
      const stop = new AbortController();
      if (world.crowd.isPatient) world.crowd.onFetch(() => stop.abort(pinErrors.ended({})));
      const refused = world.backend.pin(one.root, { ...quiet(), signal: stop.signal });
      await expect(refused).rejects.toMatchObject({ name: "HoldfastError" });
      expect(await world.backend.isPinned(one.root)).toBe(false);
      await world.crowd.has(one);
      expect((await world.backend.pin(one.root, quiet())).blocks).toBe(one.blocks.size);
    });

    it("is called off", async () => {
      await using world = await open();
      await world.crowd.has(one);
      const [leaf = ""] = [...one.blocks.keys()];
      await world.crowd.lacks(leaf);
      const stop = new AbortController();
      world.crowd.onFetch(() => stop.abort(new Error("enough")));
      await expect(world.backend.pin(one.root, { ...quiet(), signal: stop.signal })).rejects.toThrow(
        "enough",
      );
      expect(await world.backend.isPinned(one.root)).toBe(false);
    });

    it("fetches again what the disk has lost, when it is told to look", async () => {
      await using world = await open();
      await world.crowd.has(one);
      await world.backend.pin(one.root, quiet());
      const [leaf] = [...one.blocks.values()];
      await world.lose(leaf?.cid.toString() ?? "");
      expect(await world.backend.block(leaf?.cid ?? one.root)).toBeUndefined();
      expect(await world.backend.pin(one.root, { ...quiet(), again: true })).toEqual({
        blocks: one.blocks.size,
        bytes: one.bytes,
      });
      expect(await world.backend.block(leaf?.cid ?? one.root)).toBeDefined();
    });

    it("takes both versions of a CID for one root", async () => {
      await using world = await open();
      await world.crowd.has(one);
      const old = parseCid(one.root.toV0().toString());
      await world.backend.pin(old, quiet());
      if (world.backend.kind === "embedded") expect(await world.backend.isPinned(one.root)).toBe(true);
      else expect(await world.backend.isPinned(old)).toBe(true);
    });
  });
}
