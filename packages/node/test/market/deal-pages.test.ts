/** Deals come in pages and are found by their ends, and no statement reads more rows than it gives. */
import { channelId, encode } from "@holdfast/base";
import { describe, expect, it } from "vitest";
import { type Database, openDatabase, type SqlValue } from "../../src/database.ts";
import { dealPages, everyDeal } from "../../src/deal-pages.ts";
import { ClientStore } from "../../src/market/client/store.ts";
import { signedProposalCodec } from "../../src/market/deal.ts";
import { AmendmentStore } from "../../src/market/miner/amendment-store.ts";
import { MinerStore } from "../../src/market/miner/store.ts";
import { facts, payer, proposalWith } from "./support/proposals.ts";

const dealCount = 500;
const idOf = (at: number): string => `bafy-some-deal-${String(at).padStart(8, "0")}`;

/** A database that counts the rows that it gives and knows which tables its statements went through whole. */
function counting(inner: Database) {
  const seen = { rows: 0, scans: [] as string[] };
  const look = (sql: string, values: readonly SqlValue[]): void => {
    for (const { detail } of inner.all(`EXPLAIN QUERY PLAN ${sql}`, ...values)) {
      if (
        /^SCAN (?!CONSTANT|market_deal_counts|market_jobs USING COVERING INDEX market_jobs_running)/.test(
          String(detail),
        )
      )
        seen.scans.push(`${detail}: ${sql}`);
    }
  };
  const database: Database = {
    ...inner,
    get: (sql, ...values) => {
      if (sql.startsWith("SELECT")) look(sql, values);
      return inner.get(sql, ...values);
    },
    all: (sql, ...values) => {
      look(sql, values);
      const rows = inner.all(sql, ...values);
      seen.rows += rows.length;
      return rows;
    },
  };
  return { database, seen };
}

function fullClient() {
  const { database, seen } = counting(openDatabase(":memory:"));
  const store = new ClientStore(database);
  const times = { startedMs: 0, key: null, delivery: "stream" };
  const policy = { encrypted: false, renew: false, repair: false, allowDuplicates: false };
  const jobId = store.addJob({
    ...{ cid: "bafy", name: null, sizeBytes: 1, carBytes: 1, copies: 1, durationEpochs: 1, maxPrice: null },
    ...{ payer: payer.address, spread: "miners", ...policy, ...times },
  });
  const { totalPrice, pricePerBytePerEpoch, providerCollateral, clientCollateral } = proposalWith().proposal;
  for (let at = 0; at < dealCount; at++) {
    const money = {
      pricePerBytePerEpoch,
      total: totalPrice,
      collateral: clientCollateral,
      providerCollateral,
    };
    const place = { jobId, copy: 0, miner: facts.miner, sectorBytes: 2_048, durationEpochs: 1 };
    const id = store.addAttempt({ ...place, ...money }, 0);
    // Every second attempt was proposed.
    if (at % 2 === 0) store.updateAttempt(id, { dealId: idOf(at) });
  }
  Object.assign(seen, { rows: 0, scans: [] });
  return { store, seen };
}

function fullMiner() {
  const { database, seen } = counting(openDatabase(":memory:"));
  const store = new MinerStore(database, new AmendmentStore(database));
  const signed = proposalWith();
  const bytes = encode(signedProposalCodec, signed);
  for (let at = 0; at < dealCount; at++) {
    const proposal = { ...signed.proposal, channel: channelId(at) };
    store.add(idOf(at), bytes, proposal, { atMs: 0, state: "accepted", detail: "" });
  }
  Object.assign(seen, { rows: 0, scans: [] });
  return { store, seen };
}

