/**
 * The client's jobs in SQLite. An attempt is one try to place one copy at one miner; what its next step needs
 * is here before the step is taken, so that a killed node goes on exactly where it was. Amounts are texts.
 */
import { c, decode, encode, zeroAtto } from "@holdfast/base";
import type { Database } from "../../database.ts";
import { limits } from "../../limits.ts";
import { type DealPiece, dealPieceCodec } from "../deal.ts";
import { bytesOrNull, numberOf, tailLength, textOf } from "../rows.ts";
import { type Attempt, assignments, attemptOf, type JobRow, jobOf } from "./columns.ts";
import { clientSchema } from "./schema.ts";

export type { Attempt, EscrowState, Evidence, JobRow, Stage } from "./columns.ts";

export interface HistoryEntry {
  readonly atMs: number;
  readonly state: string;
  readonly detail: string;
}

/** A channel that was on its way to the chain, or on it, and is not any more. */
export interface GoneChannel {
  readonly attemptId: number;
  readonly channel: number;
  /** When it was given up. */
  readonly height: number;
  /** Messages about it that failed; part of their keys. */
  readonly tries: number;
}

export type JobPatch = Partial<
  Pick<JobRow, "state" | "error" | "finishedMs" | "renew" | "repair" | "termLimit">
>;
export type AttemptPatch = Partial<Omit<Attempt, "id" | "jobId" | "copy" | "miner" | "createdMs">>;

export interface JobPage {
  readonly before?: number | undefined;
  readonly limit: number;
  /** Only those that are renewed or repaired. */
  readonly kept?: boolean;
}

/** Of the stages before and after a copy is stored. */
const countedAs: { readonly [stage: string]: string } = {
  funding: "proposing",
  proposing: "proposing",
  accepted: "accepted",
  committed: "committed",
  abandoned: "failed",
};

const piecesCodec = c.list(dealPieceCodec, limits.piecesPerDeal);
const columnMaxBytes = { maxBytes: 16_777_216 };

const jobColumns: { readonly [Field in keyof JobPatch]-?: string } = {
  state: "state",
  error: "error",
  finishedMs: "finished_ms",
  renew: "renew",
  repair: "repair",
  termLimit: "term_limit",
};
const attemptColumns: { readonly [Field in keyof AttemptPatch]-?: string } = {
  pricePerBytePerEpoch: "price",
  total: "total",
  sectorBytes: "sector_bytes",
  durationEpochs: "duration_epochs",
  retired: "retired",
  stage: "stage",
  eol: "eol",
  channel: "channel",
  proposal: "proposal",
  dealId: "deal_id",
  startHeight: "start_height",
  endHeight: "end_height",
  startBy: "start_by",
  remote: "remote",
  detail: "detail",
  evidence: "evidence",
  doneHeight: "done_height",
  error: "error",
  redeemed: "redeemed",
  refunded: "refunded",
  fundTry: "fund_try",
  extendTry: "extend_try",
  cancelTry: "cancel_try",
  reclaimTry: "reclaim_try",
  collateral: "collateral",
  providerCollateral: "provider_collateral",
  escrow: "escrow",
  depositTry: "deposit_try",
  marketTry: "market_try",
};

