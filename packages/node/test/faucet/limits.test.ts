/**
 * The limits of a faucet against a model, over its protocol and in virtual time: no window ever has more payments than
 * allowed, a refusal names the first instant at which the same request is granted, a repeated key pays nothing new,
 * and none of it depends on stops and crashes. Faucets with wrong limits or a bad memory must be caught.
 */
import {
  type Address,
  type CID,
  type Clock,
  cidOfCbor,
  encodeCbor,
  filToAtto,
  HoldfastError,
  MemoryBlockstore,
  seedAddress,
  silentLogger,
} from "@holdfast/base";
import { drainMicrotasks, SimClock, SimNet } from "@holdfast/base/testing";
import { createGenesis, createTipset, devnetParams } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/database.ts";
import {
  type Faucet,
  type FaucetLimits,
  type FaucetNeeds,
  faucetProtocol,
  machineOf,
  openFaucet,
} from "../../src/faucet/index.ts";
import { sendFrame } from "../../src/framing.ts";

const minuteMs = 60_000;
const limits: FaucetLimits = {
  faucetPerAddress: 1,
  faucetPerPeer: 2,
  faucetPerMachine: 3,
  faucetInAll: 5,
  faucetPerMinute: 2,
  faucetWindowMs: 30 * minuteMs,
  faucetMemoryMs: 1e12,
  faucetQueue: 8,
  faucetQueuePerPeer: 2,
  faucetAsked: 4,
};
const account = seedAddress(1, "faucet");
const params = devnetParams({ name: "faucet", roundMs: 1_000, faucetAmount: filToAtto(5) });
const machines: { readonly [peer: string]: string } = {
  p0: "/ip4/10.0.0.1/tcp/1",
  p1: "/ip4/10.0.0.1/tcp/2",
  p2: "/ip6/2001:db8::1/tcp/1",
  p3: "/ip6/2001:db8:0:0:ffff::9/tcp/1",
};

interface Paid {
  readonly requestKey: string;
  readonly peer: string;
  readonly machine: string;
  readonly address: Address;
  readonly atMs: number;
  readonly cid: CID;
}

/** A chain that stands still, and a sender that keeps what it was told, as the outbox does. */
class World implements AsyncDisposable {
  readonly clock = new SimClock();
  readonly net = new SimNet({ seed: "faucet", clock: this.clock, delayMs: 1 });
  readonly sent = new Map<string, { readonly cid: CID; readonly to: Address; readonly atMs: number }>();
  /** The node stops before the next message is in the outbox. */
  crashes = false;
  /** How far the faucet's own clock is wrong. */
  aheadMs = 0;
  readonly #limits: FaucetLimits;
  readonly #chain: FaucetNeeds["chain"];
  readonly #askers = new Map<string, Faucet>();
  readonly #forgets: boolean;
  #database: Database = openDatabase(":memory:");
  #wire = this.net.createWire("f");
  #faucet: Faucet;

