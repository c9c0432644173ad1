/** What the API needs of a node that runs a miner. */
import type { MethodResult } from "@holdfast/api";
import type { Address } from "@holdfast/base";

export interface MinerDoor {
  readonly miner: Address;
  status(): {
    readonly blocksWon: number;
    readonly lastBlockAt: number | null;
    readonly sectorFailures: ReadonlyMap<number, string>;
    readonly proofFailure: string | null;
    readonly signing: MethodResult<"mine.status">["signing"];
  };
  /** Those that are not removed, by number: a page. */
  sectors(page: { readonly after?: number | undefined; readonly limit: number }): Promise<LocalSector[]>;
  /** Undefined when there is none, or it is removed. */
  sector(sectorId: number): Promise<LocalSector | undefined>;
  /** With their places, by offset. */
  piecesOf(sectorId: number): Promise<LocalPiece[]>;
  /** Sectors on their way onto the chain. */
  unfinished(): AsyncIterable<LocalSector>;
  /** To postgres://… or to "files"; undefined where nobody knows where the records are. */
  readonly moveRecords?: MoveRecords;
  /** Undefined while the database of sectors and jobs answers. */
  recordsSilence(): { readonly sinceMs: number; readonly detail: string } | undefined;
  /** How many there are in each state. */
  countSectors(): Promise<{ readonly [state: string]: number }>;
}

export type MoveRecords = (to: string) => Promise<{
  readonly from: string;
  readonly place: string;
  readonly rowCount: number;
  readonly passCount: number;
  /** Nothing was moved. */
  readonly wasThere: boolean;
}>;

export interface LocalSector {
  readonly sectorId: number;
  readonly sectorBytes: number;
  readonly state: string;
  readonly detail: string;
  readonly commD: Uint8Array | null;
  readonly commR: Uint8Array | null;
  readonly usedBytes: number;
  readonly pieceCount: number;
}

export interface LocalPiece {
  readonly pieceKey: string;
  readonly commP: Uint8Array;
  readonly offsetPaddedBytes: number;
  readonly paddedBytes: number;
}