export class ClientStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.migrate("market_client", clientSchema);
  }

  transaction<Result>(work: () => Result): Result {
    return this.#database.transaction(work);
  }

  addJob(
    job: Omit<JobRow, "id" | "state" | "error" | "updatedMs" | "finishedMs" | "termLimit"> & {
      readonly key: string | null;
    },
  ): number {
    const row = this.#database.get(
      `INSERT INTO market_jobs (cid, name, size_bytes, car_bytes, copies, duration_epochs, max_price, payer,
         key, encrypted, spread, renew, repair, allow_duplicates, delivery, state, started_ms, updated_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?) RETURNING id`,
      job.cid,
      job.name,
      job.sizeBytes,
      job.carBytes,
      job.copies,
      job.durationEpochs,
      job.maxPrice === null ? null : job.maxPrice.toString(),
      job.payer,
      job.key,
      Number(job.encrypted),
      job.spread,
      Number(job.renew),
      Number(job.repair),
      Number(job.allowDuplicates),
      job.delivery,
      job.startedMs,
      job.startedMs,
    );
    return row === undefined ? 0 : numberOf(row, "id");
  }
  job(id: number): JobRow | undefined {
    const row = this.#database.get("SELECT * FROM market_jobs WHERE id = ?", id);
    return row === undefined ? undefined : jobOf(row);
  }
  jobOfKey(key: string): JobRow | undefined {
    const row = this.#database.get("SELECT * FROM market_jobs WHERE key = ?", key);
    return row === undefined ? undefined : jobOf(row);
  }
  /** Newest first, those below `before`. */
  jobs({ before = Number.MAX_SAFE_INTEGER, limit, kept = false }: JobPage): JobRow[] {
    const which = kept ? "INDEXED BY market_jobs_kept_page WHERE (renew = 1 OR repair = 1) AND" : "WHERE";
    const sql = `SELECT * FROM market_jobs ${which} id < ? ORDER BY id DESC LIMIT ?`;
    return this.#database.all(sql, before, limit).map(jobOf);
  }
  /** Of each file the newest, newest first, those below `before`. */
  newestJobs({ before = Number.MAX_SAFE_INTEGER, limit }: JobPage): JobRow[] {
    return this.#database
      .all(
        `SELECT * FROM market_jobs AS job WHERE id < ?
           AND NOT EXISTS (SELECT 1 FROM market_jobs AS later WHERE later.cid = job.cid AND later.id > job.id)
           ORDER BY id DESC LIMIT ?`,
        before,
        limit,
      )
      .map(jobOf);
  }
  runningJobs(): number[] {
    return this.#database
      .all("SELECT id FROM market_jobs INDEXED BY market_jobs_running WHERE state = 'running' ORDER BY id")
      .map((row) => numberOf(row, "id"));
  }
  /** Deals in each state, as it is written down, without looking at them. */
  dealCounts(): { readonly [state: string]: number } {
    const counts: { [state: string]: number } = {};
    const rows = this.#database.all("SELECT * FROM market_attempt_counts WHERE attempts > 0");
    for (const row of rows) {
      const [stage, isBack] = [textOf(row, "stage"), numberOf(row, "is_back") === 1];
      const state = countedAs[stage] ?? (isBack ? "complete" : "active");
      counts[state] = (counts[state] ?? 0) + numberOf(row, "attempts");
    }
    return counts;
  }
  /** Stored, and to be renewed or repaired. */
  keptJobs(): JobRow[] {
    return this.#database
      .all("SELECT * FROM market_jobs WHERE state = 'done' AND (renew = 1 OR repair = 1) ORDER BY id")
      .map(jobOf);
  }
  jobsOf(cid: string): JobRow[] {
    return this.#database.all("SELECT * FROM market_jobs WHERE cid = ? ORDER BY id DESC", cid).map(jobOf);
  }
  updateJob(id: number, patch: JobPatch, atMs: number): void {
    const [columns, values] = assignments(jobColumns, patch);
    this.#database.run(
      `UPDATE market_jobs SET ${[...columns, "updated_ms = ?"].join(", ")} WHERE id = ?`,
      ...values,
      atMs,
      id,
    );
  }

  addAttempt(
    attempt: Pick<
      Attempt,
      | "jobId"
      | "copy"
      | "miner"
      | "pricePerBytePerEpoch"
      | "total"
      | "sectorBytes"
      | "durationEpochs"
      | "collateral"
      | "providerCollateral"
    >,
    atMs: number,
  ): number {
    const row = this.#database.get(
      `INSERT INTO market_attempts (job_id, copy, miner, price, total, sector_bytes, duration_epochs, stage,
         remote, detail, redeemed, fund_try, extend_try, cancel_try, reclaim_try,
         collateral, provider_collateral, escrow, deposit_try, market_try,
         created_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'funding', 'unknown', '', ?, 0, 0, 0, 0, ?, ?, 'ours', 0, 0, ?) RETURNING id`,
      attempt.jobId,
      attempt.copy,
      attempt.miner,
      attempt.pricePerBytePerEpoch.toString(),
      attempt.total.toString(),
      attempt.sectorBytes,
      attempt.durationEpochs,
      zeroAtto.toString(),
      attempt.collateral.toString(),
      attempt.providerCollateral.toString(),
      atMs,
    );
    return row === undefined ? 0 : numberOf(row, "id");
  }
  attempt(id: number): Attempt | undefined {
    const row = this.#database.get("SELECT * FROM market_attempts WHERE id = ?", id);
    return row === undefined ? undefined : attemptOf(row);
  }
  /** Oldest first. */
  attemptsOf(jobId: number): Attempt[] {
    return this.#database
      .all("SELECT * FROM market_attempts WHERE job_id = ? ORDER BY id", jobId)
      .map(attemptOf);
  }
  /** Attempts that were proposed, newest first, older than the one of the deal that is named. */
  proposed({ after, limit }: { after?: string | undefined; limit: number }): Attempt[] {
    const below = after === undefined ? undefined : this.attemptOfDeal(after)?.id;
    return this.#database
      .all(
        "SELECT * FROM market_attempts WHERE deal_id IS NOT NULL AND id < ? ORDER BY id DESC LIMIT ?",
        below ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .map(attemptOf);
  }
  dealEndingWith(tail: string): string | undefined {
    const row = this.#database.get(
      `SELECT deal_id FROM market_attempts WHERE substr(deal_id, -${tailLength}) = ? AND substr(deal_id, ?) = ?
         ORDER BY id DESC LIMIT 1`,
      tail.slice(-tailLength),
      -tail.length,
      tail,
    );
    return row === undefined ? undefined : textOf(row, "deal_id");
  }
  attemptOfDeal(dealId: string): Attempt | undefined {
    const row = this.#database.get("SELECT * FROM market_attempts WHERE deal_id = ?", dealId);
    return row === undefined ? undefined : attemptOf(row);
  }
  /** Those whose channel may still hold money that nobody works for any more. */
  openChannels(height: number): Attempt[] {
    return this.#database
      .all(
        `SELECT * FROM market_attempts WHERE channel IS NOT NULL AND refunded IS NULL
           AND (stage = 'abandoned' OR (stage = 'done' AND end_height <= ?))`,
        height,
      )
      .map(attemptOf);
  }
  addGoneChannel(attemptId: number, channel: number, height: number): void {
    this.#database.run(
      "INSERT INTO market_gone_channels VALUES (?, ?, ?, 0) ON CONFLICT DO UPDATE SET height = excluded.height",
      attemptId,
      channel,
      height,
    );
  }
  goneChannels(): GoneChannel[] {
    return this.#database.all("SELECT * FROM market_gone_channels ORDER BY rowid").map((row) => ({
      attemptId: numberOf(row, "attempt_id"),
      channel: numberOf(row, "channel"),
      height: numberOf(row, "height"),
      tries: numberOf(row, "tries"),
    }));
  }
  forgetGoneChannel({ attemptId, channel }: GoneChannel): void {
    const where = "WHERE attempt_id = ? AND channel = ?";
    this.#database.run(`DELETE FROM market_gone_channels ${where}`, attemptId, channel);
  }
  failedGoneChannel({ attemptId, channel }: GoneChannel): void {
    const where = "WHERE attempt_id = ? AND channel = ?";
    this.#database.run(`UPDATE market_gone_channels SET tries = tries + 1 ${where}`, attemptId, channel);
  }
  /** Collaterals that came back, and at which height that was believed, until it is final. */
  returnedCollaterals(): { readonly attempt: Attempt; readonly height: number }[] {
    return this.#database
      .all(
        `SELECT market_attempts.*, height FROM market_returned_collaterals
           JOIN market_attempts ON market_attempts.id = attempt_id ORDER BY id`,
      )
      .map((row) => ({ attempt: attemptOf(row), height: numberOf(row, "height") }));
  }
  addReturnedCollateral(attemptId: number, height: number): void {
    this.#database.run("INSERT OR REPLACE INTO market_returned_collaterals VALUES (?, ?)", attemptId, height);
  }
  forgetReturnedCollateral(attemptId: number): void {
    this.#database.run("DELETE FROM market_returned_collaterals WHERE attempt_id = ?", attemptId);
  }
  /** Those whose collateral the market holds and that are over, or may be. */
  heldCollaterals(): Attempt[] {
    return this.#database
      .all("SELECT * FROM market_attempts WHERE escrow = 'in' AND stage IN ('abandoned', 'done')")
      .map(attemptOf);
  }
  /** Deals that go on, whose collateral the market holds, or may hold: its message can be mined before we know. */
  depositedFor(payer: string): Attempt[] {
    return this.#database
      .all(
        `SELECT market_attempts.* FROM market_attempts JOIN market_jobs ON market_jobs.id = job_id
           WHERE payer = ? AND escrow <> 'back' AND stage NOT IN ('abandoned', 'done')`,
        payer,
      )
      .map(attemptOf);
  }
  /** Those whose money may be on its way into a channel. */
  beingFunded(): Attempt[] {
    return this.#database.all("SELECT * FROM market_attempts WHERE stage = 'funding'").map(attemptOf);
  }
  updateAttempt(id: number, patch: AttemptPatch, history?: HistoryEntry): void {
    const [columns, values] = assignments(attemptColumns, patch);
    this.#database.transaction(() => {
      this.#database.run(`UPDATE market_attempts SET ${columns.join(", ")} WHERE id = ?`, ...values, id);
      if (history === undefined) return;
      const { atMs, state, detail } = history;
      this.#database.run("INSERT INTO market_history VALUES (?, ?, ?, ?)", id, atMs, state, detail);
    });
  }
  history(attemptId: number): HistoryEntry[] {
    return this.#database
      .all("SELECT * FROM market_history WHERE attempt_id = ? ORDER BY rowid", attemptId)
      .map((row) => ({
        atMs: numberOf(row, "at_ms"),
        state: textOf(row, "state"),
        detail: textOf(row, "detail"),
      }));
  }

  pieces(cid: string, sectorBytes: number): readonly DealPiece[] | undefined {
    const row = this.#database.get(
      "SELECT pieces FROM market_pieces WHERE cid = ? AND sector_bytes = ?",
      cid,
      sectorBytes,
    );
    const bytes = row === undefined ? null : bytesOrNull(row, "pieces");
    return bytes === null ? undefined : decode(piecesCodec, bytes, columnMaxBytes);
  }
  savePieces(cid: string, sectorBytes: number, pieces: readonly DealPiece[]): void {
    this.#database.run(
      "INSERT INTO market_pieces VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      cid,
      sectorBytes,
      encode(piecesCodec, pieces),
    );
  }
}
