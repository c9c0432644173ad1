/** A reorganisation after a node has joined: the chain has given its number to another, and another number to it. */
import {
  type Address,
  decode,
  epoch,
  filToAtto,
  rawCid,
  seedAddress,
  silentLogger,
  toHex,
} from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { methods, type PinNode } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { limits } from "../../src/limits.ts";
import { openPosc, type PoscChange, type PoscNeeds } from "../../src/posc/index.ts";

const program = new Uint8Array(32).fill(1);
const own: Address = seedAddress(1, "own key");
const strange: Address = seedAddress(1, "strange key");
const operator: Address = seedAddress(1, "operator");
const { signal } = new AbortController();

const key = { address: own, publicKey: new Uint8Array(65), sign: () => new Uint8Array(65) };
const evidence = async () => ({
  evidence: { kind: "software", evidence: new Uint8Array(1), collateral: [] } as const,
  collateralEndSeconds: Number.MAX_SAFE_INTEGER,
});

interface Registered {
  readonly key: Address;
  readonly peerId: string;
  readonly status?: "leaving";
}

/** Of a node that holds nothing. */
const emptySlot = (height: number) => ({
  ...{ networkId: new Uint8Array(32), height, slot: Math.floor(height / 5), slotHash: new Uint8Array(32) },
  node: { key: own, status: "active", validUntil: 900, lastSlot: null, lastReport: new Uint8Array(32) },
  ...{ programExpires: 1_000, set: { root: rawCid(new Uint8Array(0)), count: 0, at: () => undefined } },
  ...{ samples: 2, rootOf: () => undefined },
});

function worldOf(
  registry: Map<number, Registered>,
  at: { height: number; isReporting?: true } = { height: 40 },
) {
  const clock = new SimClock();
  const wire = new SimNet({ seed: "entry", clock }).createWire("own");
  const sent: { readonly method: string; readonly key: string; readonly params: Uint8Array }[] = [];
  const refused = new Set<string>();
  const heads: (() => void)[] = [];
  const view = () => ({
    ...{ height: at.height, slotEpochs: 5, disputeSlots: 3, evidenceEpochs: 1_000, stake: filToAtto(1) },
    node: (number: number): Partial<PinNode> | undefined => {
      const found = registry.get(number);
      const gone = found?.status === "leaving" ? { endedIn: 2, stake: filToAtto(1) } : {};
      const standing = {
        status: found?.status ?? "active",
        operator,
        program,
        validUntil: epoch(900),
        openChallenges: 0,
        assigned: rawCid(new Uint8Array(0)),
      } as const;
      return found && { ...found, ...standing, ...gone };
    },
    nodeOfKey: (key: Address) => [...registry].find(([, node]) => node.key === key)?.[0],
    programEnds: () => 1_000,
    draw: () => new Uint8Array(32),
    challenges: () => [],
    orderCount: () => 0,
    orders: () => [],
    assigned: () => [],
    facts: () => (at.isReporting === true ? emptySlot(at.height + 1) : undefined),
    nodeCount: () => 0,
  });
  const posc = openPosc({
    chain: {
      ...{ network: "n", networkId: new Uint8Array(32), view },
      onHead: (listener: (change: PoscChange) => void) => {
        heads.push(() => listener({ reports: [], changedFrom: undefined }));
        return () => undefined;
      },
    },
    pins: { ready: async () => undefined, block: async () => undefined },
    sender: {
      operator: () => operator,
      accounts: () => [],
      isOwn: () => false,
      isRefused: (name: string) => refused.has(name),
      async send(message: (typeof sent)[number]) {
        if (message.method === "admitNode" && registry.has(7)) throw new Error("it has a node already");
        sent.push(message);
        return rawCid(message.params);
      },
      wait: async (_message: unknown, method: string) => {
        if (method === "admitNode") registry.set(7, { key: own, peerId: "own" });
      },
    },
    ...{ wire, clock, logger: silentLogger, database: openDatabase(":memory:"), random: new SeededRandom(1) },
    ...{ program: "test", challengeDeposit: () => undefined, askDeposit: () => undefined },
    attest: async () => ({ kind: "software", program, boundTo: "program", key, evidence }),
  } as unknown as PoscNeeds);
  const head = async (): Promise<void> => {
    for (const tell of heads) tell();
    await posc.settled();
  };
  return { posc, sent, refused, head };
}

describe("a node whose number a reorganisation changes", () => {
  it("goes on under the new one, and touches nothing of who has the old one", async () => {
    const registry = new Map<number, Registered>();
    const { posc, sent, head } = worldOf(registry);
    await using _ = posc;
    expect(await posc.join({ capacityBytes: 1_000, leastPrice: filToAtto(0) }, signal)).toBe(7);

    // The admission is not mined again yet: the number is a stranger's.
    registry.set(7, { key: strange, peerId: "strange" });
    await head();
    await expect(posc.leave(signal)).rejects.toMatchObject({ code: "posc/not-joined" });

    registry.set(9, { key: own, peerId: "own" });
    await head();
    expect(posc.status().node).toBe(9);
    expect(await posc.leave(signal)).toBe(9);
    const [, leaving, ...others] = sent;
    expect([leaving?.method, others.length]).toEqual(["leave", 0]);
    expect(decode(methods.pins.leave.params, leaving?.params ?? new Uint8Array())).toEqual({ node: 9 });
  });
});

describe("the way out of a node", () => {
  it("is asked for once a slot until the chain has it: a branch of it may have refused the message", async () => {
    const registry = new Map<number, Registered>();
    const at = { height: 40 };
    const { posc, sent, head } = worldOf(registry, at);
    await using _ = posc;
    await posc.join({ capacityBytes: 1_000, leastPrice: filToAtto(0) }, signal);
    await posc.leave(signal);
    const messages = async (method: string): Promise<number[]> => {
      const seen: number[] = [];
      for (const height of [41, 43, 44, 49]) {
        at.height = height;
        await head();
        seen.push(new Set(sent.filter((one) => one.method === method).map(({ key }) => key)).size);
      }
      return seen;
    };
    expect(await messages("leave")).toEqual([1, 1, 2, 3]);

    registry.set(7, { key: own, peerId: "own", status: "leaving" });
    // Too early to come again: the stake comes back all the same.
    const again = posc.join({ capacityBytes: 1_000, leastPrice: filToAtto(0) }, signal);
    await expect(again).rejects.toThrow("it has a node already");
    expect(await messages("withdrawStake")).toEqual([1, 1, 2, 3]);
    expect(sent.some(({ method }) => method === "renewNode")).toBe(false);
  });
});

describe("a report that a branch of the chain has refused", () => {
  it("is sent again, the same, as a message of its own and not for ever", async () => {
    const { posc, sent, refused, head } = worldOf(new Map(), { height: 43, isReporting: true });
    await using _ = posc;
    await posc.join({ capacityBytes: 1_000, leastPrice: filToAtto(0) }, signal);
    for (let turn = 0; turn < 8; turn += 1) {
      await head();
      for (const { key } of sent) refused.add(key);
    }
    const reports = sent.filter(({ method }) => method === "submitReport");
    expect(new Set(reports.map(({ key }) => key)).size).toBe(limits.pinMessageTries);
    expect(new Set(reports.map(({ params }) => toHex(params))).size).toBe(1);
  });
});
