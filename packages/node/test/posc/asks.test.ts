/** What a node does about challenges and asks on the chain: answers, in which order, and what it closes when. */
import { type CID, decode, epoch, rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { methods } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { Asks, openPoscStore, type PoscNeeds, type PoscView } from "../../src/posc/index.ts";

const content = Uint8Array.of(1, 2, 3);
const root = rawCid(content);
const own = seedAddress(1, "own");
const zeros = new Uint8Array(32);

interface Sent {
  readonly method: string;
  readonly key: string;
  readonly params: Uint8Array;
}

function worldOf(blocks: readonly CID[] = [root], fails = false, deposit?: bigint) {
  const sent: Sent[] = [];
  const told: string[] = [];
  const asks = new Asks({
    pins: { block: async (cid: CID) => (blocks.some((one) => one.equals(cid)) ? content : undefined) },
    sender: {
      isOwn: (account: string) => account === own,
      send: async (message: Sent) => {
        if (fails) throw new Error("no money");
        sent.push(message);
        return root;
      },
    },
    logger: { ...silentLogger, warn: (text: string) => told.push(text) },
    askDeposit: () => deposit,
  } as unknown as PoscNeeds);
  return { asks, sent, told };
}

const view = (fields: object): PoscView =>
  ({
    ...{ height: 40, gapEnd: epoch(0), answerEpochs: 20, disputeSlots: 3, slotEpochs: 5 },
    ...fields,
  }) as never;

const part = (askedAt: number | null) => ({
  ...{ node: 5, assignedIn: 1, fromSlot: 2, paidIndex: 0, place: 0 },
  ask: askedAt === null ? null : { askedAt: epoch(askedAt), deposit: 1n },
});
const order = (number: number, askedAt: number | null) => ({
  number,
  pin: { cid: root, replicas: [part(askedAt)] },
});

describe("a challenge", () => {
  it("is answered once a slot for each draw: its number may be another's, an answer too early", async () => {
    const { asks, sent } = worldOf();
    const at = (byte: number, height = 40) =>
      view({
        height,
        node: () => ({ openChallenges: 1 }),
        challenges: () => [{ number: 3, node: 5, root, seed: new Uint8Array(32).fill(byte) }],
      });
    for (const byte of [1, 1, 2]) await asks.answerChallenges(at(byte), 5);
    for (const height of [43, 44]) await asks.answerChallenges(at(1, height), 5);
    const keys = sent.map(({ key }) => key);
    expect(keys.map((key) => key === keys[0])).toEqual([true, true, false, true, false]);
    expect(sent.every(({ method }) => method === "answerChallenge")).toBe(true);
  });

  it("of another node, and one whose blocks are not here, is not answered", async () => {
    const challenges = () => [{ number: 3, node: 6, root, seed: zeros }];
    const given = { node: () => ({ openChallenges: 1 }), challenges };
    const [other, lossy] = [worldOf(), worldOf([])];
    await other.asks.answerChallenges(view(given), 5);
    await lossy.asks.answerChallenges(view(given), 6);
    expect([...other.sent, ...lossy.sent]).toEqual([]);
  });

  it("of an own account is closed when its time is over, which begins anew after a standstill", async () => {
    const { asks, sent } = worldOf();
    const challenges = () => [{ number: 3, challenger: own, answerBy: 41 }];
    await asks.closeChallenges(view({ challenges }));
    await asks.closeChallenges(view({ challenges, height: 41, gapEnd: epoch(30) }));
    expect(sent).toEqual([]);
    await asks.closeChallenges(view({ challenges, height: 50, gapEnd: epoch(30) }));
    expect(sent.map(({ method }) => method)).toEqual(["closeChallenge"]);
  });
});

describe("an ask", () => {
  const owed = new Map([
    [1, 5n],
    [2, 90n],
    [3, 7n],
  ]);
  const asked = (orders: readonly ReturnType<typeof order>[], draw = 1) =>
    view({
      node: () => ({ openAsks: orders.length }),
      assigned: () => orders,
      askSeed: (number: number) => new Uint8Array(32).fill(16 * draw + (number % 16)),
      owed: (_: unknown, pin: unknown) => owed.get(orders.find((one) => one.pin === pin)?.number ?? 0) ?? 0n,
    });
  const numbers = (sent: readonly Sent[]) =>
    sent.map(({ params }) => decode(methods.pins.answerAsk.params, params).pin);

  it("is answered by the blocks, the largest pay first, each draw once a slot", async () => {
    const { asks, sent } = worldOf();
    const orders = [order(1, 30), order(2, 30), order(3, 30), order(4, null)];
    await asks.answer(asked(orders), 5);
    expect(numbers(sent)).toEqual([2, 3, 1]);
    await asks.answer(asked(orders), 5);
    expect(sent).toHaveLength(3);
    await asks.answer(asked(orders, 2), 5);
    expect(sent).toHaveLength(6);
    // One that the chain has not taken by the next slot may have come before the ask, in a branch of it.
    await asks.answer({ ...asked(orders, 2), height: 44 }, 5);
    expect([sent.length, new Set(sent.map(({ key }) => key)).size]).toEqual([9, 9]);
  });

  it("is answered again when the message was not sent, and not when it is too late or not drawn yet", async () => {
    const broken = worldOf([root], true);
    await broken.asks.answer(asked([order(1, 30)]), 5);
    const { asks, sent } = worldOf();
    await asks.answer(asked([order(1, 20)]), 5);
    const early = asked([order(1, 30)]);
    await asks.answer({ ...early, askSeed: () => undefined }, 5);
    expect(sent).toEqual([]);
    await asks.answer({ ...asked([order(1, 20)]), gapEnd: epoch(25) }, 5);
    expect(numbers(sent)).toEqual([1]);
  });

  it("beyond what one head has room for waits for the next", async () => {
    const { asks, sent } = worldOf();
    const many = Array.from({ length: limits.pinAnswersAtOnce + 3 }, (_, at) => order(at, 30));
    const all = {
      ...asked(many),
      askSeed: (number: number) => new Uint8Array(32).fill(number),
    };
    await asks.answer(all, 5);
    expect(sent).toHaveLength(limits.pinAnswersAtOnce);
    await asks.answer(all, 5);
    expect(sent).toHaveLength(many.length);
  });

  it("whose blocks are not here takes no place of one whose blocks are", async () => {
    const { asks, sent } = worldOf();
    const lost = Array.from({ length: limits.pinAnswersAtOnce }, (_, at) => ({
      number: 100 + at,
      pin: { cid: rawCid(Uint8Array.of(9, at)), replicas: [part(30)] },
    }));
    const all = {
      ...asked([...lost, order(1, 30)]),
      askSeed: (number: number) => new Uint8Array(32).fill(number),
      owed: (_: unknown, pin: unknown) => (lost.some((one) => one.pin === pin) ? 9n : 1n),
    } as unknown as PoscView;
    await asks.answer(all, 5);
    expect(numbers(sent)).toEqual([1]);
  });

  it("whose blocks are not here is told of once for each draw", async () => {
    const { asks, told } = worldOf([]);
    for (const draw of [1, 1, 2, 2]) await asks.answer(asked([order(1, 30)], draw), 5);
    expect(told).toEqual(Array(2).fill("what a buyer asks for is not here"));
  });

  it("of who has lost its stake is the buyer's again", async () => {
    const { asks, sent } = worldOf();
    const given = asked([order(1, 30)]);
    await asks.answer({ ...given, node: () => ({ openAsks: 1, status: "expelled" }) } as never, 5);
    expect(sent).toEqual([]);
  });

  it("of an own account that nobody answered is closed", async () => {
    const { asks, sent } = worldOf();
    const bought = (askedAt: number) =>
      [{ number: 7, wanted: 1, endSlot: 90, buyer: own, replicas: [part(askedAt)] }] as never;
    await asks.tend(view({}), bought(21), 8);
    expect(sent).toEqual([]);
    await asks.tend(view({}), bought(20), 8);
    // One that was sent before a standstill was known of is no hindrance to the next.
    await asks.tend(view({ height: 60, gapEnd: epoch(40) }), bought(20), 8);
    expect(sent.map(({ method }) => method)).toEqual(["closeAsk", "closeAsk"]);
    expect(sent[0]?.key).not.toBe(sent[1]?.key);
  });
});

describe("a place of an own order", () => {
  const node = { status: "active", validUntil: 1_000, lastSlot: 9 };
  const bought = (parts: number) =>
    [{ number: 7, wanted: 1, endSlot: 90, buyer: own, replicas: Array(parts).fill(part(null)) }] as never;
  const drawn = async (parts: number, given: object, slot: number, deposit?: bigint) => {
    const { asks, sent } = worldOf([root], false, deposit);
    await asks.tend(view({ node: () => ({ ...node, ...given }) }), bought(parts), slot);
    return sent.map(({ method }) => method);
  };

  it("is drawn anew when its node is gone, silent or was dropped, now and then and with leave", async () => {
    for (const given of [{ status: "leaving" }, { validUntil: 41 }, { lastSlot: 5 }])
      expect(await drawn(1, given, 9, 1n)).toEqual(["repairPin"]);
    expect(await drawn(0, {}, 9, 1n)).toEqual(["repairPin"]);
    expect(await drawn(0, {}, 10, 1n)).toEqual([]);
    expect(await drawn(0, {}, 9)).toEqual([]);
  });

  it("is its node's while that is heard, and the buyer's no more at the end", async () => {
    expect(await drawn(1, {}, 9, 1n)).toEqual([]);
    expect(await drawn(1, { lastSlot: 6 }, 9, 1n)).toEqual([]);
    expect(await drawn(0, {}, 90, 1n)).toEqual([]);
  });
});

describe("reports that were signed", () => {
  it("are found by the key, also where a reorganisation has changed the node's number", () => {
    const database = openDatabase(":memory:");
    const store = openPoscStore(database);
    const report = {
      ...{ node: 5, key: own, slot: 7, slotHash: zeros, previous: zeros, set: root, count: 0 },
      ...{ added: [], samples: [], program: "test", signature: new Uint8Array(65) },
    };
    store.insert(report, 0);
    expect(store.of(6, 7)).toEqual([]);
    expect(store.signed(own, 7)?.report.node).toBe(5);
    expect(store.signed(own, 8)).toBeUndefined();
    expect(store.signed(seedAddress(1, "another"), 7)).toBeUndefined();
    // Those of others are not read, however many they are; of what an older version wrote nobody knows whose it is.
    store.insert({ ...report, node: 9, key: seedAddress(1, "another") }, 0);
    database.run("UPDATE posc_reports SET report = x'ff' WHERE node = 9");
    expect(store.signed(own, 7)?.report.node).toBe(5);
    database.run("DELETE FROM posc_reports WHERE node = 9");
    database.run("UPDATE posc_reports SET signer = NULL");
    expect(store.signed(own, 7)?.report.node).toBe(5);
  });
});