  constructor(own: Partial<FaucetLimits> = {}, forgets = false) {
    this.#limits = { ...limits, ...own };
    this.#forgets = forgets;
    const store = new MemoryBlockstore();
    const accounts = [{ address: account, balance: filToAtto(1_000) }];
    const genesis = createGenesis({ params, accounts, miners: [], timestampMs: 0 }, store);
    const tipset = createTipset([genesis.header]);
    const protocol = { params, version: 1, upgrades: [], applied: [] };
    this.#chain = {
      params,
      store,
      genesis: tipset,
      protocol: () => protocol,
      headState: () => ({ state: genesis.state, tipset }),
    };
    this.#faucet = this.#open();
    for (const peer of Object.keys(machines)) {
      const wire = this.net.createWire(peer);
      this.#askers.set(peer, openFaucet({ ...this.#needs(), wire, service: undefined }));
    }
  }

  #needs(): Omit<FaucetNeeds, "wire" | "service"> {
    return {
      chain: this.#chain,
      sender: {
        send: ({ to, key }) => {
          if (this.crashes) return new Promise(() => undefined);
          const cid = cidOfCbor(encodeCbor(key));
          this.sent.set(key, { cid, to, atMs: this.clock.nowMs() });
          return Promise.resolve({ cid });
        },
        sentAs: (key) => this.sent.get(key),
        find: () => undefined,
      },
      signer: { payer: () => account, has: (address) => address === account },
      clock: this.clock,
      logger: silentLogger,
      database: this.#database,
      limits: this.#limits,
      remoteOf: (peer) => machines[peer],
    };
  }
  #open(): Faucet {
    const clock: Clock = {
      nowMs: () => this.clock.nowMs() + this.aheadMs,
      sleep: (ms, signal) => this.clock.sleep(ms, signal),
    };
    return openFaucet({ ...this.#needs(), clock, wire: this.#wire, service: { account: undefined } });
  }

  ask(peer: string, address: Address, key: string) {
    return this.settle(this.asked(peer, address, key));
  }
  async asked(peer: string, address: Address, key: string) {
    const { signal } = new AbortController();
    try {
      return await this.#askers.get(peer)?.ask({ address, key }, { from: "/sim/f", waitMs: 0, signal });
    } catch (error) {
      if (error instanceof HoldfastError) return error;
      throw error;
    }
  }
  settle<Result>(work: PromiseLike<Result>): Promise<Result> {
    return this.clock.settle(Promise.resolve(work), { limitMs: 10 * minuteMs, drain: drainMicrotasks });
  }
  pass(ms: number): Promise<void> {
    return this.clock.advance(ms, drainMicrotasks);
  }
  async restart(): Promise<void> {
    // A crash asks nobody to stop.
    if (!this.crashes) await this.settle(this.#faucet[Symbol.asyncDispose]());
    await this.settle(this.#wire[Symbol.asyncDispose]());
    this.crashes = false;
    this.#wire = this.net.createWire("f");
    if (this.#forgets) this.#database = openDatabase(":memory:");
    this.#faucet = this.#open();
    await this.pass(10);
  }
  /** By the record on the disk of the faucet that fell. */
  recordedMs(peer: string, key: string): number {
    const sql = "SELECT at_ms FROM faucet_payments WHERE requester = ? AND key = ?";
    return Number(this.#database.get(sql, peer, key)?.at_ms);
  }
  wire(peer: string) {
    return this.net.createWire(peer);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const asker of this.#askers.values()) await this.settle(asker[Symbol.asyncDispose]());
    await this.settle(this.#faucet[Symbol.asyncDispose]());
  }
}

class Model {
  readonly #paid: Paid[] = [];

  knows = (requestKey: string): Paid | undefined => this.#paid.find((one) => one.requestKey === requestKey);
  pay(paid: Paid): void {
    this.#paid.push(paid);
  }
  allows({ peer, machine, address }: Omit<Paid, "requestKey" | "atMs" | "cid">, nowMs: number): boolean {
    const count = (windowMs: number, isOf: (one: Paid) => boolean): number =>
      this.#paid.filter((one) => one.atMs > nowMs - windowMs && isOf(one)).length;
    const { faucetWindowMs: windowMs } = limits;
    return (
      count(windowMs, (one) => one.address === address) < limits.faucetPerAddress &&
      count(windowMs, (one) => one.peer === peer) < limits.faucetPerPeer &&
      count(windowMs, (one) => one.machine === machine) < limits.faucetPerMachine &&
      count(windowMs, () => true) < limits.faucetInAll &&
      count(minuteMs, () => true) < limits.faucetPerMinute
    );
  }
}

type Step =
  | { readonly kind: "ask" | "crash"; readonly peer: string; readonly to: number; readonly key: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "restart" };

const request = { peer: fc.constantFrom(...Object.keys(machines)), to: fc.nat(7), key: fc.nat(15) };
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("ask" as const), ...request }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), ...request }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("pass" as const),
        ms: fc.oneof(fc.nat(2 * minuteMs), fc.constant(minuteMs), fc.nat(20 * minuteMs)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  ),
  { minLength: 10, maxLength: 30 },
);

async function play(world: World, model: Model, step: Step): Promise<void> {
  if (step.kind === "pass") return await world.pass(step.ms);
  if (step.kind === "restart") return await world.restart();
  const { peer, to, key } = step;
  const address = seedAddress(1, `guest ${to}`);
  const who = { peer, machine: machineOf(machines[peer]), address };
  const requestKey = `${peer}/${key}`;
  const known = model.knows(requestKey);
  const before = world.sent.size;
  world.crashes = step.kind === "crash";
  const answer = await world.ask(peer, address, String(key));
  const wasCut = world.crashes && answer instanceof HoldfastError && answer.code === "net/timeout";
  if (step.kind === "crash") await world.restart();
  const [sent] = [...world.sent.values()].slice(before);
  if (known !== undefined) {
    expect(sent).toBeUndefined();
    if (known.address === address) expect(answer).toMatchObject({ cid: known.cid.toString() });
    else expect(answer).toMatchObject({ code: "faucet/key-reused" });
  } else if (answer instanceof HoldfastError && !wasCut) {
    expect(answer.code).toBe("faucet/limit-reached");
    expect(sent).toBeUndefined();
    const nextMs = Number(answer.data.nextMs);
    expect(model.allows(who, nextMs)).toBe(true);
    expect(model.allows(who, nextMs - 1)).toBe(false);
    expect(nextMs).toBeGreaterThan(world.clock.nowMs() - 1_000);
  } else {
    // What was in the record when the node fell is paid when it stands again; it counts from the record on.
    expect(sent?.to).toBe(address);
    const atMs = wasCut ? world.recordedMs(peer, String(key)) : (sent?.atMs ?? 0);
    expect(model.allows(who, atMs)).toBe(true);
    model.pay({ requestKey, ...who, atMs, cid: sent?.cid ?? cidOfCbor(encodeCbor("none")) });
  }
}

function property(own: Partial<FaucetLimits> = {}, forgets = false) {
  return fc.asyncProperty(steps, async (all) => {
    await using world = new World(own, forgets);
    const model = new Model();
    for (const step of all) await play(world, model, step);
  });
}

const canaries: readonly (readonly [string, Partial<FaucetLimits>, boolean])[] = [
  ["gives to an address once too often", { faucetPerAddress: 2 }, false],
  ["gives to a peer once too often", { faucetPerPeer: 3 }, false],
  ["gives to a machine once too often", { faucetPerMachine: 4 }, false],
  ["gives once too often in all", { faucetInAll: 6 }, false],
  ["gives too much in a minute", { faucetPerMinute: 3 }, false],
  ["gives again too early", { faucetWindowMs: limits.faucetWindowMs - 1 }, false],
  ["forgets over a restart", {}, true],
];

describe("the limits of a faucet", () => {
  it("hold in every window, over stops and crashes, and say when the next try succeeds", async () => {
    await fc.assert(property(), { numRuns: 60, seed: 7 });
  }, 120_000);

  for (const [mistake, own, forgets] of canaries) {
    it(`canary: a faucet that ${mistake} is found`, async () => {
      const found = await fc.check(property(own, forgets), { numRuns: 400, seed: 7, endOnFailure: true });
      expect(found.failed).toBe(true);
    }, 120_000);
  }

  it("hold no longer than their window when a clock was ahead and is right again", async () => {
    await using world = new World();
    const paidAt = async (key: string, aheadMs: number): Promise<unknown> => {
      world.aheadMs = aheadMs;
      return await world.ask(key === "a" ? "p0" : "p2", seedAddress(1, key), key);
    };
    const yearMs = 365 * 24 * 60 * minuteMs;
    expect(await paidAt("a", yearMs)).not.toBeInstanceOf(HoldfastError);
    expect(await paidAt("b", yearMs)).not.toBeInstanceOf(HoldfastError);
    const refused = await world.ask("p1", seedAddress(1, "c"), "c").then(() => paidAt("c", 0));
    expect(refused).toBeInstanceOf(HoldfastError);
    await world.pass(minuteMs);
    expect(await paidAt("c", 0)).not.toBeInstanceOf(HoldfastError);
    await world.pass(limits.faucetWindowMs);
    expect(await world.ask("p0", seedAddress(1, "a"), "again")).not.toBeInstanceOf(HoldfastError);
  });

  it("bound the queue, of one peer and in all", async () => {
    await using world = new World({
      faucetPerPeer: 100,
      faucetPerMachine: 100,
      faucetInAll: 100,
      faucetPerMinute: 100,
    });
    world.crashes = true; // the first one holds all the others up
    const peers = ["p0", "p0", "p0", "p1", "p1", "p1", "p2", "p2", "p2", "p3", "p3", "p3"];
    const asked = peers.map((peer, index) => world.asked(peer, seedAddress(1, `g${index}`), `k${index}`));
    const answers = await world.settle(Promise.all(asked));
    const codes = answers.map((one) => (one instanceof HoldfastError ? one.code : "paid"));
    expect(codes.filter((code) => code === "faucet/busy")).toHaveLength(4);
    expect(codes.filter((code) => code === "net/timeout")).toHaveLength(8);
    await world.restart();
    const [owed] = [...world.sent.values()];
    expect(world.sent.size).toBe(1);
    expect(owed?.to).toBe(seedAddress(1, "g0"));
  });

  it("are not reached by what is no request", async () => {
    await using world = new World();
    const wire = world.wire("rude");
    const rude = [
      new Uint8Array(0),
      new Uint8Array(513),
      Uint8Array.of(0x83, 1, 2, 3),
      encodeCbor(["a", "b"]),
    ];
    for (const bytes of rude) {
      const peer = await world.settle(wire.connect("/sim/f"));
      const stream = await world.settle(wire.open(peer, faucetProtocol));
      await world.settle(sendFrame(stream, bytes).catch(() => undefined));
      const answer = await world.settle(stream.read().catch(() => "aborted"));
      expect(answer).toBe("aborted");
    }
    expect(world.sent.size).toBe(0);
  });

  it("count a /64 of IPv6 as one machine, and IPv4 in IPv6 clothes as what it is", () => {
    expect(machineOf("/ip6/2001:db8::1/tcp/1")).toBe(machineOf("/ip6/2001:db8:0:0:ffff::9/tcp/1"));
    expect(machineOf("/ip6/2001:db8:0:1::1/tcp/1")).not.toBe(machineOf("/ip6/2001:db8::1/tcp/1"));
    expect(machineOf("/ip6/::ffff:10.0.0.1/tcp/1")).toBe(machineOf("/ip4/10.0.0.1/tcp/9"));
    expect(machineOf("/ip6/::1/tcp/1")).toBe("0:0:0:0::/64");
    expect(machineOf(undefined)).toBe("");
  });

  it("count all who hide their machine as one: who asks and hangs up gets no more than others", () => {
    expect(machineOf("")).toBe(machineOf("/dns4/example.org/tcp/1"));
    expect(machineOf("")).not.toBe("");
  });
});
