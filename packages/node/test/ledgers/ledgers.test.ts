/**
 * Contracts of other chains, against a log that this test records: what is wanted follows from the events whatever the
 * ranges, repeats and halvings, and nothing that a log holds makes it more than a wrong claim.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AbiType,
  decodeAbi,
  followLedger,
  type LedgerContract,
  type LedgerEvent,
  LedgerWishes,
  ledgerContractNames,
  ledgerContracts,
} from "../../src/ledgers/index.ts";
import {
  alice,
  bob,
  contract,
  encodeAbi,
  type Log,
  one,
  RecordedChain,
  three,
  two,
} from "./recorded-chain.ts";

async function read(chain: RecordedChain, kind: LedgerContract, toBlock?: number): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  const request = {
    rpc: chain,
    address: contract,
    events: ledgerContracts[kind],
    fromBlock: 1,
    confirmations: 10,
  };
  for await (const page of followLedger({ ...request, ...(toBlock === undefined ? {} : { toBlock }) })) {
    events.push(...page.events);
  }
  return events;
}

function wishesOf(events: readonly LedgerEvent[]): LedgerWishes {
  const wishes = new LedgerWishes();
  for (const event of events) wishes.apply(event);
  return wishes;
}
const cidsAt = (wishes: LedgerWishes, seconds: bigint): string[] =>
  [...wishes.wantedAt(seconds)].map(({ cid }) => cid);

function resourceManagerChain(): RecordedChain {
  const chain = new RecordedChain();
  chain.add("resource-manager", "Insert", 5, [alice, one, 100n, 9_000n]);
  chain.add("resource-manager", "Insert", 5, [bob, one, 120n, 500n]);
  chain.add("resource-manager", "Insert", 8, [alice, two, 50n, 9_000n]);
  chain.add("resource-manager", "Update", 12, [alice, two, 50n, 70n, 9_500n]);
  chain.add("resource-manager", "Remove", 20, [alice, one, 100n, 9_000n]);
  chain.add("resource-manager", "Remove", 21, [alice, three, 1n, 1n]);
  chain.add("resource-manager", "Insert", 95, [alice, three, 1n, 9_000n]);
  return chain;
}

describe("events of a contract", () => {
  it("say what is wanted: by several accounts, until their ends, and not by those of the last blocks", async () => {
    const events = await read(resourceManagerChain(), "resource-manager");
    expect(events.map(({ kind, block }) => `${kind} ${block}`)).toEqual([
      "insert 5",
      "insert 5",
      "insert 8",
      "update 12",
      "remove 20",
      "remove 21",
    ]);
    const wishes = wishesOf(events);
    expect([...wishes.wantedAt(499n)]).toEqual([
      { cid: one, accounts: 1, sizeBytes: 120n, expiresAt: 500n },
      { cid: two, accounts: 1, sizeBytes: 70n, expiresAt: 9_500n },
    ]);
    // An end is no event.
    expect(cidsAt(wishes, 500n)).toEqual([two]);
    expect(cidsAt(wishes, 9_500n)).toEqual([]);
  });

  it("are the same in ranges that the chain's node has halved", async () => {
    const chain = resourceManagerChain();
    const whole = await read(chain, "resource-manager");
    chain.most = 2;
    expect(await read(chain, "resource-manager")).toEqual(whole);
  });

  it("change nothing when they come again", async () => {
    const events = await read(resourceManagerChain(), "resource-manager");
    const twice = wishesOf([...events, ...events]);
    expect([...twice.wantedAt(0n)]).toEqual([...wishesOf(events).wantedAt(0n)]);
  });

  it("end with an error where a block that was told is replaced", async () => {
    const chain = resourceManagerChain();
    chain.most = 2;
    chain.replacedFrom = 1;
    await expect(read(chain, "resource-manager")).rejects.toMatchObject({
      code: "ledger/deep-reorganisation",
    });
  });

  it("of ContentTracer are of a provider's account; of ContentIDRegistry the last one has the whole", async () => {
    const tracer = new RecordedChain();
    const [first, second] = [`0x${"11".repeat(20)}`, `0x${"22".repeat(20)}`];
    for (const provider of [first, second]) {
      tracer.add("content-tracer", "Insert", 3, [provider, alice, one, 7n, 1n, 900n]);
    }
    tracer.add("content-tracer", "Remove", 4, [first, alice, one]);
    expect([...wishesOf(await read(tracer, "content-tracer")).wantedAt(0n)]).toEqual([
      { cid: one, accounts: 1, sizeBytes: 7n, expiresAt: 900n },
    ]);
    const registry = new RecordedChain();
    registry.add("content-id-registry", "Upset", 3, [first, one, 7n, 900n]);
    registry.add("content-id-registry", "Upset", 4, [first, one, 9n, 1_900n]);
    registry.add("content-id-registry", "Upset", 5, [second, two, 9n, 1_900n]);
    registry.add("content-id-registry", "Remove", 6, [second, two]);
    expect([...wishesOf(await read(registry, "content-id-registry")).wantedAt(1_000n)]).toEqual([
      { cid: one, accounts: 1, sizeBytes: 9n, expiresAt: 1_900n },
    ]);
  });

  it("of other contracts, other kinds, removed ones and malformed ones are left", async () => {
    const chain = new RecordedChain();
    const add = (change: Partial<Log>): void =>
      chain.add("resource-manager", "Insert", 5, [alice, one, 1n, 9n], change);
    add({ address: `0x${"06".repeat(20)}` });
    add({ removed: true });
    add({ topics: [`0x${"12".repeat(32)}`, alice] });
    add({ topics: [] });
    add({ data: "0x00" });
    add({ data: `0x${"ff".repeat(96)}` });
    add({ data: "no hex" });
    expect(await read(chain, "resource-manager")).toEqual([]);
    chain.add("resource-manager", "Insert", 6, [alice, "not a CID", 1n, 9n]);
    const wishes = wishesOf(await read(chain, "resource-manager"));
    expect([cidsAt(wishes, 0n), wishes.malformed]).toEqual([[], 1]);
  });

  it("answers that are none are errors with a code", async () => {
    const chain = resourceManagerChain();
    const broken = { call: async (method: string) => (method === "eth_getLogs" ? [] : { hash: 3 }) };
    const request = { rpc: broken, address: contract, events: ledgerContracts["resource-manager"] };
    const pages = followLedger({ ...request, fromBlock: 1, toBlock: 2, confirmations: 0 });
    await expect(pages.next()).rejects.toMatchObject({ code: "ledger/bad-answer" });
    chain.add("resource-manager", "Insert", 5, [alice, one, 1n, 9n], { blockNumber: "0x" });
    chain.call = async (method) => (method === "eth_getLogs" ? chain.logs : "0x5");
    await expect(read(chain, "resource-manager", 50)).rejects.toMatchObject({ code: "ledger/bad-answer" });
  });

  it("any data is read without an error, and what Solidity writes comes back", () => {
    const types: readonly AbiType[] = ["bytes32", "string", "uint256", "string"];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const values = decodeAbi(types, bytes);
        expect(values === undefined || values.length === types.length).toBe(true);
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ maxLength: 90 }),
        fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
        (text, number) => {
          const values = [alice, text, number, "end"];
          expect(decodeAbi(types, encodeAbi(types, values))).toEqual(values);
        },
      ),
    );
  });

  it("have the topics that are public: keccak-256 of their signatures", () => {
    const published = Object.fromEntries(
      Object.values(ledgerContracts)
        .flat()
        .map(({ signature, topic }) => [signature, topic]),
    );
    expect(published).toEqual({
      "Insert(bytes32,string,uint256,uint256)":
        "0x1eef0dd7f2c4402e15a215aee878082b5f3fb360f96db64dc84a8b6e0838e6f9",
      "Remove(bytes32,string,uint256,uint256)":
        "0x2b06eae6476b6a2c53b5254dc1db4744d635a4f5159fde22df798484de007225",
      "Update(bytes32,string,uint256,uint256,uint256)":
        "0x4e8c398fffc35ab09a3bab851a124c701fff6dad4ec832faa328ae8241447f2a",
      "Insert(address,bytes32,string,uint256,uint256,uint256)":
        "0xd8be615b569e10ab81c7e1ad876540845a9ad057e7bf224af878656a43ccbae7",
      "Remove(address,bytes32,string)": "0x20b2a0e9bd2cadc08b645e5d8c204c6d86d3c23817b100e0346846e77a88d7c9",
      "Upset(address,string,uint256,uint256)":
        "0x4471eb362c285c1ce8c27b53fa652555ee6b39467a3108f2024529852e38accf",
      "Remove(address,string)": "0xafb58637702ac59f4ec776bf00731c6db5de2befbf39779a2c5be4922201bb0e",
    });
  });

  it("have topics of their own in each contract", () => {
    for (const name of ledgerContractNames) {
      const topics = ledgerContracts[name].map(({ topic }) => topic);
      expect(new Set(topics).size).toBe(topics.length);
      expect(topics.every((topic) => /^0x[0-9a-f]{64}$/.test(topic))).toBe(true);
    }
  });
});
