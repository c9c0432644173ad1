/** The tables of pins: what is asked of them reads the rows that it is about, however many an account has. */
import { rawCid, utf8Bytes } from "@holdfast/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase, type SqlValue } from "../../src/database.ts";
import { openPinStore, type PinStore } from "../../src/pins/store.ts";

/** A store, and by which index each of its questions was answered. */
function watchedStore() {
  const database = openDatabase(":memory:");
  openPinStore(database);
  const indices: (string | undefined)[] = [];
  const planned =
    <Result>(ask: (sql: string, ...values: SqlValue[]) => Result) =>
    (sql: string, ...values: SqlValue[]): Result => {
      for (const { detail } of database.all(`EXPLAIN QUERY PLAN ${sql}`, ...values))
        indices.push(/ INDEX (\w+)/.exec(String(detail))?.[1]);
      return ask(sql, ...values);
    };
  const { all, get, run } = database;
  const store = openPinStore({ ...database, all: planned(all), get: planned(get), run: planned(run) });
  for (const [index, cid] of cids.entries()) store.insert(pinOf(`${index}`, cid));
  indices.length = 0;
  return { store, indices };
}

const cids = [1, 2, 3].map((index) => rawCid(utf8Bytes(`pin ${index}`)).toString());

describe("the store of pins", () => {
  it("finds pins by their CIDs among all that an account has, without reading those", () => {
    const { store, indices } = watchedStore();
    const [, wanted = ""] = cids;
    const found = store.page({ account: "node", cids: [wanted], limit: 10 });
    expect(found).toMatchObject({ count: 1, pins: [{ id: "1" }] });
    expect(indices.filter((name) => name !== undefined)).toEqual(["pins_by_root", "pins_by_root"]);
  });

  it("counts what an account has in which states as pins come, change and go, without reading them", () => {
    const { store, indices } = watchedStore();
    const states = ["queued", "pinning", "pinned", "failed"] as const;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("insert", "next", "remove"), fc.nat(5)), { maxLength: 30 }),
        (acts) => {
          const all = new Map<string, number>();
          for (const [act, index] of acts) {
            const [id, cid] = [`of ${index % 2} ${index}`, cids[index % cids.length] ?? ""];
            const state = all.get(id);
            if (act === "insert" && state === undefined) {
              store.insert({ ...pinOf(id, cid), account: `${index % 2}`, createdMs: index, state: "queued" });
              all.set(id, 0);
            } else if (act === "remove" && state !== undefined) {
              store.remove({ id, cid });
              all.delete(id);
            } else if (act === "next" && state !== undefined) {
              if (state === 0) store.started(id, 1);
              if (state === 1) store.pinned(id, { blocks: 1, bytes: 1 });
              if (state === 2) store.failed({ id, cid }, { code: "c", message: "m", retryMs: undefined });
              if (state === 3) store.queued(id);
              all.set(id, (state + 1) % 4);
            }
          }
          const isOf = (account: string, wanted: readonly string[]): number =>
            [...all].filter(
              ([id, state]) => id.startsWith(`of ${account}`) && wanted.includes(states[state] ?? ""),
            ).length;
          for (const account of ["0", "1"]) {
            expect(store.page({ account, limit: 1 }).count).toBe(isOf(account, states));
            for (const state of states)
              expect(store.page({ account, states: [state], limit: 1 }).count).toBe(isOf(account, [state]));
          }
          for (const id of all.keys()) store.remove({ id, cid: cids[0] ?? "" });
        },
      ),
      { numRuns: 60, seed: 4 },
    );
    indices.length = 0;
    expect(store.page({ account: "node", states: ["pinned"], limit: 10 }).count).toBe(3);
    // The numbers are found by their key; the index is that of the page itself.
    expect(indices.filter((name) => name !== undefined)).toEqual(["pins_by_account"]);
  });

  it("finds what was under way when the node stopped, without reading what is done", () => {
    const { store, indices } = watchedStore();
    store.started("1", 1);
    indices.length = 0;
    store.resume();
    expect(indices).toEqual(["pins_under_way"]);
    expect(store.counts()).toEqual({ queued: 1, pinning: 0, pinned: 2, failed: 0 });
  });
});

const pinOf = (id: string, cid: string): Parameters<PinStore["insert"]>[0] => ({
  ...{ id, account: "node", cid, name: undefined, origins: [], meta: {}, state: "pinned", priority: 0 },
  ...{ createdMs: Number(id), expiresMs: undefined, maxBytes: undefined, blocks: 1, bytes: 1 },
  ...{ attempts: 1, retryMs: undefined, error: undefined },
});
