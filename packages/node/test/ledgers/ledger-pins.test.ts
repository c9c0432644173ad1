/** The pins of a contract's wishes: one for each CID, also after a kill between two steps. */
import { describe, expect, it } from "vitest";
import { ledgerPinsOf } from "../../src/compose-pins.ts";
import { content, openRoom, treeOf } from "../pins/support.ts";

const cid = treeOf([content(1, 3_000)]).root.toString();
const account = { name: "ledger", maxBytes: undefined };

describe("a pin that a contract wants", () => {
  it("is one when it gets more room, whatever a kill has left of the time before", async () => {
    await using room = openRoom();
    const ledger = ledgerPinsOf(room.pins);
    const ids = () => room.pins.list({ limit: 9 }).pins.map(({ id }) => id);
    const first = ledger.add(cid, 4_000);
    const second = await room.settle(ledger.grow(first, cid, 5_000));
    expect(ids()).toEqual([second]);
    // Killed when the next one was there and this one not gone, nor anything noted.
    room.pins.add(account, { cid, maxBytes: 6_000 });
    const last = await room.settle(ledger.grow(second, cid, 6_000));
    expect(ids()).toEqual([last]);
    await room.settle(ledger.remove(last));
    expect(ids()).toEqual([]);
  });

  it("comes back when the owner has removed it and more is asked for", async () => {
    await using room = openRoom();
    const ledger = ledgerPinsOf(room.pins);
    const first = ledger.add(cid, 4_000);
    await room.settle(room.pins.remove(first));
    const next = await room.settle(ledger.grow(first, cid, 5_000));
    expect(room.pins.list({ limit: 9 }).pins.map(({ id }) => id)).toEqual([next]);
  });
});
