/**
 * Reading a contract's events from a node of its chain, in ranges, up to so many confirmations below the head. A range
 * that is too long for the node is halved. Events that are told are final for us: if a block below them is replaced
 * after all, between two readings too, reading ends with an error instead of going on with a wrong list.
 */
import { limits } from "../limits.ts";
import { type AbiValue, decodeAbi, hexBytes } from "./abi.ts";
import type { EventForm } from "./contracts.ts";
import { ledgerErrors } from "./errors.ts";
import type { JsonRpc } from "./needs.ts";
import type { LedgerEvent } from "./wishes.ts";

export interface FollowRequest {
  readonly rpc: JsonRpc;
  /** `0x…` of the contract. */
  readonly address: string;
  readonly events: readonly EventForm[];
  readonly fromBlock: number;
  /** A block below that was read before, if it still is what it was then. */
  readonly before?: { readonly block: number; readonly hash: string };
  /** Default: the head, less the confirmations. */
  readonly toBlock?: number;
  readonly confirmations: number;
  readonly signal?: AbortSignal;
}

export interface LedgerPage {
  readonly events: readonly LedgerEvent[];
  /** The last block that was read. */
  readonly toBlock: number;
  readonly toHash: string;
}

const hexNumber = (value: number): string => `0x${value.toString(16)}`;

function numberOf(value: unknown, what: string): number {
  const found = typeof value === "string" && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(found))
    throw ledgerErrors.badAnswer({ what, problem: String(value).slice(0, 80) });
  return found;
}

interface BlockMark {
  readonly hash: string;
  readonly seconds: bigint;
}

/** Hash and time of a block. Errors: `ledger/rpc-failed`, `ledger/bad-answer`. */
export async function blockAt(rpc: JsonRpc, block: number, signal?: AbortSignal): Promise<BlockMark> {
  const found = await rpc.call("eth_getBlockByNumber", [hexNumber(block), false], signal);
  const { hash, timestamp } = (found ?? {}) as { readonly hash?: unknown; readonly timestamp?: unknown };
  if (hexBytes(hash, 32)?.length !== 32) {
    throw ledgerErrors.badAnswer({ what: `block ${block}`, problem: "it has no hash" });
  }
  return { hash: String(hash), seconds: BigInt(numberOf(timestamp, "a time")) };
}

/** The newest block that is deep enough. */
export async function confirmedHead(
  rpc: JsonRpc,
  confirmations: number,
  signal?: AbortSignal,
): Promise<number> {
  return numberOf(await rpc.call("eth_blockNumber", [], signal), "a head") - confirmations;
}

/** Pages of events in the order of the chain. Errors: those of `blockAt`, `ledger/deep-reorganisation`. */
export async function* followLedger(request: FollowRequest): AsyncGenerator<LedgerPage> {
  const { rpc, fromBlock, confirmations, signal } = request;
  const last = request.toBlock ?? (await confirmedHead(rpc, confirmations, signal));
  let span: number = limits.ledgerRangeBlocks;
  let before = request.before;
  for (let from = fromBlock; from <= last; ) {
    const to = Math.min(last, from + span - 1);
    const logs = await logsOf(request, from, to);
    if (logs === undefined) {
      if (span === 1) throw ledgerErrors.rpcFailed({ method: "eth_getLogs", problem: `block ${from} alone` });
      span = Math.ceil(span / 2);
      continue;
    }
    if (before !== undefined && (await blockAt(rpc, before.block, signal)).hash !== before.hash) {
      throw ledgerErrors.deepReorganisation({ block: before.block, confirmations });
    }
    before = { block: to, hash: (await blockAt(rpc, to, signal)).hash };
    yield { events: readLogs(request, logs, from, to), toBlock: to, toHash: before.hash };
    from = to + 1;
  }
}

/** Undefined where the node refuses so long a range, or gives more than is read. */
async function logsOf(
  { rpc, address, events, signal }: FollowRequest,
  from: number,
  to: number,
): Promise<readonly unknown[] | undefined> {
  const topics = [events.map(({ topic }) => topic)];
  const filter = { address, topics, fromBlock: hexNumber(from), toBlock: hexNumber(to) };
  try {
    const found = await rpc.call("eth_getLogs", [filter], signal);
    if (!Array.isArray(found)) throw ledgerErrors.badAnswer({ what: "logs", problem: "they are no list" });
    return found.length > limits.ledgerLogsPerRange ? undefined : found;
  } catch (error) {
    if (signal?.aborted === true || to === from) throw error;
    return undefined;
  }
}

function readLogs(request: FollowRequest, logs: readonly unknown[], from: number, to: number): LedgerEvent[] {
  const events = logs.flatMap((log): LedgerEvent[] => {
    const event = readLog(request, log as { readonly [field: string]: unknown });
    if (event === undefined) return [];
    if (event.block < from || event.block > to) {
      throw ledgerErrors.badAnswer({ what: "a log", problem: `block ${event.block} was not asked for` });
    }
    return [event];
  });
  return events.sort((a, b) => a.block - b.block || a.logIndex - b.logIndex);
}

/** Undefined for logs of other contracts, of no known event, removed ones, and those whose data is malformed. */
function readLog(
  { address, events }: FollowRequest,
  log: { readonly [field: string]: unknown },
): LedgerEvent | undefined {
  const { topics, data, removed } = log;
  if (removed === true || String(log.address).toLowerCase() !== address.toLowerCase()) return undefined;
  if (!Array.isArray(topics)) return undefined;
  const form = events.find(
    ({ topic, indexed }) => topic === topics[0] && topics.length === indexed.length + 1,
  );
  const bytes = hexBytes(data, limits.ledgerLogBytes);
  if (form === undefined || bytes === undefined) return undefined;
  const indexed: AbiValue[] = [];
  for (const [index, type] of form.indexed.entries()) {
    const word = hexBytes(topics[index + 1], 32);
    const [value] = (word === undefined ? undefined : decodeAbi([type], word)) ?? [];
    if (value === undefined) return undefined;
    indexed.push(value);
  }
  const values = decodeAbi(form.data, bytes);
  if (values === undefined) return undefined;
  const [block, logIndex] = [numberOf(log.blockNumber, "a log"), numberOf(log.logIndex, "a log")];
  return { ...form.read([...indexed, ...values]), block, logIndex };
}