describe("a page of many deals", () => {
  it("reads as many rows of a client's as it gives", () => {
    const { store, seen } = fullClient();
    const first = store.proposed({ limit: 20 });
    expect(first.map(({ dealId }) => dealId)).toEqual(
      Array.from({ length: 20 }, (_, at) => idOf(498 - 2 * at)),
    );
    const second = store.proposed({ limit: 20, after: first.at(-1)?.dealId ?? "" });
    expect(second[0]?.dealId).toBe(idOf(458));
    expect(store.dealEndingWith("00000030")).toBe(idOf(30));
    expect(store.dealEndingWith("deal-00000030")).toBe(idOf(30));
    expect(store.dealEndingWith("other-00000030")).toBeUndefined();
    expect(store.dealEndingWith("00000031")).toBeUndefined();
    expect(seen).toEqual({ rows: 40, scans: [] });
  });

  it("reads as many rows of a miner's as it gives", () => {
    const { store, seen } = fullMiner();
    const first = store.page({ limit: 20 });
    expect(first.map(({ dealId }) => dealId)).toEqual(Array.from({ length: 20 }, (_, at) => idOf(499 - at)));
    expect(store.page({ limit: 20, after: idOf(480) })[0]?.dealId).toBe(idOf(479));
    expect(store.endingWith("00000030")).toBe(idOf(30));
    expect(store.endingWith("other-00000030")).toBeUndefined();
    expect(seen).toEqual({ rows: 40, scans: [] });
    for (let at = 3; at < dealCount; at++) {
      store.update(idOf(at), { state: "complete", settled: true, dropped: true, closed: true });
    }
    expect(store.awake(9)).toEqual([idOf(0), idOf(1), idOf(2)]);
    expect(seen).toEqual({ rows: 43, scans: [] });
  });

  it("reads the deals of a miner that do not rest, and wakes one to which something happens", () => {
    const { store, seen } = fullMiner();
    for (let at = 0; at < dealCount; at++) store.rest(idOf(at), 100 + (at % 50));
    expect(store.awake(99)).toEqual([]);
    expect(store.awake(101)).toHaveLength((2 * dealCount) / 50);
    store.rest(idOf(7), 200);
    store.update(idOf(7), { state: "complete" });
    store.update(idOf(8), {}, { atMs: 0, state: "active", detail: "a line of history" });
    expect(store.awake(99)).toEqual([idOf(7)]);
    expect(seen).toEqual({ rows: (2 * dealCount) / 50 + 1, scans: [] });
    expect(store.counts()).toEqual({ accepted: dealCount - 1, complete: 1 });
    store.rest(idOf(9), 300);
    store.wake(idOf(9)); // what was decided and not written down yet, and what was
    store.wake(idOf(10));
    expect(store.awake(99)).toEqual([idOf(7), idOf(9), idOf(10)]);
  });

  it("of a page of puts, of files and of what is kept reads no more either", () => {
    const { store, seen } = fullClient();
    expect(store.jobs({ limit: 20 })).toHaveLength(1);
    expect(store.newestJobs({ limit: 20 })).toHaveLength(1);
    expect(store.jobs({ limit: 20, kept: true })).toEqual([]);
    expect(store.runningJobs()).toEqual([1]);
    expect(seen.scans).toEqual([]);
  });

  it("goes on with the deals as miner behind those as client, each once, also where both are of one id", async () => {
    const clientIds = Array.from({ length: 150 }, (_, at) => idOf(at));
    const minerIds = Array.from({ length: 130 }, (_, at) => idOf(at + 100));
    const half = <Role extends "client" | "miner">(role: Role, ids: readonly string[]) => ({
      deals: ({ after, limit = 0 }: { after?: string | undefined; limit?: number | undefined } = {}) => {
        const from = after === undefined ? 0 : ids.indexOf(after) + 1;
        return ids.slice(from, from + limit).map((dealId) => ({ dealId, role }));
      },
      deal: (dealId: string) => (ids.includes(dealId) ? { dealId, role } : undefined),
      dealEndingWith: (tail: string) => ids.findLast((id) => id.endsWith(tail)),
    });
    const pages = dealPages(half("client", clientIds) as never, half("miner", minerIds) as never);
    const all: string[] = [];
    for await (const { role, dealId } of everyDeal(pages)) all.push(`${role}/${dealId}`);
    const wanted = [...clientIds.map((id) => `client/${id}`), ...minerIds.map((id) => `miner/${id}`)];
    expect(all).toEqual(wanted);
    const mined: string[] = [];
    for await (const { dealId } of everyDeal(pages, "miner")) mined.push(dealId);
    expect(mined).toEqual(minerIds);
    expect(await pages.deal("00000149")).toMatchObject({ role: "client" });
    expect(await pages.deal("00000149", "miner")).toMatchObject({ role: "miner" });
    expect(await pages.deal("00000220")).toMatchObject({ role: "miner", dealId: idOf(220) });
    expect(await pages.deal("00000220", "client")).toBeUndefined();
    expect(await pages.deal("0000220")).toBeUndefined();
  });
});
