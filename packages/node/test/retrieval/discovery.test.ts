/** Who has what, and nodes that fetch for others: in virtual time, and once on sockets through the table of peers. */
import { attoFil, type CID, type PeerId, rawCid } from "@holdfast/base";
import { codeOf } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { Risk, RiskyBudget } from "../../src/retrieval/budget.ts";
import { Budget, type ContentRouting } from "../../src/retrieval/index.ts";
import { addressOf, Bank } from "./bank.ts";
import { chunkBytes, collect, expectSameBytes, listOf, randomBytes, streamOf, World } from "./support.ts";

const { signal } = new AbortController();

/** A table that all nodes share. */
class Table {
  readonly entries = new Map<string, Set<PeerId>>();
  questions = 0;

  of(peer: PeerId): ContentRouting {
    const table = this;
    return {
      async provide(cid) {
        const known = table.entries.get(cid.toString()) ?? new Set();
        table.entries.set(cid.toString(), known.add(peer));
      },
      async *find(cid) {
        table.questions++;
        yield* table.entries.get(cid.toString()) ?? [];
      },
    };
  }
}

describe("finding content", () => {
  it("names who has a root or any block below it, and what it costs there", async () => {
    const world = new World();
    const bank = new Bank();
    const bytes = randomBytes("found", 4 * chunkBytes);
    const free = await world.node("free");
    const dear = await world.node("dear", { payments: bank.door("dear") });
    const empty = await world.node("empty");
    const client = await world.node("client");
    dear.retrieval.service({ pricePerByte: attoFil(5n) });
    const { root, carBytes } = await free.retrieval.importFile(streamOf(bytes));
    await dear.retrieval.importFile(streamOf(bytes));
    const peers = [free.peer, dear.peer, empty.peer];
    const found = await world.run(listOf(client.retrieval.find(root, peers, signal)));
    const byPeer = new Map(found.map((one) => [one.peer, one]));
    expect([...byPeer.keys()].sort()).toEqual([dear.peer, free.peer].sort());
    expect(byPeer.get(free.peer)).toMatchObject({ pricePerByte: 0n, payee: null, carBytes });
    expect(byPeer.get(dear.peer)).toMatchObject({ pricePerByte: 5n, payee: addressOf("dear"), carBytes });
    const leaf = rawCid(bytes.subarray(0, chunkBytes));
    expect(await world.run(listOf(client.retrieval.find(leaf, peers, signal)))).toHaveLength(2);
    const nowhere = rawCid(Uint8Array.of(1, 2, 3));
    expect(await world.run(listOf(client.retrieval.find(nowhere, peers, signal)))).toEqual([]);
  });

  it("asks the table for who is not known, and a fetch does so too, once", async () => {
    const world = new World();
    const table = new Table();
    const bytes = randomBytes("table", 3 * chunkBytes);
    const far = await world.wire("far");
    const provider = await world.node("provider", { routing: table.of("provider" as PeerId) });
    const { root } = await provider.retrieval.importFile(streamOf(bytes));
    await world.advance(1_000);
    expect([...table.entries.keys()]).toContain(root.toString());
    const client = await world.node("client", { routing: table.of("client" as PeerId) });
    const found = await world.run(listOf(client.retrieval.find(root, [far.self], signal)));
    expect(found).toMatchObject([{ peer: provider.peer, isFromTable: true }]);
    table.questions = 0;
    const opened = await world.run(client.retrieval.openFile(root, { providers: [] }));
    expectSameBytes(await world.run(collect(opened.bytes)), bytes);
    expect(table.questions).toBe(1);
  });
});

describe("a node that caches", () => {
  const bytes = randomBytes("cached", 12 * chunkBytes);

  async function chain(options: { readonly caches: boolean; readonly sourcePrice?: bigint }) {
    const world = new World();
    const bank = new Bank();
    const source = await world.node("source", { payments: bank.door("source") });
    source.retrieval.service({ pricePerByte: attoFil(options.sourcePrice ?? 0n) });
    const { root } = await source.retrieval.importFile(streamOf(bytes));
    const cache = await world.node("cache", { payments: bank.door("cache"), peers: () => [source.peer] });
    const { caches } = options;
    cache.retrieval.service({ pricePerByte: attoFil(20n), caches, mostPerByte: attoFil(10n) });
    const client = await world.node("client", { payments: bank.door("client") });
    const read = async (root: CID, span = {}): Promise<Uint8Array> => {
      const budget = new Budget(attoFil(10n ** 15n));
      const opening = client.retrieval.openFile(root, { providers: [cache.peer], budget, ...span });
      return world.run(opening.then((opened) => collect(opened.bytes)));
    };
    return { world, bank, source, cache, client, root, read };
  }

  it("has nothing for pay stored, fetches what is asked of it, and earns by giving it on", async () => {
    const { world, bank, source, cache, root, read } = await chain({ caches: true, sourcePrice: 10n });
    const span = { offsetBytes: 5 * chunkBytes, lengthBytes: 10 };
    expectSameBytes(await read(root, span), bytes.subarray(5 * chunkBytes, 5 * chunkBytes + 10));
    await world.advance(120_000);
    expect(await cache.blocks.usedBytes()).toBeLessThan(2 * chunkBytes);
    expectSameBytes(await read(root), bytes);
    await world.advance(120_000);
    const cost = bank.paidTo(addressOf("source"));
    const income = bank.paidTo(addressOf("cache"));
    expect(cost).toBe(BigInt(await cache.blocks.usedBytes()) * 10n);
    expect(income).toBe(2n * cost);
    await world.run(source.retrieval[Symbol.asyncDispose]());
    const late = await world.node("late", { payments: bank.door("late") });
    const opening = late.retrieval.openFile(root, {
      providers: [cache.peer],
      budget: new Budget(attoFil(10n ** 15n)),
    });
    expectSameBytes(await world.run(opening.then((opened) => collect(opened.bytes))), bytes);
  });

  it("pays no more than its operator allows, and fetches nothing when it is told not to", async () => {
    const dear = await chain({ caches: true, sourcePrice: 11n });
    expect(await codeOf(dear.read(dear.root))).toBe("retrieval/no-provider");
    expect(dear.bank.opened).toBe(0);
    const off = await chain({ caches: false });
    expect(await codeOf(off.read(off.root))).toBe("retrieval/no-provider");
    expect(await off.cache.blocks.usedBytes()).toBe(0);
  });

  it("loses no more than what it risks, however many strangers ask and do not pay", () => {
    let earned = attoFil(500n);
    const risk = new Risk(() => earned);
    const errand = () => new RiskyBudget(attoFil(60n), risk, 100n);
    const first = errand();
    first.spend(60n);
    expect([first.left(), errand().left()]).toEqual([0n, 40n]);
    errand().spend(40n);
    expect(errand().left()).toBe(0n);
    earned = attoFil(530n); // somebody has paid
    expect(errand().left()).toBe(30n);
  });

  it("does not go round in circles with others that cache", async () => {
    const world = new World();
    const peers: PeerId[] = [];
    const nodes = [];
    for (const name of ["one", "two", "three"]) {
      const node = await world.node(name, { peers: () => peers.filter((peer) => peer !== name) });
      node.retrieval.service({ caches: true });
      peers.push(node.peer);
      nodes.push(node);
    }
    const client = await world.node("client");
    const startMs = world.clock.nowMs();
    const opening = client.retrieval.openFile(rawCid(Uint8Array.of(9)), { providers: peers });
    expect(await codeOf(world.run(opening))).toBe("retrieval/no-provider");
    expect(world.clock.nowMs() - startMs).toBeLessThan(5_000);
  });
});
