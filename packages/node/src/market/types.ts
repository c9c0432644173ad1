/** What the market gives, in the shapes of the API: the handlers pass them on as they are. */
import type { dealView, fileView, MethodResult, putCopy, putView, receiptDocument } from "@holdfast/api";
import type { Address, AttoFil, Cancel, CID, PeerId } from "@holdfast/base";
import type { z } from "zod";
import type { AmendmentKind } from "./amendment.ts";
import type { DealPolicy } from "./policy.ts";
import type { TermsAnswer } from "./quote.ts";

export type PutJob = z.output<typeof putView>;
export type PutCopy = z.output<typeof putCopy>;
export type Spread = PutJob["keep"]["spread"];
export type Keeping = PutJob["keep"];
export type PutStep = PutCopy["step"];
export type Deal = z.output<typeof dealView>;
export type DealState = Deal["state"];
export type DealDetail = MethodResult<"deal.show">;
export type DealChange = DealDetail["amendments"][number];
export type StoredFile = z.output<typeof fileView>;
export type PutReceipt = z.output<typeof receiptDocument>;
export type Quote = MethodResult<"put.quote">;
export type Explanation = MethodResult<"why">;
export type ErrorText = { readonly code: string; readonly message: string; readonly fix: string };

export interface PutRequest {
  readonly cid: CID;
  readonly name?: string;
  readonly copies: number;
  readonly durationEpochs: number;
  /** For all copies together; a put that would cost more is refused. */
  readonly maxPrice?: AttoFil;
  /** A repeat with the same key is the same job, also when it is over. */
  readonly key?: string;
  /** Default: operators. */
  readonly spread?: Spread;
  readonly renew?: boolean;
  readonly repair?: boolean;
  readonly encrypted?: boolean;
  /** A miner may get what it keeps for this client already. */
  readonly allowDuplicates?: boolean;
  /** How the data comes to the miners, see `delivery.ts`; default: over streams of this node. */
  readonly delivery?: string;
}

export interface KeepRequest {
  readonly renew?: boolean | undefined;
  readonly repair?: boolean | undefined;
  /** What all copies together may cost for one term. */
  readonly termLimit?: AttoFil | undefined;
}

export interface QuoteRequest {
  /** Length of the file's CAR stream. */
  readonly carBytes: number;
  readonly copies: number;
  readonly durationEpochs: number;
  /** Default: operators. */
  readonly spread?: Spread;
}

export interface TermsRequest extends Pick<QuoteRequest, "carBytes" | "durationEpochs"> {
  /** Of a file; else of any. */
  readonly payload?: CID | undefined;
  /** Default: all that publish a price. */
  readonly miners?: readonly string[] | undefined;
}
export interface MinerTerms {
  readonly miner: Address;
  readonly isWilling: boolean;
  /** Why not; empty otherwise. */
  readonly code: string;
  readonly reason: string;
  /** What it would cost; null where it would not be taken. */
  readonly totalFil: string | null;
  /** What the miner takes; null if it did not answer. */
  readonly terms: Pick<
    TermsAnswer,
    "pricePerBytePerEpoch" | "sectorBytes" | "minBytes" | "maxBytes" | "minEpochs" | "maxEpochs"
  > | null;
}

export interface ChangeRequest {
  readonly kind: AmendmentKind;
  /** Of an extension. */
  readonly endHeight?: number;
  /** Of an extension: what it may cost beyond the price so far. */
  readonly maxPrice?: AttoFil | undefined;
  /** A repeat with the same key is the same change. */
  readonly key?: string | undefined;
}

/** Deals of one half, older than one of them. */
export interface PutPage {
  /** Behind this job. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  /** Only those that are renewed or repaired. */
  readonly kept?: boolean | undefined;
}

