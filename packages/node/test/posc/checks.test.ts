/** Looking at others' reports, by own content and by the reporter's blocks, and what of it goes to the chain. */
import { type CID, decode, filToAtto, rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { answerOf, methods, type PinReport, pinReportDigest, sampleSeed } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { openChecks, openPoscStore, type PoscNeeds, serveWalks } from "../../src/posc/index.ts";

const content = Uint8Array.of(1, 2, 3);
const root = rawCid(content);
const networkId = new Uint8Array(32).fill(3);
const key: PinReport["key"] = seedAddress(1, "a key");
const slotHash = new Uint8Array(32).fill(4);
const drain = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((done) => setImmediate(done));
};

function reportOf(lie: boolean, account: PinReport["key"]): PinReport {
  const samples = [0, 1].map((place) => {
    const seed = sampleSeed({ networkId, slot: 7, slotHash, key: account }, place);
    const answer = lie ? new Uint8Array(32) : answerOf(seed, content);
    return { pin: 1, root, block: root, answer, bytes: content.length, elapsedMs: 0 };
  });
  return {
    ...{ node: 5, key: account, slot: 7, slotHash, set: root, count: 1, added: [], samples },
    previous: new Uint8Array(32),
    program: "test",
    signature: new Uint8Array(65),
  };
}

interface World {
  readonly sent: {
    readonly method: string;
    readonly key: string;
    readonly params: Uint8Array;
    readonly value?: bigint;
  }[];
  /** Keys of messages that the chain has executed and refused. */
  readonly refused: Set<string>;
  look(report: PinReport, bought?: boolean): Promise<string | undefined>;
  /** A block has it. */
  takes(report: PinReport): Promise<void>;
}

function worldOf(given: {
  readonly here?: boolean;
  /** Told when a block is read. */
  readonly onBlock?: () => void;
  readonly shows?: () => Promise<readonly Uint8Array[] | undefined>;
  readonly deposit?: boolean;
  /** No block has the report yet when it is heard. */
  readonly early?: boolean;
  /** Who pays for the order. */
  readonly buyer?: PinReport["key"];
  /** All of them, with this one. */
  readonly nodes?: number;
}): World {
  const clock = new SimClock();
  const net = new SimNet({ seed: "checks", clock, delayMs: 1 });
  const [own, other] = [net.createWire("own"), net.createWire("other")];
  if (given.shows !== undefined) serveWalks({ wire: other, clock }, given.shows);
  const store = openPoscStore(openDatabase(":memory:"));
  const sent: World["sent"] = [];
  const refused: World["refused"] = new Set();
  let onChain: Uint8Array = new Uint8Array(32);
  const view = {
    ...{ height: 40, slotEpochs: 5, disputeSlots: 3 },
    node: () => ({ peerId: "other" }),
    activeNodes: () => given.nodes ?? 2,
    markOf: () => ({ report: onChain }),
    buyerOf: () => given.buyer ?? key,
  };
  const checks = openChecks(
    {
      chain: { network: "", networkId, view: () => view, onHead: () => () => undefined },
      pins: {
        async block(cid: CID) {
          given.onBlock?.();
          return given.here === true && cid.equals(root) ? content : undefined;
        },
      },
      sender: {
        isOwn: (account: PinReport["key"]) => account === key,
        isRefused: (name: string) => refused.has(name),
        send: async (message: World["sent"][number]) => {
          sent.push(message);
          return root;
        },
      },
      ...{ wire: own, clock, logger: silentLogger, random: new SeededRandom("checks") },
      challengeDeposit: () => (given.deposit === false ? undefined : filToAtto(1)),
    } as unknown as PoscNeeds,
    store,
  );
  return {
    ...{ sent, refused },
    async takes(report) {
      onChain = pinReportDigest(report);
      checks.headMoved();
      await drain();
    },
    async look(report, bought) {
      store.insert(report, 0);
      if (given.early !== true) onChain = pinReportDigest(report);
      const looked = own.connect(other.addresses()[0] ?? "").then(() => {
        checks.add(report, bought);
        return checks.settled();
      });
      await clock.settle(looked, { limitMs: 600_000, drain });
      return store.of(5, 7)[0]?.check;
    },
  };
}

