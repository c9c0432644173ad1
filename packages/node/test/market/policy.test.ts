/** Which deals a miner takes: each rule has its own refusal, told before anything is paid, and a program may say no. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { abortable, attoFil, type JsonObject } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { storageErrors } from "@holdfast/storage";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/limits.ts";
import type { MinerMarketNeeds } from "../../src/market/index.ts";
import {
  checkPolicy,
  type DealPolicy,
  type DealWish,
  openPolicy,
  percentFor,
} from "../../src/market/policy.ts";
import { policyHook } from "../../src/policy-hook.ts";
import { keysOf, noise, testParams, World } from "./support/world.ts";

const params = testParams();
const client = keysOf("client").address;
const other = keysOf("other").address;
const wish: DealWish = { client, durationEpochs: 500, storedUntil: undefined, way: "stream" };

function codeOf(policy: Partial<DealPolicy>, change: Partial<DealWish> = {}): string {
  try {
    checkPolicy({ ...openPolicy, ...policy }, { ...wish, ...change }, params);
    return "";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("a policy", () => {
  it("takes everything that the network has, as long as nobody says otherwise", () => {
    expect(codeOf({})).toBe("");
    expect(codeOf({}, { storedUntil: 700 })).toBe("");
  });

  it.each<[string, Partial<DealPolicy>, Partial<DealWish>, string]>([
    ["is closed", { open: false }, {}, "deal/closed"],
    ["denies a client", { deny: [client] }, {}, "deal/client-refused"],
    ["allows others", { allow: [other] }, {}, "deal/client-refused"],
    ["allows the client", { allow: [other, client] }, {}, ""],
    ["denies whom it allows", { allow: [client], deny: [client] }, {}, "deal/client-refused"],
    ["knows nobody", { verifiedOnly: true }, {}, "deal/not-verified"],
    ["knows the client", { verifiedOnly: true, verified: [client] }, {}, ""],
    ["wants longer deals", { minEpochs: 501 }, {}, "deal/duration-out-of-range"],
    ["wants just such deals", { minEpochs: 500, maxEpochs: 500 }, {}, ""],
    ["wants shorter deals", { maxEpochs: 499 }, {}, "deal/duration-out-of-range"],
    ["fetches nothing from the web", { http: false }, { way: "http" }, "deal/delivery-refused"],
    ["fetches from the web", { offline: false }, { way: "http" }, ""],
    ["takes nothing that is carried", { offline: false }, { way: "offline" }, "deal/delivery-refused"],
    ["keeps nothing twice", { duplicates: false }, { storedUntil: 700 }, "deal/duplicate"],
  ])("that %s", (_name, policy, change, code) => {
    expect(codeOf(policy, change)).toBe(code);
  });

  it("lets clients that it knows pay a share of the ask", () => {
    const policy = { ...openPolicy, verified: [client], verifiedPercent: 40 };
    expect([percentFor(policy, client), percentFor(policy, other)]).toEqual([40, 100]);
  });
});

describe("a miner with a policy", () => {
  it("is passed over with its reason, and no money moves to it", async () => {
    await using world = await World.create({ miners: 2 });
    world.miner(0).market.policy({ deny: [client] });
    const job = await world.put(await world.import(noise(3_000)));
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    expect(world.count("createChannel")).toBe(1);
    expect(await world.miner(0).market.deals()).toEqual([]);
  });

  it("that has no room beside what it waits for is passed over for that, before anything is paid", async () => {
    await using world = await World.create({ miners: 2 });
    const full = storageErrors.full({ neededBytes: 1_024, availableBytes: 0, limit: "the disk" });
    const refusal: NonNullable<MinerMarketNeeds["storage"]["refusal"]> = async (pieces) =>
      [...pieces].reduce((sum, [size, count]) => sum + size * count, 0) > 4_096 ? full : undefined;
    Object.assign(world.miner(0).storage, { refusal });
    const asked = { carBytes: 3_000, durationEpochs: 240 };
    const [before] = await world.settle(world.client.market.terms(asked));
    expect(before).toMatchObject({ isWilling: true });
    // One that was taken, and whose data somebody brings some day.
    const cid = await world.import(noise(1_500, 2));
    const offline = { cid, copies: 1, durationEpochs: 900, delivery: "offline" };
    await world.settle(world.client.market.startPut(offline));
    await world.until(async () => (await world.miner(0).market.deals()).length === 1);
    const [terms] = await world.settle(world.client.market.terms(asked));
    const reason = expect.stringContaining("the disk");
    expect(terms).toMatchObject({ isWilling: false, code: "deal/no-room", reason });
    const job = await world.put(await world.import(noise(3_000)));
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    expect(world.count("createChannel")).toBe(2);
  });

  it("says what it would take to who asks, and what it would not", async () => {
    await using world = await World.create({ miners: 2 });
    world.miner(0).market.policy({ minEpochs: 400, verified: [client], verifiedPercent: 50 });
    world.miner(1).market.policy({ open: false });
    const asked = (durationEpochs: number) =>
      world.settle(world.client.market.terms({ carBytes: 3_000, durationEpochs }));
    const [short, closed] = await asked(240);
    expect(short).toMatchObject({
      isWilling: false,
      code: "deal/duration-out-of-range",
      reason: expect.stringContaining("400 to"),
      totalFil: null,
      terms: { minEpochs: 400, pricePerBytePerEpoch: 5n },
    });
    expect(closed).toMatchObject({ isWilling: false, code: "deal/closed" });
    const [long] = await asked(400);
    // With their padding 3,000 bytes are pieces of 2,048 and of 1,024.
    expect(long).toMatchObject({ isWilling: true, code: "", totalFil: "0.000000000006144" });
  });

  it("is paid the share by those that it knows, to the last voucher", async () => {
    await using world = await World.create({ miners: 1 });
    world.miner(0).market.policy({ verified: [client], verifiedPercent: 50 });
    const job = await world.put(await world.import(noise(3_000)), { durationEpochs: 120 });
    expect(job.state).toBe("done");
    const price = 5n * 4_096n * 120n;
    await world.until(async () => (await world.miner(0).market.deals())[0]?.state === "complete", 400);
    const [deal] = await world.miner(0).market.deals();
    expect(deal?.redeemedFil).toBe(deal?.totalFil);
    expect(attoFil(BigInt(Math.round(Number(deal?.totalFil) * 1e18)))).toBe(price);
  });

  it("asks its operator's program, which sees the deal and may say no, and tells the client why", async () => {
    await using world = await World.create({ miners: 2 });
    const miner = world.miner(0);
    const seen: JsonObject[] = [];
    await world.reopenMiner(miner, {
      ...miner.needs,
      async policyHook(given) {
        seen.push(given);
        return { output: JSON.stringify({ accept: given.stage === "quote", reason: "not on a Saturday" }) };
      },
    });
    const job = await world.put(await world.import(noise(3_000)));
    expect(job).toMatchObject({ state: "done", copies: [{ miner: world.miner(1).address }] });
    expect(seen.map(({ stage }) => stage)).toEqual(["quote", "proposal"]);
    expect(seen[1]).toMatchObject({
      client,
      carBytes: job.carBytes,
      durationEpochs: 240,
    });
    const causes = world.client.market.explain(job.jobId)?.causes.join() ?? "";
    expect(causes).toContain("not on a Saturday");
  });

  it("judges what is signed while questions that nobody has signed keep its program busy", async () => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    const seen: string[] = [];
    let [asked, ended] = [0, 0];
    const floodBytes = 901;
    const flood = () => {
      for (let n = 0; n < limits.marketStreamsPerPeer - 1; n += 1)
        void world.client.market.terms({ carBytes: floodBytes, durationEpochs: 240 }).catch(() => undefined);
    };
    await world.reopenMiner(miner, {
      ...miner.needs,
      async policyHook({ stage, carBytes }, signal) {
        if (carBytes === floodBytes) {
          asked += 1;
          await abortable(signal, new Promise(() => undefined)).catch(() => (ended += 1));
        } else if (stage === "quote") flood();
        else seen.push(`a proposal beside ${asked - ended} questions`);
        await world.clock.sleep(100, signal); // time for the flood to come in before the proposal does
        return { output: '{"accept": true}' };
      },
    });
    const job = await world.put(await world.import(noise(3_000)));
    expect(job.state).toBe("done");
    expect(seen).toEqual([`a proposal beside ${limits.policyHookQuotes} questions`]);
  });

  it.each([
    ["crashes", { failure: "it ended with code 1" }],
    ["prints nonsense", { output: "yes please" }],
    ["gives no verdict", { output: '{"reason":"hm"}' }],
  ])("whose program %s takes no deal meanwhile", async (_name, said) => {
    await using world = await World.create({ miners: 1 });
    const miner = world.miner(0);
    await world.reopenMiner(miner, { ...miner.needs, policyHook: async () => said });
    const [line] = await world.settle(world.client.market.terms({ carBytes: 900, durationEpochs: 240 }));
    expect(line).toMatchObject({ isWilling: false, code: "deal/no-word-of-operator" });
  });
});

describe("the same file again", () => {
  it("goes to a miner that does not have it, then to none, unless it is said", async () => {
    await using world = await World.create({ miners: 2 });
    const cid = await world.import(noise(900));
    const miners = [];
    for (let puts = 0; puts < 2; puts += 1) {
      const job = await world.put(cid, { durationEpochs: 1_000 });
      miners.push(job.copies[0]?.miner);
    }
    expect(miners).toEqual(world.miners.map(({ address }) => address));
    const third = await world.put(cid, { durationEpochs: 1_000 });
    expect(third).toMatchObject({ state: "failed", error: { code: "market/duplicate" } });
    expect(third.error?.message).toContain("2 of the miners");
    expect(world.count("createChannel")).toBe(2);
    const twice = await world.put(cid, { durationEpochs: 1_000, allowDuplicates: true });
    expect(twice.state).toBe("done");
    for (const miner of world.miners) miner.market.policy({ duplicates: false });
    const refused = await world.put(cid, { durationEpochs: 1_000, allowDuplicates: true });
    expect(refused.error?.message).toContain("deal/duplicate");
    expect(world.count("createChannel")).toBe(3);
  });
});

describe("a program of the operator", () => {
  const signal = new AbortController().signal;
  const node = process.execPath.includes(" ") ? "node" : process.execPath;
  const echo = `${node} -e process.stdin.pipe(process.stdout)`;

  it("is given the wish on its input, and what it prints is what it says", async () => {
    const said = await policyHook(echo, new SimClock())({ client: "tf0" }, signal);
    expect(said).toEqual({ output: '{"client":"tf0"}\n' });
  });

  it("that fails, or is not there, has failed", async () => {
    const clock = new SimClock();
    expect(await policyHook(`${node} -e process.exit(3)`, clock)({}, signal)).toEqual({
      failure: "it ended with code 3",
    });
    expect(await policyHook("/nonexistent/judge", clock)({}, signal)).toMatchObject({
      failure: expect.stringContaining("could not be started"),
    });
  });

  it("that takes too long is killed", async () => {
    const clock = new SimClock();
    const said = policyHook(`${node} -e setInterval(()=>{},1000)`, clock)({}, signal);
    expect(await clock.settle(said, { limitMs: 60_000 })).toMatchObject({
      failure: expect.stringContaining("has not answered"),
    });
  });

  it("is ended with all that it has started, and what those print is held by nobody", async () => {
    const clock = new SimClock();
    const place = mkdtempSync(join(tmpdir(), "hook-"));
    const [script, pid] = [join(place, "hook"), join(place, "pid")];
    const child = "require('child_process').spawn('sleep',['600'],{stdio:['ignore',1,'ignore']})";
    writeFileSync(
      script,
      `const c=${child};require('fs').writeFileSync(${JSON.stringify(pid)},String(c.pid));setInterval(()=>{},1000)`,
    );
    const said = policyHook(`${node} ${script}`, clock)({}, signal);
    await expect
      .poll(() => existsSync(pid) && readFileSync(pid, "utf8") !== "", { timeout: 20_000 })
      .toBe(true);
    const grandchild = Number(readFileSync(pid, "utf8"));
    expect(await clock.settle(said, { limitMs: 60_000 })).toHaveProperty("failure");
    await expect.poll(() => isRunning(grandchild), { timeout: 20_000 }).toBe(false);
    rmSync(place, { recursive: true });
  });
});

/** A process that has ended may wait for its parent. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
