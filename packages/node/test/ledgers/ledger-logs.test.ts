/**
 * Logs of the public contracts as an Ethereum node gives them, laid out by hand word for word from the contracts' ABI:
 * topics as published, indexed values in topics, texts behind their offsets. Nothing here is encoded by the forms that
 * read it, so that a form with another order or another indexed value is seen.
 */
import { describe, expect, it } from "vitest";
import {
  followLedger,
  type LedgerContract,
  type LedgerEvent,
  ledgerContracts,
} from "../../src/ledgers/index.ts";
import { contract, RecordedChain } from "./recorded-chain.ts";

const guid = "00010002000000000000000000000000000000000000000000000000000000aa";
const provider = "1111111111111111111111111111111111111111";
const cid = "QmdwgqZy1MZBfWPi7GcxVsYgJEtmvHg6rsLzbCej3tf3oA";
/** 46 characters in two words of 32 bytes. */
const cidWords = [
  "516d647767715a79314d5a426657506937476378567359674a45746d76486736",
  "72734c7a6243656a337466336f41".padEnd(64, "0"),
];
const number = (hex: string): string => hex.padStart(64, "0");
const [length, size, before, end] = [number("2e"), number("1f4"), number("3e7"), number("65000000")];
const account = number(provider);

interface RawLog {
  readonly kind: LedgerContract;
  readonly event: string;
  readonly topics: readonly string[];
  readonly data: readonly string[];
  readonly change: object;
}

const logs: readonly RawLog[] = [
  {
    ...{ kind: "resource-manager", event: "Insert" },
    topics: ["1eef0dd7f2c4402e15a215aee878082b5f3fb360f96db64dc84a8b6e0838e6f9", guid],
    data: [number("60"), size, end, length, ...cidWords],
    change: { kind: "insert", account: `0x${guid}`, sizeBytes: 500n, expiresAt: 0x65000000n },
  },
  {
    ...{ kind: "resource-manager", event: "Remove" },
    topics: ["2b06eae6476b6a2c53b5254dc1db4744d635a4f5159fde22df798484de007225", guid],
    data: [number("60"), size, end, length, ...cidWords],
    change: { kind: "remove", account: `0x${guid}`, sizeBytes: 500n, expiresAt: null },
  },
  {
    // The size of before comes first.
    ...{ kind: "resource-manager", event: "Update" },
    topics: ["4e8c398fffc35ab09a3bab851a124c701fff6dad4ec832faa328ae8241447f2a", guid],
    data: [number("80"), before, size, end, length, ...cidWords],
    change: { kind: "update", account: `0x${guid}`, sizeBytes: 500n, expiresAt: 0x65000000n },
  },
  {
    // Nothing is indexed; a count stands between size and end.
    ...{ kind: "content-tracer", event: "Insert" },
    topics: ["d8be615b569e10ab81c7e1ad876540845a9ad057e7bf224af878656a43ccbae7"],
    data: [account, guid, number("c0"), size, number("3"), end, length, ...cidWords],
    change: { kind: "insert", account: `0x${provider}/0x${guid}`, sizeBytes: 500n, expiresAt: 0x65000000n },
  },
  {
    ...{ kind: "content-tracer", event: "Remove" },
    topics: ["20b2a0e9bd2cadc08b645e5d8c204c6d86d3c23817b100e0346846e77a88d7c9"],
    data: [account, guid, number("60"), length, ...cidWords],
    change: { kind: "remove", account: `0x${provider}/0x${guid}`, sizeBytes: null, expiresAt: null },
  },
  {
    ...{ kind: "content-id-registry", event: "Upset" },
    topics: ["4471eb362c285c1ce8c27b53fa652555ee6b39467a3108f2024529852e38accf"],
    data: [account, number("80"), size, end, length, ...cidWords],
    change: { kind: "update", account: `0x${provider}`, sizeBytes: 500n, expiresAt: 0x65000000n },
  },
  {
    ...{ kind: "content-id-registry", event: "Remove" },
    topics: ["afb58637702ac59f4ec776bf00731c6db5de2befbf39779a2c5be4922201bb0e"],
    data: [account, number("40"), length, ...cidWords],
    change: { kind: "remove", account: `0x${provider}`, sizeBytes: null, expiresAt: null },
  },
];

async function read(
  kind: LedgerContract,
  topics: readonly string[],
  data: string,
): Promise<readonly LedgerEvent[]> {
  const chain = new RecordedChain();
  const [blockNumber, logIndex] = ["0x5", "0x2"];
  chain.logs.push({
    address: contract,
    topics: topics.map((topic) => `0x${topic}`),
    data,
    blockNumber,
    logIndex,
  });
  const events = ledgerContracts[kind];
  const request = { rpc: chain, address: contract, events, fromBlock: 1, confirmations: 10 };
  const found: LedgerEvent[] = [];
  for await (const { events: some } of followLedger(request)) found.push(...some);
  return found;
}

describe("a log of a public contract", () => {
  it.each(logs)("$kind $event says what its ABI says", async ({ kind, topics, data, change }) => {
    expect(await read(kind, topics, `0x${data.join("")}`)).toMatchObject([{ ...change, cid, block: 5 }]);
  });

  it.each(logs)("$kind $event is none with a topic more or less, or without its last word", async (log) => {
    const data = `0x${log.data.join("")}`;
    expect(await read(log.kind, [...log.topics, guid], data)).toEqual([]);
    if (log.topics.length > 1) expect(await read(log.kind, log.topics.slice(0, 1), data)).toEqual([]);
    expect(await read(log.kind, log.topics, data.slice(0, -64))).toEqual([]);
  });

  it("is there for every event that is read", () => {
    const known = Object.values(ledgerContracts).flatMap((events) => events.map(({ topic }) => topic));
    expect(logs.map(({ topics }) => `0x${topics[0]}`).sort()).toEqual([...known].sort());
  });
});