describe("a report of another node", () => {
  it("is confirmed by content that is here, and by blocks that the node shows", async () => {
    for (const world of [worldOf({ here: true }), worldOf({ shows: async () => [content] })]) {
      expect(await world.look(reportOf(false, key))).toBe("confirmed");
      expect(world.sent).toEqual([]);
    }
  });
  it("that is false is disproved by the blocks of the true walk, whoever had them", async () => {
    for (const world of [worldOf({ here: true }), worldOf({ shows: async () => [content] })]) {
      const lie = reportOf(true, key);
      expect(await world.look(lie)).toBe("false");
      expect(world.sent).toHaveLength(1);
      const [message] = world.sent;
      expect(message?.method).toBe("disprove");
      const { blocks, sample } = decode(methods.pins.disprove.params, message?.params ?? new Uint8Array());
      expect([blocks.length, sample < 2]).toEqual([1, true]);
    }
  });
  it("whose node shows nothing, other blocks, or is not there, is challenged with a deposit", async () => {
    const silences = [
      undefined,
      async () => undefined,
      async () => [Uint8Array.of(9)],
      async () => [content, content],
    ];
    for (const shows of silences) {
      const world = worldOf(shows === undefined ? {} : { shows });
      expect(await world.look(reportOf(false, key))).toBe("silent");
      expect(world.sent).toMatchObject([{ method: "challengeSample", value: filToAtto(1) }]);
    }
  });
  it("goes to the chain when a block has it and not before: the chain would know nothing of it", async () => {
    const world = worldOf({ here: true, early: true });
    const lie = reportOf(true, key);
    expect(await world.look(lie)).toBe("false");
    expect(world.sent).toEqual([]);
    await world.takes(lie);
    expect(world.sent.map(({ method }) => method)).toEqual(["disprove"]);
    await world.takes(lie);
    expect(world.sent).toHaveLength(1);
  });
  it("goes to the chain again when that has refused it, as a message of its own and not for ever", async () => {
    for (const given of [{ here: true }, {}]) {
      const world = worldOf(given);
      const lie = reportOf(true, key);
      await world.look(lie);
      for (let head = 0; head < 8; head += 1) {
        await world.takes(lie);
        // A reorganisation has brought the message before the report.
        for (const { key: name } of world.sent) world.refused.add(name);
      }
      const keys = world.sent.map(({ key: name }) => name);
      expect([keys.length, new Set(keys).size]).toEqual([limits.pinMessageTries, limits.pinMessageTries]);
    }
  });
  it("is looked at by who bought it, who disproves a lie and gives no deposit by itself", async () => {
    const lie = worldOf({ here: true });
    expect(await lie.look(reportOf(true, key), true)).toBe("false");
    expect(lie.sent.map(({ method }) => method)).toEqual(["disprove"]);
    const silent = worldOf({});
    expect(await silent.look(reportOf(false, key), true)).toBe("silent");
    expect(silent.sent).toEqual([]);
    const strange = worldOf({ here: true, buyer: seedAddress(1, "somebody") });
    expect(await strange.look(reportOf(true, key), true)).toBe("unchecked");
    expect(strange.sent).toEqual([]);
  });
  it("is looked at by as many however many nodes there are, and always by who bought it", async () => {
    const { pinChecksPerSlot: most } = limits;
    const lookedAt = async (nodes: number, reports: number, bought = false): Promise<number> => {
      let shown = 0;
      const world = worldOf({
        nodes,
        here: true,
        buyer: bought ? key : seedAddress(1, "another"),
        onBlock: () => {
          shown += 1;
        },
      });
      for (let one = 0; one < reports; one += 1) await world.look(reportOf(false, key), bought);
      return shown / 2;
    };
    expect(await lookedAt(1 + most, most)).toBe(most);
    const drawn = await lookedAt(1 + 4 * most, 4 * most);
    expect(drawn).toBeGreaterThan(most / 2);
    expect(drawn).toBeLessThan(2 * most);
    expect(await lookedAt(1 + 1_000 * most, 8, true)).toBe(8);
  });
  it("is challenged by nobody who pays no deposit", async () => {
    const world = worldOf({ deposit: false });
    expect(await world.look(reportOf(false, key))).toBe("silent");
    expect(world.sent).toEqual([]);
  });
});
