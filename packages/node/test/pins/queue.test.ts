/** The queue of pins on virtual time: order, fairness, tries, ends, kills, room. */
import { SimClock } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import type { Account, PinView } from "../../src/pins/index.ts";
import { Crowd, cidWith, content, openRoom, type Room, treeOf } from "./support.ts";

const owner: Account = { name: "node", maxBytes: undefined };
const trees = Array.from({ length: 40 }, (_, index) => treeOf([content(index, 200 + index)]));
const treeAt = (index: number) => trees[index] ?? treeOf([content(index, 10)]);
const cidAt = (index: number): string => treeAt(index).root.toString();
const stateOf = (room: Room, { id }: PinView) => room.pins.find(id).state;
const add = (room: Room, index: number, more: object = {}, account = owner): PinView =>
  room.pins.add(account, { cid: cidAt(index), ...more });

/** Of two accounts one wants content, or its newest wish ends; some content is with nobody. */
const wish = fc.record({ who: fc.nat({ max: 1 }), index: fc.nat({ max: 7 }), isEnd: fc.boolean() });

describe("the queue of pins", () => {
  it("pins what somebody has, and says how much it is", async () => {
    await using room = openRoom();
    room.crowd.has(treeAt(0));
    const pin = add(room, 0, { name: "photos" });
    expect(pin.state).toBe("queued");
    await room.until(() => stateOf(room, pin) === "pinned");
    expect(room.pins.find(pin.id)).toMatchObject({
      blocks: 2,
      bytes: treeAt(0).bytes,
      attempts: 1,
      name: "photos",
    });
    expect((await room.pins.status()).counts).toEqual({ queued: 0, pinning: 0, pinned: 1, failed: 0 });
  });

  it("tries again after longer and longer pauses, and gives up only what has no end", async () => {
    await using room = openRoom();
    const pin = add(room, 1);
    const paid = add(room, 2, { expiresMs: room.clock.nowMs() + 40 * 3_600_000 });
    await room.until(() => stateOf(room, pin) === "failed");
    expect(room.pins.find(pin.id)).toMatchObject({ attempts: 10, error: { code: "pins/block-missing" } });
    expect(room.pins.find(pin.id).retryMs).toBeUndefined();
    expect(stateOf(room, paid)).toBe("queued");
    await room.advance(12 * 3_600_000);
    expect(room.pins.find(paid.id).attempts).toBeGreaterThan(12);
    room.crowd.has(treeAt(1), treeAt(2));
    await room.until(() => stateOf(room, paid) === "pinned");
    room.pins.retry(pin.id);
    await room.until(() => stateOf(room, pin) === "pinned");
  });

  it("goes on with a pin whose failure the full disk did not take", async () => {
    const database = openDatabase(":memory:");
    const full = { isFull: false };
    const guarded =
      <Args extends unknown[], Result>(work: (...args: Args) => Result) =>
      (...args: Args): Result => {
        if (full.isFull) throw new Error("no room on the disk");
        return work(...args);
      };
    const disk = { ...database, run: guarded(database.run), transaction: guarded(database.transaction) };
    const kept = { database: disk as typeof database, clock: new SimClock(), crowd: new Crowd() };
    await using room = openRoom({}, kept);
    room.crowd.before = () => {
      full.isFull = true;
    };
    const pin = add(room, 1);
    await room.until(() => full.isFull);
    await room.advance(300_000);
    room.crowd.before = () => undefined;
    room.crowd.has(treeAt(1));
    full.isFull = false;
    await room.until(() => stateOf(room, pin) === "pinned");
  });

  it("takes what has the highest priority first, and shares its places between accounts", async () => {
    await using room = openRoom();
    const given: string[] = [];
    const gate = Promise.withResolvers<void>();
    room.crowd.before = async (cid) => {
      given.push(cid.toString());
      await gate.promise;
    };
    room.crowd.has(...trees);
    const alice: Account = { name: "alice", maxBytes: undefined };
    for (let index = 0; index < 20; index += 1) add(room, index);
    for (let index = 20; index < 22; index += 1) add(room, index, {}, alice);
    add(room, 30, { priority: 10 });
    await room.advance(100);
    // Eight at a time, all begun at once: the urgent one is among them, and one of alice's.
    expect(given).toHaveLength(8);
    expect(given).toContain(cidAt(30));
    expect(given.some((cid) => cid === cidAt(20) || cid === cidAt(21))).toBe(true);
    gate.resolve();
    await room.until(() => room.pins.list({ states: ["pinned"], limit: 1 }).count === 23);
  });

  it("keeps a root as long as anybody wants it", async () => {
    await using room = openRoom();
    room.crowd.has(treeAt(3));
    const [one, two] = [add(room, 3), add(room, 3, {}, { name: "alice", maxBytes: undefined })];
    await room.until(() => stateOf(room, one) === "pinned" && stateOf(room, two) === "pinned");
    await room.settle(room.pins.remove(one.id));
    expect(await room.pins.isPinned(treeAt(3).root)).toBe(true);
    await room.settle(room.pins.remove(two.id, "alice"));
    expect(await room.pins.isPinned(treeAt(3).root)).toBe(false);
    expect((await room.pins.status()).usedBytes).toBe(0);
    await expect(room.pins.remove(two.id)).rejects.toMatchObject({ code: "pins/not-found" });
  });

  it("removes what is over, and calls off what is removed while it is fetched", async () => {
    await using room = openRoom();
    room.crowd.has(treeAt(4), treeAt(5));
    const short = add(room, 4, { expiresMs: room.clock.nowMs() + 60_000 });
    await room.until(() => stateOf(room, short) === "pinned");
    await room.advance(180_000);
    expect(() => room.pins.find(short.id)).toThrow(/no pin/);
    expect(await room.pins.isPinned(treeAt(4).root)).toBe(false);
    room.crowd.before = () => new Promise<void>(() => undefined);
    const slow = add(room, 5);
    await room.until(() => stateOf(room, slow) === "pinning");
    await room.settle(room.pins.remove(slow.id));
    expect((await room.pins.status()).counts.pinning).toBe(0);
    expect((await room.pins.status()).usedBytes).toBe(0);
  });

  it("refuses at once what can never be, and for good what turns out too large", async () => {
    await using room = openRoom();
    expect(() => room.pins.add(owner, { cid: "nonsense" })).toThrow(/CID/);
    const odd = cidWith(0x0129, content(1, 5)).toString(); // dag-json
    expect(() => room.pins.add(owner, { cid: odd })).toThrow(/codec/);
    room.crowd.has(treeAt(6));
    const large = add(room, 6, { maxBytes: 10 });
    await room.until(() => stateOf(room, large) === "failed");
    expect(room.pins.find(large.id)).toMatchObject({ attempts: 1, error: { code: "pins/too-big" } });
    expect((await room.pins.status()).usedBytes).toBe(0);
  });

  it("gives nobody more than was granted", async () => {
    await using room = openRoom();
    room.crowd.has(...trees);
    const { token } = room.pins.grant("alice", treeAt(7).bytes + 10);
    const alice = room.pins.accountOf(token);
    const first = add(room, 7, {}, alice);
    const second = add(room, 8, {}, alice);
    await room.until(() => [first, second].every((pin) => /pinned|failed/.test(stateOf(room, pin))));
    expect([first, second].map((pin) => stateOf(room, pin)).sort()).toEqual(["failed", "pinned"]);
    expect(room.pins.accesses()).toMatchObject([{ name: "alice" }]);
    expect(() => add(room, 9, { maxBytes: 1_000 }, alice)).toThrow(/may keep/);
    expect(() => room.pins.accountOf(`${token}x`)).toThrow(/unknown/);
    room.pins.revoke("alice");
    expect(() => room.pins.accountOf(token)).toThrow(/unknown/);
  });

  it("knows what each account has pinned, whatever came and went, also where an older version wrote it", () =>
    fc.assert(
      fc.asyncProperty(fc.array(wish, { minLength: 1, maxLength: 25 }), async (wishes) => {
        let room = openRoom();
        room.crowd.has(...trees.slice(0, 6));
        const names = ["alice", "bob"];
        for (const name of names) room.pins.grant(name, 1_500);
        const used = () => room.pins.accesses().map(({ name, usedBytes }) => [name, usedBytes]);
        const sums = () =>
          names.map((account) => {
            const { pins } = room.pins.list({ account, limit: 100 });
            return [account, pins.reduce((sum, { bytes }) => sum + bytes, 0)];
          });
        for (const { who, index, isEnd } of wishes) {
          const account = { name: names[who] ?? "", maxBytes: undefined };
          const [first] = room.pins.list({ account: account.name, limit: 1 }).pins;
          if (isEnd && first !== undefined) await room.settle(room.pins.remove(first.id));
          else add(room, index, {}, account);
          await room.advance(100);
          expect(used()).toEqual(sums());
        }
        const numbered = ["numbered", "unnumbered", "renumbered"];
        for (const trigger of ["came", "grew", "went", ...numbered])
          room.database.run(`DROP TRIGGER pins_${trigger}`);
        for (const table of ["accounts", "numbers"]) room.database.run(`DROP TABLE pins_${table}`);
        room.database.run("DROP INDEX pins_under_way");
        room.database.run("UPDATE versions SET version = 1 WHERE room = 'pins'");
        room = await room.again();
        await using _ = room;
        expect(used()).toEqual(sums());
        for (const account of names) {
          const { count, pins } = room.pins.list({ account, limit: 100 });
          expect(count).toBe(pins.length);
        }
      }),
      { numRuns: 40 },
    ));

  it("goes on after a kill, with what was under way, waiting, and being given up", async () => {
    const before = openRoom();
    before.crowd.has(treeAt(10), treeAt(11));
    const kept = add(before, 10);
    await before.until(() => stateOf(before, kept) === "pinned");
    before.crowd.before = () => new Promise<void>(() => undefined);
    const cut = add(before, 11);
    await before.until(() => stateOf(before, cut) === "pinning");
    const after = await before.again();
    await using _ = after;
    expect(stateOf(after, kept)).toBe("pinned");
    after.crowd.before = () => undefined;
    await after.until(() => stateOf(after, cut) === "pinned");
    expect(after.pins.find(cut.id).bytes).toBe(treeAt(11).bytes);
  });

  it("gives up a root later if the back end cannot now", async () => {
    await using room = openRoom();
    room.crowd.has(treeAt(12));
    const pin = add(room, 12);
    await room.until(() => stateOf(room, pin) === "pinned");
    const { delete: remove } = room.blocks;
    room.blocks.delete = () => Promise.reject(new Error("the disk hangs"));
    await room.settle(room.pins.remove(pin.id));
    expect((await room.pins.status()).usedBytes).toBeGreaterThan(0);
    room.blocks.delete = remove;
    await room.advance(180_000);
    await room.settle(room.pins.collect(new AbortController().signal));
    expect((await room.pins.status()).usedBytes).toBe(0);
  });
});
