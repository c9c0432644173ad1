/**
 * The deals that a miner has taken, in SQLite. A deal is here before its client hears of it. Two deals never
 * share a channel: the database itself refuses it.
 */
import { type Address, decode, zeroAtto } from "@holdfast/base";
import type { Database, Row, SqlValue } from "../../database.ts";
import { limits } from "../../limits.ts";
import { type CurrentTerms, currentTerms } from "../amendment.ts";
import { type DealProposal, endHeightOf, signedProposalCodec } from "../deal.ts";
import { isCarried } from "../delivery.ts";
import { type KeptState, keptStates, type MinerDeal } from "../machine/miner.ts";
import { addressOf, amountOf, bytesOf, numberOf, numberOrNull, tailLength, textOf } from "../rows.ts";
import type { AmendmentStore } from "./amendment-store.ts";
import { everyHead, isOpen, minerSchema } from "./schema.ts";
import type { SealRounds } from "./seal-pace.ts";

export type { KeptState };

export interface DealRow extends MinerDeal {
  readonly dealId: string;
  readonly proposal: DealProposal;
  /** With the changes that the chain has. */
  readonly current: CurrentTerms;
  readonly payer: Address;
  readonly channel: number;
  readonly acceptedMs: number;
  /** Redemptions that failed on the chain; part of the messages' keys. */
  readonly redeemTry: number;
  /** Messages to the market actor that failed on the chain; part of the messages' keys. */
  readonly marketTry: number;
  /** Its data is brought by people; nothing is fetched. */
  readonly carried: boolean;
}

export interface DealHistory {
  readonly atMs: number;
  readonly state: string;
  readonly detail: string;
}

export type DealPatch = Partial<
  Pick<
    DealRow,
    | "state"
    | "code"
    | "detail"
    | "stagedHeight"
    | "redeemed"
    | "redeemTry"
    | "settled"
    | "dropped"
    | "published"
    | "escrowBack"
    | "woundAt"
    | "closed"
    | "marketTry"
  >
>;

const columns: { readonly [Field in keyof DealPatch]-?: string } = {
  state: "state",
  code: "code",
  detail: "detail",
  stagedHeight: "staged_height",
  redeemed: "redeemed",
  redeemTry: "redeem_try",
  settled: "settled",
  dropped: "dropped",
  published: "published",
  escrowBack: "escrow_back",
  woundAt: "wound_at",
  closed: "closed",
  marketTry: "market_try",
};

/** Decoded proposals that are kept: they never change, and every head asks for them. */
const keptProposals = 4096;
const payloadsPage = 1_000;
/** Sectors that say how long the next one takes. */
const keptSealRounds = 16;

export class MinerStore {
  readonly #database: Database;
  readonly #proposals = new Map<string, DealProposal>();

  /** What is to be written down of rests; who dies before looks at these deals again. */
  readonly #rests = new Map<string, number>();
  readonly #amendments: AmendmentStore;

  constructor(database: Database, amendments: AmendmentStore) {
    this.#database = database;
    this.#amendments = amendments;
    database.migrate("market_miner", minerSchema);
  }

