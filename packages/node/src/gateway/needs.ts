/** What the gateway needs: a view of trees, and limits. */
import type { CID, Logger } from "@holdfast/base";

export interface GatewayBlock {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

export interface GatewayPlace {
  readonly cid: CID;
  readonly kind: "file" | "folder" | "symlink" | "other";
  readonly sizeBytes: number | null;
  readonly target: string | null;
  readonly roots: readonly CID[];
}

export interface GatewayQuery {
  readonly path: readonly string[];
  readonly scope: "block" | "entity" | "all";
  readonly bytes?: { readonly from: number; readonly to: number | undefined } | undefined;
  readonly repeats: boolean;
}

export interface GatewayFile {
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A tree that is asked for, as far as it is here, or wherever it is. */
export interface GatewayDag {
  block(cid: CID): Promise<Uint8Array>;
  find(root: CID, path: readonly string[]): Promise<GatewayPlace>;
  file(
    cid: CID,
    range?: { readonly offsetBytes?: number | undefined; readonly lengthBytes?: number | undefined },
  ): Promise<GatewayFile>;
  entries(
    cid: CID,
  ): AsyncIterable<{ readonly name: string; readonly cid: CID; readonly sizeBytes: number | null }>;
  tree(cid: CID): AsyncIterable<{
    readonly path: readonly string[];
    readonly cid: CID;
    readonly node: { readonly kind: "file" | "folder" | "symlink"; readonly target?: string };
  }>;
  blocks(root: CID, query: GatewayQuery): AsyncIterable<GatewayBlock>;
  /** The CAR stream of all of it, where every block lies here; its bytes are always the same. */
  wholeCar?(): Promise<GatewayCar | undefined>;
}

export interface GatewayCar {
  readonly carBytes: number;
  read(skipBytes: number): AsyncIterable<Uint8Array>;
}

export interface GatewayNeeds {
  readonly logger: Logger;
  /** Blocks that are not here: fetched if `fetch`, else `retrieval/missing-block`. */
  dag(root: CID, options: { readonly fetch: boolean; readonly signal: AbortSignal }): GatewayDag;
}
