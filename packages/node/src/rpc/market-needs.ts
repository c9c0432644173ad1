/** What the API needs of files, puts and deals. */
import type { FileQuery, Imported, ImportRequest, MethodParams, MethodResult } from "@holdfast/api";
import type { FolderItem } from "@holdfast/api/folder-tar";
import type { Address, AttoFil, Cancel, CID } from "@holdfast/base";

export interface FileDoor {
  importFile(bytes: AsyncIterable<Uint8Array>, signal: Cancel, how?: ImportRequest): Promise<Imported>;
  importFolder(items: AsyncIterable<FolderItem>, signal: Cancel, how?: ImportRequest): Promise<Imported>;
  openFile(
    cid: string,
    range: FileQuery,
    signal: Cancel,
  ): Promise<{ readonly sizeBytes: number; readonly bytes: AsyncIterable<Uint8Array> }>;
  /** All of a folder. */
  openFolder(cid: string, path: string, signal: Cancel): Promise<AsyncIterable<FolderItem>>;
  list(cid: string, path: string, signal: Cancel): AsyncIterable<MethodResult<"folder.ls">>;
  stat(cid: string, signal: Cancel): Promise<MethodResult<"file.stat">>;
  /** What the request with this signal may spend, in all. */
  allow(signal: Cancel, maxPrice: string): void;
  /** Whether there was a copy here. */
  remove(cid: string): Promise<boolean>;
}

export type PutView = MethodResult<"put.show">;
export type DealView = MethodResult<"deal.ls">[number];
export type DealsPage = Pick<MethodParams<"deal.ls">, "role" | "after"> & { readonly limit: number };
export type DealDetail = MethodResult<"deal.show">;
export type Explanation = MethodResult<"why">;

/** What a miner takes, times in epochs. */
export interface DealRules extends Omit<MethodResult<"deal.policy">, "minForMs" | "maxForMs" | RuleLists> {
  readonly minEpochs: number | null;
  readonly maxEpochs: number | null;
  readonly allow: readonly Address[];
  readonly deny: readonly Address[];
  readonly verified: readonly Address[];
}
type RuleLists = "allow" | "deny" | "verified";
export interface TermsLine {
  readonly miner: Address;
  readonly isWilling: boolean;
  readonly code: string;
  readonly reason: string;
  readonly totalFil: string | null;
  readonly terms: {
    readonly pricePerBytePerEpoch: AttoFil;
    readonly sectorBytes: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly minEpochs: number;
    readonly maxEpochs: number;
  } | null;
}

/** Deals and puts, already in the shapes of the API. */
export interface MarketDoor {
  quote(params: {
    readonly sizeBytes: number;
    readonly copies: number;
    readonly forMs: number;
    readonly spread: "miners" | "operators";
  }): Promise<MethodResult<"put.quote">>;
  startPut(
    params: Required<Pick<MethodParams<"put.start">, "cid" | "forMs">> & {
      readonly copies: number;
      readonly spread: "miners" | "operators";
      readonly renew: boolean;
      readonly repair: boolean;
      readonly allowDuplicates: boolean;
      readonly transfer: string;
      readonly name?: string | undefined;
      readonly maxPrice?: string | undefined;
      readonly key?: string | undefined;
    },
  ): Promise<PutView>;
  keep(
    jobId: string,
    change: {
      readonly renew?: boolean | undefined;
      readonly repair?: boolean | undefined;
      readonly maxPrice?: string | undefined;
    },
  ): PutView;
  /** A page of them, newest first. */
  puts(page: MethodParams<"put.ls">): readonly PutView[];
  put(jobId: string): PutView | undefined;
  watch(jobId: string, signal: AbortSignal): AsyncIterable<PutView>;
  receipt(jobId: string): Promise<MethodResult<"put.receipt">>;
  /** A page of them, the one that was put last first. */
  files(page: MethodParams<"file.ls">): readonly MethodResult<"file.ls">[number][];
  /** How many deals there are in each state, as it is written down; a page is not read. */
  dealCounts(): { readonly [state: string]: number };
  /** A page of them, newest first: those as client, then those as miner. */
  deals(page: DealsPage): Promise<readonly DealView[]>;
  /** By its id or the last characters of it, as client or as miner; of both, as client. */
  deal(id: string, role?: DealView["role"]): Promise<DealDetail | undefined>;
  /** Of a deal of this client. */
  change(
    dealId: string,
    request: {
      readonly kind: "extend" | "release";
      readonly endHeight?: number;
      readonly maxPrice?: AttoFil | undefined;
      readonly key?: string | undefined;
    },
  ): MethodResult<"deal.extend">;
  /** What pays this miner's owner for a deal now; undefined if nothing is due. */
  redemption(dealId: string):
    | {
        readonly from: Address;
        readonly to: Address;
        readonly method: string;
        readonly params: Uint8Array;
        readonly amount: AttoFil;
        readonly adds: AttoFil;
      }
    | undefined;
  /** Of this node's miner; undefined if it runs none. */
  policy(change: Partial<DealRules>): DealRules | undefined;
  /** What miners answer to who asks before a deal. */
  terms(request: {
    readonly carBytes: number;
    readonly durationEpochs: number;
    readonly payload: CID | undefined;
    readonly miners: readonly string[] | undefined;
  }): Promise<readonly TermsLine[]>;
  /** Explains a put or a deal of this node; undefined if it knows neither by this id. */
  explain(id: string): Promise<Explanation | undefined>;
}
