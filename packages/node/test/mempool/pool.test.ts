/**
 * The pool by itself, on a chain that stands where the test puts it: what it takes, what it refuses and with which
 * code, what leaves it, what survives a restart. Properties hold it to its limits under a flood.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { HoldfastError, silentLogger } from "@holdfast/base";
import { SimClock } from "@holdfast/base/testing";
import { messageBytes, messageCid, type SignedMessage } from "@holdfast/consensus";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type Database, databaseErrors, openDatabase } from "../../src/database.ts";
import { type Mempool, openMempool } from "../../src/mempool/index.ts";
import { alice, balance, bob, carol, message, StandingChain, stranger } from "./standing-chain.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const silent = { publish: async () => undefined, subscribe: () => () => undefined };
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

function poolOn(
  chain: StandingChain,
  most: Parameters<typeof openMempool>[1] = {},
  database: Database = openDatabase(":memory:"),
): Mempool {
  const needs = { chain, wire: silent, clock: new SimClock(), logger: silentLogger, database };
  const pool = openMempool(needs, most);
  opened.push(pool);
  return pool;
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "taken";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
};

describe("the pool", () => {
  it("takes messages ahead of their turn, and offers those whose turn it is, best paid first", () => {
    const pool = poolOn(new StandingChain());
    const [a0, a2, b0, b1] = [
      message(alice, 0, { price: 1n }),
      message(alice, 2, { price: 9n }),
      message(bob, 0, { price: 2n }),
      message(bob, 1, { price: 3n }),
    ];
    for (const signed of [a2, b1, a0, b0]) pool.add(signed);
    expect(pool.candidates(10)).toEqual([b0, b1, a0]);
    expect(pool.candidates(2)).toEqual([b0, b1]);
    expect(pool.nextNonce(alice.address)).toBe(1);
    pool.add(message(alice, 1));
    expect(pool.nextNonce(alice.address)).toBe(3);
    expect(pool.pending()).toHaveLength(5);
  });

  it("refuses what is known, forged, too far ahead or from nobody, each with its code", () => {
    const pool = poolOn(new StandingChain());
    const first = message(alice, 0);
    pool.add(first);
    expect(codeOf(() => pool.add(first))).toBe("mempool/known");
    expect(codeOf(() => pool.add({ ...message(alice, 1), signature: first.signature }))).toMatch(
      /^message\//,
    );
    expect(codeOf(() => pool.add(message(alice, 101)))).toBe("mempool/nonce-gap");
    expect(codeOf(() => pool.add(message(stranger, 0)))).toBe("message/sender-not-found");
  });

  it("replaces for a tenth more and for nothing less", () => {
    const pool = poolOn(new StandingChain());
    pool.add(message(alice, 0, { price: 10n }));
    expect(codeOf(() => pool.add(message(alice, 0, { price: 10n, value: 1n })))).toBe("mempool/underpriced");
    const better = message(alice, 0, { price: 11n });
    pool.add(better);
    expect(pool.pending()).toEqual([better]);
  });

  it("asks for the money of all waiting messages together, not of each alone", () => {
    const pool = poolOn(new StandingChain());
    pool.add(message(alice, 0, { value: 6_000_000n }));
    expect(codeOf(() => pool.add(message(alice, 1, { value: 5_000_000n })))).toBe(
      "mempool/insufficient-funds",
    );
    pool.add(message(alice, 1, { value: 4_000_000n }));
    expect(pool.committedFunds(alice.address)).toBe(balance);
    // The one that is replaced does not count beside its successor.
    expect(codeOf(() => pool.add(message(alice, 0, { value: 5_990_000n, price: 1n })))).toBe("taken");
  });

  it("lets the worst paid last message go for one that pays more, and for no other", () => {
    const pool = poolOn(new StandingChain(), { messages: 4 });
    const worst = message(alice, 1, { price: 1n });
    for (const signed of [message(alice, 0, { price: 9n }), worst]) pool.add(signed);
    for (const number of [0, 1]) pool.add(message(bob, number, { price: 2n }));
    expect(codeOf(() => pool.add(message(carol, 0, { price: 1n })))).toBe("mempool/full");
    pool.add(message(carol, 0, { price: 3n }));
    expect(pool.pending()).toHaveLength(4);
    expect(pool.pending()).not.toContainEqual(worst);
  });

  it("holds so many bytes, of one sender and of all", () => {
    const own = poolOn(new StandingChain(), { bytesPerSender: 1_000 });
    own.add(message(alice, 0, { bytes: 500 }));
    expect(codeOf(() => own.add(message(alice, 1, { bytes: 500 })))).toBe("mempool/sender-full");
    expect(codeOf(() => own.add(message(bob, 0, { bytes: 500 })))).toBe("taken");
    const all = poolOn(new StandingChain(), { bytes: 2_000 });
    for (const number of [0, 1]) all.add(message(alice, number, { bytes: 700 }));
    expect(codeOf(() => all.add(message(bob, 0, { bytes: 700 })))).toBe("mempool/full");
    all.add(message(bob, 0, { bytes: 700, price: 5n }));
    expect(all.pending().map(({ message: { from } }) => from)).toContain(bob.address);
  });

  it("counts the bytes of what replaces as well", () => {
    const own = poolOn(new StandingChain(), { bytesPerSender: 1_000 });
    const small = message(alice, 0, { price: 1n });
    own.add(small);
    expect(codeOf(() => own.add(message(alice, 0, { price: 9n, bytes: 1_000 })))).toBe("mempool/sender-full");
    expect(own.pending()).toEqual([small]);
    expect(codeOf(() => own.add(message(alice, 0, { price: 9n, bytes: 500 })))).toBe("taken");
    const all = poolOn(new StandingChain(), { bytes: 1_000 });
    all.add(message(alice, 0));
    expect(codeOf(() => all.add(message(alice, 0, { price: 9n, bytes: 1_000 })))).toBe("mempool/full");
    expect(all.pending()).toHaveLength(1);
  });

  it("lets nobody go for a message that does not come in", () => {
    const pool = poolOn(new StandingChain(), { bytes: 2_000 });
    pool.add(message(alice, 0, { bytes: 700, price: 1n }));
    pool.add(message(bob, 0, { bytes: 700, price: 8n }));
    const before = pool.pending();
    expect(codeOf(() => pool.add(message(carol, 0, { bytes: 1_500, price: 5n })))).toBe("mempool/full");
    expect(pool.pending()).toEqual(before);
  });

  it("forgets what was mined, takes back what a reorganisation dropped", () => {
    const chain = new StandingChain();
    const pool = poolOn(chain);
    const [first, second] = [message(alice, 0), message(alice, 1)];
    pool.add(first);
    pool.add(second);
    chain.move(1, { applied: [first] });
    expect(pool.pending()).toEqual([second]);
    chain.move(1, { reverted: [first] });
    expect(pool.pending()).toEqual([first, second]);
  });

  it("forgets the message that another of its nonce has overtaken on the chain", () => {
    const chain = new StandingChain();
    const pool = poolOn(chain);
    pool.add(message(alice, 0));
    chain.move(1, { applied: [message(alice, 0, { value: 7n })] });
    expect(pool.pending()).toEqual([]);
  });

  it("holds nothing of a message that has left", async () => {
    const chain = new StandingChain();
    const pool = poolOn(chain);
    const left = Array.from({ length: 90 }, (_none, number) => {
      const signed = message(alice, number, { bytes: 100 });
      pool.add(signed);
      chain.move(1, { applied: [message(alice, number, { value: 1n })] });
      return new WeakRef(signed);
    });
    // What a WeakRef was made of lives until the end of the turn that made it.
    await nextTurn();
    collect();
    // The last one or two may be in the frame of a call that is over.
    expect(left.filter((signed) => signed.deref() !== undefined).length).toBeLessThan(9);
    expect(pool.pending()).toEqual([]);
  });

  it("drops what nobody has wanted for its age", () => {
    const chain = new StandingChain();
    const pool = poolOn(chain, { ageRounds: 10 });
    pool.add(message(alice, 0));
    chain.move(6);
    pool.add(message(bob, 0));
    chain.move(4);
    expect(pool.pending()).toHaveLength(2);
    chain.move(1);
    expect(pool.pending().map(({ message: { from } }) => from)).toEqual([bob.address]);
  });

  it("is as it was after a restart, ages included", async () => {
    const chain = new StandingChain();
    const database = openDatabase(":memory:");
    const before = poolOn(chain, { ageRounds: 10 }, database);
    before.add(message(alice, 0));
    before.add(message(alice, 1, { price: 4n }));
    chain.move(8, { applied: [message(alice, 0)] });
    before.add(message(bob, 0));
    await before[Symbol.asyncDispose]();
    opened.splice(0);
    const after = poolOn(chain, { ageRounds: 10 }, database);
    expect(after.pending()).toHaveLength(2);
    chain.move(3);
    expect(after.pending().map(({ message: { from } }) => from)).toEqual([bob.address]);
  });
});

describe("a pool on disk", () => {
  it("keeps nothing that could not come back", async () => {
    const chain = new StandingChain();
    const database = openDatabase(":memory:");
    const before = poolOn(chain, {}, database);
    for (const number of [0, 1, 2]) before.add(message(alice, number));
    await before[Symbol.asyncDispose]();
    const after = poolOn(chain, { perSender: 2 }, database);
    expect(after.pending()).toHaveLength(2);
    await after[Symbol.asyncDispose]();
    expect(database.all("SELECT cid FROM mempool_waiting")).toHaveLength(2);
  });
});

describe("a pool on a full disk", () => {
  it("goes on in memory, waits with what it holds and no more, and writes it all when there is room", async () => {
    const chain = new StandingChain();
    const database = openDatabase(":memory:");
    let isFull = true;
    const full: Database = {
      migrate: (room, steps) => database.migrate(room, steps),
      run: (sql, ...values) => database.run(sql, ...values),
      get: (sql, ...values) => database.get(sql, ...values),
      all: (sql, ...values) => database.all(sql, ...values),
      transaction(work) {
        if (isFull) throw databaseErrors.full({ path: "node.db" });
        return database.transaction(work);
      },
      [Symbol.dispose]: () => undefined,
    };
    const pool = poolOn(chain, {}, full);
    for (let number = 0; number < 40; number += 1) {
      pool.add(message(alice, number));
      chain.move(1, { applied: [message(alice, number)] });
    }
    pool.add(message(carol, 0));
    chain.move(1);
    expect(pool.pending()).toHaveLength(1);
    expect(database.all("SELECT cid FROM mempool_waiting")).toEqual([]);
    isFull = false;
    chain.move(1);
    const rows = database.all("SELECT cid FROM mempool_waiting");
    expect(rows.map(({ cid }) => cid)).toEqual([messageCid(message(carol, 0)).toString()]);
    await pool[Symbol.asyncDispose]();
  });
});

describe("a flood", () => {
  const flooder = fc.constantFrom(alice, bob, carol, stranger);
  const wave = fc.array(
    fc.record({
      from: flooder,
      number: fc.nat({ max: 30 }),
      price: fc.bigInt({ min: 0n, max: 20n }),
      value: fc.bigInt({ min: 0n, max: 4_000_000n }),
      bytes: fc.nat({ max: 300 }),
    }),
    { maxLength: 60, size: "max" },
  );
  const most = { messages: 12, bytes: 4_000, perSender: 6, bytesPerSender: 2_000 };

  function holds(pool: Mempool): void {
    const all = pool.pending();
    expect(all.length).toBeLessThanOrEqual(most.messages);
    const bytesOf = (some: readonly SignedMessage[]) => some.reduce((sum, one) => sum + messageBytes(one), 0);
    expect(bytesOf(all)).toBeLessThanOrEqual(most.bytes);
    for (const { address } of [alice, bob, carol]) {
      const own = all.filter(({ message: { from } }) => from === address);
      expect(own.length).toBeLessThanOrEqual(most.perSender);
      expect(bytesOf(own)).toBeLessThanOrEqual(most.bytesPerSender);
      const funds = own.reduce((sum, { message: m }) => sum + m.value + m.gasPrice * BigInt(m.gasLimit), 0n);
      expect(funds).toBeLessThanOrEqual(balance);
      expect(pool.committedFunds(address)).toBe(funds);
      const nonces = own.map(({ message: m }) => m.nonce);
      expect(nonces).toEqual([...new Set(nonces)].sort((a, b) => a - b));
    }
  }

  it("never moves a limit, the order of nonces or the sums of money", () => {
    fc.assert(
      fc.property(wave, (messages) => {
        const pool = poolOn(new StandingChain(), most);
        for (const { from, number, ...given } of messages) {
          codeOf(() => pool.add(message(from, number, given)));
          holds(pool);
        }
        const offered = pool.candidates(100);
        for (const { address } of [alice, bob, carol]) {
          const nonces = offered
            .filter(({ message: m }) => m.from === address)
            .map(({ message: m }) => m.nonce);
          expect(nonces).toEqual(nonces.map((_, i) => i));
        }
      }),
      { numRuns: 40, seed: 3 },
    );
  });
});
