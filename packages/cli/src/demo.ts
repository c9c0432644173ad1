/**
 * The whole story, unattended and checked: a network on this machine, a file stored through the same code as
 * `put`, proven, paid for, fetched through the same code as `get`, and every attoFIL accounted for. What is
 * told is what was seen on the chain; if anything does not hold, it ends as a typed error. Nothing is left
 * behind.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type ApiClient, createClient, type MethodResult, putSteps } from "@holdfast/api";
import { filText, parseFil } from "@holdfast/base";
import { z } from "zod";
import { type PutView, stepWords } from "./checklist.ts";
import type { CommandContext } from "./command.ts";
import { demoErrors } from "./demo-errors.ts";
import { fetchTo } from "./download.ts";
import { cliErrors } from "./errors.ts";
import { fil, plural, seconds, shortId, sizeText } from "./human-text.ts";
import { type PutOutcome, storeFile } from "./put.ts";
import { nodeFetch } from "./transport.ts";

export const demoResult = z.object({
  network: z.string(),
  roundMs: z.int(),
  sizeBytes: z.int(),
  copies: z.int(),
  sectors: z.int(),
  readyMs: z.int().describe("from the start to a network that answers"),
  provenMs: z.int().describe("from the start of the put to the first proof of every sector"),
  storedMs: z.int().describe("from the start of the put to all copies read back"),
  fetchedMs: z.int().describe("for fetching the file from the miners on another node"),
  fetchBytesPerSecond: z.int(),
  priceFil: z.string(),
  paidFil: z.string(),
  nextPaymentAt: z.int().nullable(),
  blocks: z.int(),
  messages: z.int(),
  height: z.int(),
  totalFil: z.string().describe("all money there is, exactly what the genesis block held"),
  summary: z.string(),
});
export type DemoResult = z.output<typeof demoResult>;

/** The part of the node's `startDevnet` that the demo needs. */
export type StartNetwork = (options: {
  readonly roundMs: number;
  readonly miners: number;
  readonly sectorBytes: number;
  readonly proofMode: "vanilla" | "groth16";
  readonly porep: "zigzag" | "sdr";
  readonly apiPort: number;
  readonly version: string;
  readonly signal: AbortSignal;
}) => Promise<
  AsyncDisposable & {
    readonly network: string;
    readonly readyMs: number;
    readonly nodes: readonly { readonly role: string; readonly api: string; readonly token: string }[];
  }
>;

export interface DemoRequest {
  /** A file of random bytes is made if this is left out. */
  readonly file?: string;
  readonly copies: number;
  readonly roundMs: number;
  readonly sectorBytes: number;
  readonly proofMode: "vanilla" | "groth16";
  readonly porep: "zigzag" | "sdr";
}

const madeFileBytes = 1024 * 1024;
/** With SNARKs every sector takes a minute of computing: a file that fits into one. */
const madeFileBytesForSnarks = 1024;
const miners = 3;
/** Long enough that the deals still run when the demo ends, short enough that payments begin during it. */
const dealRounds = 120;
/** A miner redeems a voucher when it is due; this many rounds later something is wrong. */
const paymentRounds = 60;
/** The whole story; a slow machine needs two minutes. */
const limitMs = 15 * 60_000;

interface Story extends CommandContext {
  readonly client: ApiClient;
  /** A node that neither stored the file nor mines. */
  readonly other: ApiClient;
  readonly request: DemoRequest;
  readonly folder: string;
  say(text: string): void;
}

/** Errors: `demo/…`, and those of `put` and `get`. */
export async function runDemo(
  context: CommandContext,
  startNetwork: StartNetwork,
  request: DemoRequest,
): Promise<DemoResult> {
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([context.signal, limit]);
  try {
    return await tell({ ...context, signal }, startNetwork, request);
  } catch (cause) {
    if (context.signal.aborted) throw demoErrors.interrupted({}, cause);
    if (limit.aborted) throw demoErrors.tooSlow({ minutes: limitMs / 60_000 }, cause);
    throw cause;
  }
}

