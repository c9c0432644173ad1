/** The tables of pins: what is asked of them reads the rows that it is about, however many an account has. */
import { rawCid, utf8Bytes } from "@holdfast/base";
import { expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database.ts";
import { openPinStore, type PinStore } from "../../src/pins/store.ts";

it("finds pins by their CIDs among all that an account has, without reading those", () => {
  using database = openDatabase(":memory:");
  const plans: string[] = [];
  const planned =
    <Result>(ask: (sql: string, ...values: never[]) => Result) =>
    (sql: string, ...values: never[]): Result => {
      const steps = database.all(`EXPLAIN QUERY PLAN ${sql}`, ...values);
      plans.push(steps.map(({ detail }) => String(detail)).join("; "));
      return ask(sql, ...values);
    };
  const watched = { ...database, all: planned(database.all), get: planned(database.get) } as Database;
  const store = openPinStore(watched);
  const cids = [1, 2, 3].map((index) => rawCid(utf8Bytes(`pin ${index}`)).toString());
  for (const [index, cid] of cids.entries()) store.insert(pinOf(`${index}`, cid));
  plans.length = 0;
  const [, wanted = ""] = cids;
  const found = store.page({ account: "node", cids: [wanted], limit: 10 });
  expect(found).toMatchObject({ count: 1, pins: [{ id: "1" }] });
  expect(plans.map((plan) => /USING (?:COVERING )?INDEX (\w+)/.exec(plan)?.[1])).toEqual([
    ...["pins_by_root", "pins_by_root"],
  ]);
});

const pinOf = (id: string, cid: string): Parameters<PinStore["insert"]>[0] => ({
  ...{ id, account: "node", cid, name: undefined, origins: [], meta: {}, state: "pinned", priority: 0 },
  ...{ createdMs: Number(id), expiresMs: undefined, maxBytes: undefined, blocks: 1, bytes: 1 },
  ...{ attempts: 1, retryMs: undefined, error: undefined },
});
