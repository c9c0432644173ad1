/** A reorganisation after a node has joined: the chain has given its number to another, and another number to it. */
import { type Address, decode, epoch, filToAtto, rawCid, seedAddress, silentLogger } from "@holdfast/base";
import { SeededRandom, SimClock, SimNet } from "@holdfast/base/testing";
import { methods, type PinNode } from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/database.ts";
import { openPosc, type PoscChange, type PoscNeeds } from "../../src/posc/index.ts";

const program = new Uint8Array(32).fill(1);
const own: Address = seedAddress(1, "own key");
const strange: Address = seedAddress(1, "strange key");
const operator: Address = seedAddress(1, "operator");
const { signal } = new AbortController();

interface Registered {
  readonly key: Address;
  readonly peerId: string;
}

function worldOf(registry: Map<number, Registered>) {
  const clock = new SimClock();
  const wire = new SimNet({ seed: "entry", clock }).createWire("own");
  const sent: { readonly method: string; readonly params: Uint8Array }[] = [];
  const heads: (() => void)[] = [];
  const view = () => ({
    ...{ height: 40, slotEpochs: 5, disputeSlots: 3, evidenceEpochs: 1_000, stake: filToAtto(1) },
    node: (number: number): Partial<PinNode> | undefined => {
      const found = registry.get(number);
      const standing = {
        status: "active",
        operator,
        program,
        validUntil: epoch(900),
        openChallenges: 0,
      } as const;
      return found && { ...found, ...standing };
    },
    nodeOfKey: (key: Address) => [...registry].find(([, node]) => node.key === key)?.[0],
    programEnds: () => 1_000,
    draw: () => new Uint8Array(32),
    challenges: () => [],
    orderCount: () => 0,
    orders: () => [],
    assigned: () => [],
    facts: () => undefined,
    nodeCount: () => 0,
  });
  const key = { address: own, publicKey: new Uint8Array(65), sign: () => new Uint8Array(65) };
  const evidence = async () => ({
    evidence: { kind: "software", evidence: new Uint8Array(1), collateral: [] } as const,
    collateralEndSeconds: Number.MAX_SAFE_INTEGER,
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
      async send(message: (typeof sent)[number]) {
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
  return { posc, sent, head };
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