export interface FilePage {
  /** Behind the file of this CID. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

export interface DealPage {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** The client's half. Every method may throw `market/closed` after the disposal. */
export interface ClientMarket extends AsyncDisposable {
  /**
   * What storing would cost now, miner by miner, cheapest first. The price of a copy is the miner's ask × the
   * padded bytes of all its pieces × the epochs. Miners that are not connected are dialled, so it may take some
   * seconds. `market/no-miners`, `market/too-large`, `market/too-few-miners`, `market/duration-out-of-range`.
   */
  quote(request: QuoteRequest): Promise<Quote>;
  /** What each miner says that it would take, and for how much; asked of the miners themselves. */
  terms(request: TermsRequest): Promise<readonly MinerTerms[]>;
  /**
   * Starts a job, or attaches to the unfinished one for the same file, copies and duration. The job goes on
   * over restarts until it is done or failed. What is wrong right now is thrown and leaves no job:
   * `market/not-imported`, `market/duration-out-of-range`, `market/copies-out-of-range`, and when miners are known
   * already `market/too-large`, `market/too-few-miners`, `market/price-above-max`, `market/insufficient-funds`.
   * Everything later is the job's `error` (also `market/no-miners`, after a wait for asks).
   */
  startPut(request: PutRequest): Promise<PutJob>;
  /** A page of them, newest first. */
  jobs(page?: PutPage): readonly PutJob[];
  /** `market/unknown-job`. */
  job(jobId: string): PutJob;
  /** The job now, then after every change, until it is done or failed; ends with the signal. */
  watch(jobId: string, signal?: Cancel): AsyncIterable<PutJob>;
  /** `market/unknown-job`, `market/not-done`. */
  receipt(jobId: string): PutReceipt;
  /** A page of them, newest first. */
  deals(page?: DealPage): readonly Deal[];
  /** The whole id of a deal, by its last characters; of several the newest. */
  dealEndingWith(tail: string): string | undefined;
  /** Undefined if this half does not know the deal. */
  deal(dealId: string): DealDetail | undefined;
  /**
   * Asks the miner to let a deal live longer or end early. The change goes on over restarts; where it is, `deal` says.
   * `market/unknown-deal`, `market/not-changeable`, `market/price-above-max`, `market/key-reused`.
   */
  change(dealId: string, request: ChangeRequest): DealChange;
  /** Changes whether and for how much a stored file is renewed and repaired. `market/unknown-job`. */
  keep(jobId: string, request: KeepRequest): PutJob;
  /**
   * What this node's own copy of a file is worth: needed for a deal that is being made; stored well enough elsewhere;
   * or neither is known.
   */
  worthOf(cid: CID): "needed" | "stored" | "unknown";
  /** Deals in each state, as it is written down: a copy that was stored is active until its money is back. */
  dealCounts(): { readonly [state: string]: number };
  /** A page of them, the one that was put last first; judged from the chain's head at the time of the call. */
  files(page?: FilePage): readonly StoredFile[];
  /** Of a job or a deal; undefined if this half knows neither. */
  explain(id: string): Explanation | undefined;
}

/** The CAR stream of one payload. */
export interface StoredCar {
  readonly carBytes: number;
  /** From `offsetBytes` (at most `carBytes`) so many bytes, or to the end. */
  read(offsetBytes: number, lengthBytes?: number): AsyncIterable<Uint8Array>;
  /** What was read there is damaged. Whether another read comes from elsewhere. */
  doubt(offsetBytes: number, lengthBytes: number): Promise<boolean>;
}

/** A message of the miner's owner to the payment broker. */
export interface DueRedemption {
  readonly from: Address;
  readonly to: Address;
  readonly method: "redeem" | "close";
  readonly params: Uint8Array;
  /** What the voucher is over, in all. */
  readonly amount: AttoFil;
  /** What of it was not paid yet. */
  readonly adds: AttoFil;
}

export interface BroughtData {
  readonly dealId: string;
  readonly pieces: number;
  readonly carBytes: number;
}

export interface MinerMarket extends AsyncDisposable {
  /** What pays the owner for a deal now; undefined if nothing is due, or the deal is not this miner's. */
  redemption(dealId: string): DueRedemption | undefined;
  /** Which deals, and changes of deals, this miner takes, after the change that is given. */
  policy(change?: Partial<DealPolicy>): DealPolicy;
  /** A page of them, newest first. */
  deals(page?: DealPage): Promise<readonly Deal[]>;
  /** How many there are in each state. */
  dealCounts(): { readonly [state: string]: number };
  /** The whole id of a deal, by its last characters; of several the newest. */
  dealEndingWith(tail: string): string | undefined;
  deal(dealId: string): Promise<DealDetail | undefined>;
  /**
   * The data of a deal that was to be carried here, as the CAR stream of its payload; the id, or its last characters.
   * What is wrong with it harms nothing: the deal waits on. `deal/unknown-deal`, `deal/not-carried`, `deal/busy`,
   * `deal/wrong-data`, `deal/storage-failed`, `market/closed`.
   */
  bring(name: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<BroughtData>;
  /** Whether a deal of this miner is, or was, paid from the channel. */
  isPaidFrom(payer: Address, channel: number): boolean;
  /** For retrieval: payloads whose pieces are all here, read from the storage in their order. */
  readonly carSource: {
    open(payload: CID): Promise<StoredCar | undefined>;
    /** All that are here. */
    payloads(): Iterable<CID>;
    /** Told of each that is here from now on. */
    onStored(listener: (payload: CID) => void): () => void;
    /** Whether a deal of this peer pays for the storing of it. */
    isOwnedBy(peer: PeerId, payload: CID): boolean;
  };
  explain(dealId: string): Promise<Explanation | undefined>;
}