async function tell(
  context: CommandContext,
  startNetwork: StartNetwork,
  request: DemoRequest,
): Promise<DemoResult> {
  const { terminal, signal } = context;
  const { roundMs, sectorBytes, proofMode, porep } = request;
  const say = (text: string): void => terminal.err(text);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  say(`starting a network on this machine: a bootstrap node, ${miners} miners, a client`);
  await using network = await startNetwork({
    roundMs,
    miners,
    sectorBytes,
    proofMode,
    porep,
    apiPort: 0,
    version: context.version,
    signal,
  });
  signal.throwIfAborted();
  say(`  ready in ${seconds(network.readyMs)}; blocks come every ${seconds(roundMs)}`);
  const clientOf = (wanted: string): ApiClient => {
    const found = network.nodes.find(({ role }) => role === wanted);
    if (found === undefined) throw demoErrors.noNode({ role: wanted });
    return createClient({ url: found.api, token: found.token, fetch: nodeFetch });
  };
  const client = clientOf("client");
  const other = clientOf("bootstrap");
  const story: Story = { ...context, node: async () => client, client, other, request, folder, say };
  const file =
    request.file ??
    (await makeFile(folder, proofMode === "groth16" ? madeFileBytesForSnarks : madeFileBytes));
  const stored = await store(story, file);
  const fetched = await fetchBack(story, file, stored.outcome.cid);
  const sectors = await checkSectors(story, stored.outcome);
  const paid = await awaitPayments(story, stored.outcome);
  const money = await checkMoney(story);
  const chain = await countChain(story);
  const { receipt } = stored.outcome;
  const figures = {
    network: network.network,
    roundMs,
    sizeBytes: receipt.sizeBytes,
    copies: receipt.copies.length,
    sectors,
    readyMs: network.readyMs,
    provenMs: stored.provenMs,
    storedMs: stored.storedMs,
    ...fetched,
    priceFil: receipt.totalFil,
    ...paid,
    ...chain,
    totalFil: money.totalFil,
  };
  return { ...figures, summary: summaryOf(figures) };
}

async function makeFile(folder: string, sizeBytes: number): Promise<string> {
  const path = join(folder, "demo.bin");
  await writeFile(path, randomBytes(sizeBytes));
  return path;
}

interface Stored {
  readonly outcome: PutOutcome;
  readonly provenMs: number;
  readonly storedMs: number;
}

async function store(story: Story, path: string): Promise<Stored> {
  const { request, folder, say } = story;
  const startedMs = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedMs);
  const time = `${dealRounds} rounds`;
  say(`storing ${basename(path)} at ${plural(request.copies, "miner")} for ${time}`);
  const lines = storeFile(story, {
    skipHidden: false,
    paths: [path],
    copies: request.copies,
    forMs: dealRounds * request.roundMs,
    receiptPath: join(folder, "receipt.json"),
  });
  let provenMs = 0;
  const told = new Set<string>();
  for await (const line of lines) {
    if ("receipt" in line) {
      const storedMs = elapsedMs();
      return { outcome: line, provenMs: provenMs === 0 ? storedMs : provenMs, storedMs };
    }
    if (provenMs === 0 && isDone(line, "proven")) provenMs = elapsedMs();
    tellSteps(story, line, told, elapsedMs());
  }
  throw demoErrors.noReceipt({});
}

const isDone = ({ copies }: PutView, step: (typeof putSteps)[number]): boolean =>
  copies.length > 0 && copies.every(({ stepsDone }) => stepsDone.includes(step));

/** On a terminal the checklist shows the steps; a log gets a line for each. */
function tellSteps({ terminal, say }: Story, view: PutView, told: Set<string>, elapsedMs: number): void {
  if (terminal.isLive) return;
  for (const step of putSteps) {
    if (told.has(step) || !isDone(view, step)) continue;
    told.add(step);
    say(`  ${seconds(elapsedMs)}  ${stepWords[step]}`);
  }
}

async function fetchBack(
  story: Story,
  original: string,
  cid: string,
): Promise<Pick<DemoResult, "fetchedMs" | "fetchBytesPerSecond">> {
  const { other, folder, say } = story;
  say("fetching it on the bootstrap node, which has to ask the miners for it");
  const startedMs = performance.now();
  const fetched = await fetchTo(
    { ...story, node: async () => other },
    { cid, path: [] },
    join(folder, "fetched"),
  );
  const tookMs = Math.max(1, performance.now() - startedMs);
  const [before, after] = await Promise.all([readFile(original), readFile(fetched.path)]);
  if (!before.equals(after)) throw cliErrors.differs({ path: fetched.path, cid });
  say(`  ${sizeText(fetched.sizeBytes)} in ${seconds(tookMs)}, the same bytes`);
  return {
    fetchedMs: Math.round(tookMs),
    fetchBytesPerSecond: Math.round((fetched.sizeBytes * 1000) / tookMs),
  };
}