  /** `signed`: the encoded proposal with its signature. */
  add(dealId: string, signed: Uint8Array, proposal: DealProposal, entry: DealHistory): void {
    this.#database.transaction(() => {
      this.#database.run(
        `INSERT INTO market_deals VALUES
           (?, ?, ?, ?, ?, ?, 'accepted', '', ?, ?, NULL, ?, 0, 0, 0, 0, 0, 0, ?, ${everyHead}, NULL, 0, ?)`,
        dealId,
        signed,
        proposal.payload.toString(),
        proposal.payer,
        proposal.channel,
        endHeightOf(proposal),
        entry.detail,
        entry.atMs,
        zeroAtto.toString(),
        Number(isCarried(proposal)),
        proposal.clientPeer,
      );
      this.#addHistory(dealId, entry);
    });
  }

  get(dealId: string): DealRow | undefined {
    const row = this.#database.get("SELECT * FROM market_deals WHERE deal_id = ?", dealId);
    return row === undefined ? undefined : this.#dealOf(row);
  }
  /** Newest first, those older than the one that is named. */
  page({ after, limit }: { after?: string | undefined; limit: number }): DealRow[] {
    return this.#database
      .all(
        `SELECT * FROM market_deals
           WHERE rowid < coalesce((SELECT rowid FROM market_deals WHERE deal_id = ?), ${Number.MAX_SAFE_INTEGER})
           ORDER BY rowid DESC LIMIT ?`,
        after ?? "",
        limit,
      )
      .map((row) => this.#dealOf(row));
  }
  endingWith(tail: string): string | undefined {
    const row = this.#database.get(
      `SELECT deal_id FROM market_deals WHERE substr(deal_id, -${tailLength}) = ? AND substr(deal_id, ?) = ?
         ORDER BY rowid DESC LIMIT 1`,
      tail.slice(-tailLength),
      -tail.length,
      tail,
    );
    return row === undefined ? undefined : textOf(row, "deal_id");
  }
  /**
   * Deals that still need something and do not rest at this height: all that are on their way, and of those whose rest
   * is over the ones that have waited longest, at most so many.
   */
  awake(height: number): string[] {
    this.#saveRests();
    const open = `SELECT deal_id FROM market_deals INDEXED BY market_deals_look WHERE (${isOpen})`;
    const onWay = this.#database.all(`${open} AND next_look = ${everyHead} ORDER BY rowid`);
    const rested = this.#database.all(
      `${open} AND next_look > ${everyHead} AND next_look <= ? ORDER BY next_look LIMIT ?`,
      height,
      limits.dealsPerLook,
    );
    return [...onWay, ...rested].map((row) => textOf(row, "deal_id"));
  }
  /** Until when nobody looks at it unless something happens to it. Written down with the others of its head. */
  rest(dealId: string, nextLook: number): void {
    this.#rests.set(dealId, nextLook);
  }
  /** It is looked at at the next head, whatever was decided of it before. */
  wake(dealId: string): void {
    this.#rests.delete(dealId);
    const sql = "UPDATE market_deals SET next_look = ? WHERE deal_id = ? AND next_look <> ?";
    this.#database.run(sql, everyHead, dealId, everyHead);
  }
  #saveRests(): void {
    const rests = [...this.#rests];
    this.#rests.clear();
    if (rests.length === 0) return;
    this.#database.transaction(() => {
      for (const [dealId, nextLook] of rests) {
        const sql = "UPDATE market_deals SET next_look = ? WHERE deal_id = ? AND next_look <> ?";
        this.#database.run(sql, nextLook, dealId, nextLook);
      }
    });
  }
  /** How many there are in each state, without looking at them. */
  counts(): { readonly [state: string]: number } {
    const rows = this.#database.all("SELECT * FROM market_deal_counts WHERE deals > 0 ORDER BY state");
    return Object.fromEntries(rows.map((row) => [textOf(row, "state"), numberOf(row, "deals")]));
  }
  /** Deals that wait to be fetched or are being transferred, and of these the client's and the peer's. */
  waiting({ payer, clientPeer }: Pick<DealProposal, "payer" | "clientPeer">) {
    const where = "state IN ('accepted', 'transferring') AND carried = 0";
    return {
      all: this.#count(where),
      ofClient: this.#count(`${where} AND payer = ?`, payer),
      ofPeer: this.#count(`${where} AND client_peer = ?`, clientPeer),
    };
  }
  /** Deals whose data is not all here. */
  fetching(): { readonly dealId: string; readonly state: string }[] {
    const sql = "SELECT deal_id, state FROM market_deals WHERE state IN ('accepted', 'transferring')";
    return this.#database
      .all(sql)
      .map((row) => ({ dealId: textOf(row, "deal_id"), state: textOf(row, "state") }));
  }
  /** Of the last sectors of each size, from closed to on the chain. */
  sealRounds(): SealRounds[] {
    return this.#database
      .all("SELECT sector_bytes, rounds FROM market_seal_rounds")
      .map((row) => ({ sectorBytes: numberOf(row, "sector_bytes"), rounds: numberOf(row, "rounds") }));
  }
  addSealRounds(sectorId: number, { sectorBytes, rounds }: SealRounds): void {
    const values = [sectorId, sectorBytes, rounds];
    this.#database.transaction(() => {
      this.#database.run("INSERT OR REPLACE INTO market_seal_rounds VALUES (NULL, ?, ?, ?)", ...values);
      this.#database.run(
        `DELETE FROM market_seal_rounds WHERE sector_bytes = ? AND number NOT IN
           (SELECT number FROM market_seal_rounds WHERE sector_bytes = ? ORDER BY number DESC LIMIT ${keptSealRounds})`,
        ...[sectorBytes, sectorBytes],
      );
    });
  }
  /** Deals that wait for data that is carried; of one client or of all. */
  awaited(payer?: Address): number {
    const where = "state IN ('accepted', 'transferring') AND carried = 1";
    return payer === undefined ? this.#count(where) : this.#count(`${where} AND payer = ?`, payer);
  }
  #count(where: string, ...values: SqlValue[]): number {
    const row = this.#database.get(`SELECT count(*) AS deals FROM market_deals WHERE ${where}`, ...values);
    return row === undefined ? 0 : numberOf(row, "deals");
  }
  /** The deal whose id this is, or ends so; undefined if there is none, or several. */
  named(text: string): DealRow | undefined {
    if (!/^[a-z0-9]{8,128}$/.test(text)) return undefined;
    const rows = this.#database.all(
      "SELECT * FROM market_deals WHERE deal_id = ? OR substr(deal_id, ?) = ? LIMIT 2",
      text,
      -text.length,
      text,
    );
    const [row] = rows;
    return row === undefined || rows.length > 1 ? undefined : this.#dealOf(row);
  }
  /** Deals of a client that may not be on the chain yet and may still get there. */
  unsealedOf(payer: Address): DealRow[] {
    return this.#database
      .all(
        `SELECT * FROM market_deals WHERE payer = ? AND state IN ('accepted', 'transferring', 'staged', 'sealing')`,
        payer,
      )
      .map((row) => this.#dealOf(row));
  }
  /** Deals of a client for one file that are not over. */
  keptFor(payer: Address, payload: string): DealRow[] {
    return this.#database
      .all(
        `SELECT * FROM market_deals WHERE payload = ? AND payer = ? AND state NOT IN ('complete', 'failed')`,
        payload,
        payer,
      )
      .map((row) => this.#dealOf(row));
  }
  isChannelTaken(payer: Address, channel: number): boolean {
    return (
      this.#database.get(
        "SELECT deal_id FROM market_deals WHERE payer = ? AND channel = ?",
        payer,
        channel,
      ) !== undefined
    );
  }
  /** Deals of this payload whose pieces are all here. */
  storedOf(payload: string): DealRow[] {
    return this.#database
      .all(
        `SELECT * FROM market_deals
           WHERE payload = ? AND dropped = 0 AND state IN ('staged', 'sealing', 'committed', 'active')`,
        payload,
      )
      .map((row) => this.#dealOf(row));
  }

  /** Payloads whose pieces are all here, in the order of their deals; one of several deals comes several times. */
  *storedPayloads(): Generator<string, void, undefined> {
    for (let after = 0; ; ) {
      const page = this.#database.all(
        `SELECT rowid, payload FROM market_deals
           WHERE rowid > ? AND dropped = 0 AND state IN ('staged', 'sealing', 'committed', 'active')
           ORDER BY rowid LIMIT ?`,
        after,
        payloadsPage,
      );
      for (const row of page) {
        yield textOf(row, "payload");
        after = numberOf(row, "rowid");
      }
      if (page.length < payloadsPage) return;
    }
  }

  update(dealId: string, patch: DealPatch, entry?: DealHistory): void {
    const fields = Object.entries(patch);
    const changed = fields.map(([field]) => `${columns[field as keyof DealPatch]} = ?`);
    const assignments = [...changed, `next_look = ${everyHead}`].join(", "); // what is new may make something due
    if (fields.length > 0) this.#rests.delete(dealId);
    const values = fields.map(([, value]) => sqlValue(value));
    this.#database.transaction(() => {
      // A line of history alone changes no field.
      if (fields.length > 0) {
        this.#database.run(`UPDATE market_deals SET ${assignments} WHERE deal_id = ?`, ...values, dealId);
      }
      if (entry !== undefined) this.#addHistory(dealId, entry);
    });
  }
  history(dealId: string): DealHistory[] {
    return this.#database
      .all("SELECT * FROM market_deal_history WHERE deal_id = ? ORDER BY rowid", dealId)
      .map((row) => ({
        atMs: numberOf(row, "at_ms"),
        state: textOf(row, "state"),
        detail: textOf(row, "detail"),
      }));
  }

  #dealOf(row: Row): DealRow {
    const dealId = textOf(row, "deal_id");
    const known = this.#proposals.get(dealId);
    const proposal = known ?? decode(signedProposalCodec, bytesOf(row, "proposal")).proposal;
    if (known === undefined && this.#proposals.size >= keptProposals) this.#proposals.clear();
    this.#proposals.set(dealId, proposal);
    const made = this.#amendments.of(dealId).filter(({ state }) => state === "done");
    const current = currentTerms(
      proposal,
      made.map(({ amendment }) => amendment),
    );
    return dealOf(row, { dealId, proposal, current });
  }
  #addHistory(dealId: string, { atMs, state, detail }: DealHistory): void {
    this.#database.run("INSERT INTO market_deal_history VALUES (?, ?, ?, ?)", dealId, atMs, state, detail);
  }
}

function sqlValue(value: string | number | bigint | boolean | null): SqlValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "bigint" ? value.toString() : value;
}

function dealOf(row: Row, known: Pick<DealRow, "dealId" | "proposal" | "current">): DealRow {
  const state = textOf(row, "state");
  return {
    ...known,
    payer: addressOf(row, "payer"),
    channel: numberOf(row, "channel"),
    state: keptStates.find((kept) => kept === state) ?? "failed",
    code: textOf(row, "code"),
    detail: textOf(row, "detail"),
    acceptedMs: numberOf(row, "accepted_ms"),
    stagedHeight: numberOrNull(row, "staged_height"),
    redeemed: amountOf(row, "redeemed"),
    redeemTry: numberOf(row, "redeem_try"),
    settled: numberOf(row, "settled") === 1,
    dropped: numberOf(row, "dropped") === 1,
    published: numberOf(row, "published") === 1,
    escrowBack: numberOf(row, "escrow_back") === 1,
    woundAt: numberOrNull(row, "wound_at"),
    closed: numberOf(row, "closed") === 1,
    marketTry: numberOf(row, "market_try"),
    carried: numberOf(row, "carried") === 1,
  };
}
