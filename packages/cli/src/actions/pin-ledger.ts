/** `pin ledger`: what a contract of another chain wants to be pinned, by its events. */
import { z } from "zod";
import { action, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, sizeText } from "../human-text.ts";
import { anyNumber, oneOf, optionNumber, optionText } from "../input.ts";
import { table } from "../layout.ts";
import { offline } from "../offline.ts";

const wanted = z.object({
  cid: z.string(),
  accounts: z.int().describe("that want it"),
  sizeBytes: z.string().nullable().describe("the largest that any of them claims"),
  expiresAt: z.string().nullable().describe("seconds since 1970, when the last of them ends"),
});
const result = z.object({
  contract: z.string(),
  address: z.string(),
  fromBlock: z.int(),
  toBlock: z.int().describe("the last block that was read"),
  atSeconds: z.string().describe("time of that block, by which ends are judged"),
  events: z.int(),
  malformed: z.int().describe("events whose text is no CID"),
  dropped: z.int().describe("wishes beyond the most that are kept"),
  wanted: z.array(wanted),
});

const rowsShown = 1_000;

function required(input: CommandInput, name: string): string {
  const text = optionText(input, name);
  if (text === undefined) throw cliErrors.badValue({ problem: `--${name} is not given` });
  return text;
}

export const pinLedger = action({
  result,
  async run({ signal }, input) {
    const {
      blockAt,
      confirmedHead,
      followLedger,
      httpJsonRpc,
      ledgerContractNames,
      ledgerContracts,
      LedgerWishes,
    } = await (await offline()).ledgers();
    const contract = oneOf(required(input, "contract"), ledgerContractNames, "--contract");
    const address = required(input, "address").toLowerCase();
    if (!/^0x[0-9a-f]{40}$/.test(address)) {
      throw cliErrors.badValue({ problem: "--address is 0x and 20 bytes in hex" });
    }
    const rpc = httpJsonRpc(required(input, "rpc"));
    const fromBlock = optionNumber(input, "fromBlock", anyNumber) ?? 0;
    const confirmations = optionNumber(input, "confirmations", anyNumber) ?? 0;
    const head = await confirmedHead(rpc, confirmations, signal);
    const toBlock = Math.min(head, optionNumber(input, "toBlock", anyNumber) ?? head);
    if (toBlock < fromBlock) throw cliErrors.badValue({ problem: `the chain stands at block ${head}` });
    const wishes = new LedgerWishes();
    let count = 0;
    const events = ledgerContracts[contract];
    for await (const page of followLedger({
      rpc,
      address,
      events,
      fromBlock,
      toBlock,
      confirmations,
      signal,
    })) {
      for (const event of page.events) wishes.apply(event);
      count += page.events.length;
    }
    const { seconds } = await blockAt(rpc, toBlock, signal);
    return {
      ...{ contract, address, fromBlock, toBlock, atSeconds: seconds.toString(), events: count },
      ...{ malformed: wishes.malformed, dropped: wishes.dropped },
      wanted: [...wishes.wantedAt(seconds)].map(({ cid, accounts, sizeBytes, expiresAt }) => ({
        ...{ cid, accounts },
        sizeBytes: sizeBytes?.toString() ?? null,
        expiresAt: expiresAt?.toString() ?? null,
      })),
    };
  },
  render(found, { terminal }) {
    const { wanted: list, events, malformed, dropped, toBlock } = found;
    terminal.hint(`${plural(events, "event")} up to block ${toBlock}; ${plural(list.length, "CID")} wanted`);
    if (malformed > 0) terminal.hint(`${plural(malformed, "event")} with text that is no CID`);
    if (dropped > 0) terminal.hint(`${plural(dropped, "wish", "wishes")} too many were left out`);
    if (list.length === 0) return "";
    if (list.length > rowsShown) terminal.hint(`the first ${rowsShown}; --json has all`);
    const rows = list
      .slice(0, rowsShown)
      .map(({ cid, accounts, sizeBytes, expiresAt }) => [
        cid,
        String(accounts),
        sizeBytes === null ? "-" : sizeText(Number(sizeBytes)),
        expiresAt === null ? "-" : endText(expiresAt),
      ]);
    return table(["CID", "ACCOUNTS", "SIZE", "UNTIL"], rows);
  },
});

/** A claim of anybody may lie beyond all calendars. */
function endText(seconds: string): string {
  const ms = Number(seconds) * 1000;
  return ms < 8.64e15 ? new Date(ms).toISOString() : "never";
}