/** Every sector that holds a piece has a proof of spacetime on the chain; the client's own chain is asked. */
async function checkSectors({ client, signal, say }: Story, { receipt }: PutOutcome): Promise<number> {
  say("asking the chain for the proofs of every sector");
  let count = 0;
  for (const { miner, pieces } of receipt.copies) {
    const onChain = await client.call("sector.ls", { miner }, signal);
    const wanted = [...new Set(pieces.map(({ sectorId }) => sectorId))];
    const found = wanted.map((id) => onChain.find(({ sectorId }) => sectorId === id));
    for (const [index, sector] of found.entries()) {
      if (sector?.lastProvenAt === null || sector?.lastProvenAt === undefined || sector.state !== "active") {
        const state = sector?.state ?? "not on the chain";
        throw demoErrors.notProven({ miner, sectorId: wanted[index] ?? -1, state });
      }
    }
    const heights = found.map((sector) => sector?.lastProvenAt ?? 0);
    const [first, last] = [Math.min(...heights), Math.max(...heights)];
    const range = first === last ? `height ${first}` : `heights ${first} to ${last}`;
    say(`  ${shortId(miner)}: ${plural(wanted.length, "sector")}, proven at ${range}`);
    count += wanted.length;
  }
  return count;
}

type Deal = MethodResult<"deal.show">;

/** Each miner is paid by vouchers that hold only while it proves; waits for the first of each. */
async function awaitPayments(
  story: Story,
  { receipt }: PutOutcome,
): Promise<Pick<DemoResult, "paidFil" | "nextPaymentAt">> {
  const { client, signal, say } = story;
  say("waiting for the first payment to each miner");
  const dealIds = receipt.copies.map(({ dealId }) => dealId);
  for await (const { height } of client.stream("chain.watch", {}, signal)) {
    const deals = await Promise.all(dealIds.map((dealId) => client.call("deal.show", { dealId }, signal)));
    const unpaid = deals.find(({ redeemedFil }) => parseFil(redeemedFil) === 0n);
    if (unpaid === undefined) return paymentsOf(story, deals);
    const firstDue = Math.min(...unpaid.vouchers.map(({ validAt }) => validAt));
    if (height > Math.max(firstDue, receipt.storedAtHeight) + paymentRounds) {
      throw demoErrors.notPaid({ dealId: unpaid.dealId, height, validAt: firstDue });
    }
  }
  throw demoErrors.noReceipt({});
}

function paymentsOf({ say }: Story, deals: readonly Deal[]): Pick<DemoResult, "paidFil" | "nextPaymentAt"> {
  const paid = deals.reduce((sum, { redeemedFil }) => sum + parseFil(redeemedFil), 0n);
  const due = deals.flatMap(({ vouchers }) => vouchers.filter(({ redeemed }) => !redeemed));
  const nextPaymentAt = due.length === 0 ? null : Math.min(...due.map(({ validAt }) => validAt));
  for (const { miner, redeemedFil, totalFil } of deals) {
    say(`  ${shortId(miner)}: ${fil(redeemedFil)} of ${fil(totalFil)}`);
  }
  if (nextPaymentAt !== null) {
    say(
      `  ${plural(due.length, "payment")} to come, the next at height ${nextPaymentAt}, if it still proves then`,
    );
  }
  return { paidFil: filText(paid as ReturnType<typeof parseFil>), nextPaymentAt };
}

async function checkMoney({ client, signal, say }: Story): Promise<MethodResult<"chain.money">> {
  const money = await client.call("chain.money", {}, signal);
  const { totalFil, genesisTotalFil, height } = money;
  if (!money.exact) throw cliErrors.moneyDiffers({ totalFil, genesisTotalFil, height });
  say(`adding up all money: ${fil(totalFil)}, exactly what the genesis block held`);
  return money;
}

async function countChain({
  client,
  signal,
}: Story): Promise<Pick<DemoResult, "height" | "blocks" | "messages">> {
  const tipsets = await client.call("chain.ls", { limit: 1000 }, signal);
  return {
    height: tipsets[0]?.height ?? 0,
    blocks: tipsets.reduce((sum, { cids }) => sum + cids.length, 0),
    messages: tipsets.reduce((sum, { messages }) => sum + messages, 0),
  };
}

function summaryOf(it: Omit<DemoResult, "summary">): string {
  return [
    `${sizeText(it.sizeBytes)} stored, ${plural(it.copies, "copy", "copies")} in ${plural(it.sectors, "sector")}`,
    `ready ${seconds(it.readyMs)}`,
    `proven ${seconds(it.provenMs)}`,
    `read back ${seconds(it.storedMs)}`,
    `fetched at ${sizeText(it.fetchBytesPerSecond)}/s`,
    `${fil(it.paidFil)} of ${fil(it.priceFil)} paid`,
    plural(it.messages, "message"),
    plural(it.blocks, "block"),
  ].join(" · ");
}
