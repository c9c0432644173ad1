/** Reports of the past that miss here: asked of peers until they are here, or nobody has them. */
import { rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { SimClock, SimNet } from "@holdfast/base/testing";
import { type PinReport, pinReportDigest } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { openHistory, openPoscStore, type PoscView } from "../../src/posc/index.ts";

const zeros = new Uint8Array(32);
const reportOf = (node: number, slot: number): PinReport => ({
  ...{ node, key: seedAddress(1, `key ${node}`), slot, slotHash: zeros, previous: zeros },
  ...{ set: rawCid(zeros), count: 0, added: [], samples: [], program: "test", signature: new Uint8Array(65) },
});
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

/** A network of so many nodes that all have reported; the peer lacks what `lost` says. */
function worldOf(nodes: number, lost: (node: number, slot: number) => boolean = () => false) {
  const clock = new SimClock();
  const net = new SimNet({ seed: "history", clock, delayMs: 1 });
  const [wire, other] = [net.createWire("own"), net.createWire("other")];
  const [store, full] = [openPoscStore(openDatabase(":memory:")), openPoscStore(openDatabase(":memory:"))];
  const slots = limits.pinReportSlotsAtOnce;
  for (let node = 0; node < nodes; node += 1)
    for (let slot = 0; slot < slots; slot += 1) if (!lost(node, slot)) full.insert(reportOf(node, slot), 0);
  const view = {
    ...{ height: 5 * (slots + 1), slotEpochs: 5 },
    nodeCount: () => nodes,
    node: (number: number) => ({ lastSlot: slots, number }),
    markOf: ({ number }: { number: number }, slot: number) =>
      slot < slots ? { slot, report: pinReportDigest(reportOf(number, slot)), index: 0 } : undefined,
  } as unknown as PoscView;
  const logger = silentLogger;
  openHistory({ wire: other, clock, logger }, full, () => undefined);
  const history = openHistory({ wire, clock, logger }, store, (report) => void store.insert(report, 0));
  return {
    store,
    async alone(times: number): Promise<void> {
      for (let turn = 0; turn < times; turn += 1) {
        history.look(view);
        await clock.settle(history.settled(), { limitMs: 600_000, drain });
      }
    },
    async look(times: number): Promise<void> {
      await clock.settle(wire.connect(other.addresses()[0] ?? ""), { limitMs: 60_000, drain });
      for (let turn = 0; turn < times; turn += 1) {
        history.look(view);
        await clock.settle(history.settled(), { limitMs: 600_000, drain });
        await clock.settle(clock.sleep(20_000), { limitMs: 60_000, drain });
      }
    },
  };
}

describe("reports of the past", () => {
  it("all come, of however many nodes: what has brought something is no try", async () => {
    const { store, look } = worldOf(40);
    await look(8);
    expect(store.count()).toBe(40 * limits.pinReportSlotsAtOnce);
  });

  it("are not given up by who reaches nobody", async () => {
    const { store, alone, look } = worldOf(2);
    await alone(2 * limits.pinReportTries);
    await look(2);
    expect(store.count()).toBe(2 * limits.pinReportSlotsAtOnce);
  });

  it("that nobody has keep no others away", async () => {
    const { store, look } = worldOf(20, (node) => node < 9);
    await look(12);
    expect(store.count()).toBe(11 * limits.pinReportSlotsAtOnce);
  });
});
