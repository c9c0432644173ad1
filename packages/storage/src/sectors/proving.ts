/**
 * Proofs about sealed sectors: spacetime over replicas, inclusion of pieces. A sector that cannot be proven
 * never takes the others down with it: it is left out and named.
 */
import { type Address, HoldfastError, sectorId as sectorIdOf } from "@holdfast/base";
import { provePieceInclusion } from "@holdfast/proofs";
import { storageErrors } from "../errors.ts";
import type { PostJob } from "../pool/index.ts";
import type { SectorRow } from "../store/index.ts";
import { type Core, ensureOpen, sectorOrThrow } from "./core.ts";
import { bareName, filePath } from "./files.ts";
import { wholeLayout } from "./packing.ts";
import type { Reading } from "./reading.ts";
import { provableStates } from "./states.ts";
import type { InclusionAnswer, PostAnswer, SectorFault } from "./types.ts";

/** Sectors of one proof of spacetime, at most; consensus and memory set it. */
const maxPostSectors = 4_096;

type SectorTree = Pick<PostJob["sectors"][number], "treePath" | "replicaPath">;

export class Proving {
  readonly #core: Core;
  readonly #reading: Reading;

  constructor(core: Core, reading: Reading) {
    this.#core = core;
    this.#reading = reading;
  }

  async post(
    kind: PostAnswer["kind"],
    seed: Uint8Array,
    sectorIds: readonly number[],
    signal?: AbortSignal,
  ): Promise<PostAnswer> {
    ensureOpen(this.#core);
    return await this.#core.uses.during(sectorIds, () => this.#post(kind, seed, sectorIds, signal));
  }

  async #post(
    kind: PostAnswer["kind"],
    seed: Uint8Array,
    sectorIds: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<PostAnswer> {
    const { classes, end, sealer, logger } = this.#core;
    const faults: SectorFault[] = [];
    const rows: SectorRow[] = [];
    const trees = new Map<number, SectorTree>();
    let miner: string | undefined;
    for (const row of await this.#sectors(sectorIds.slice(0, maxPostSectors))) {
      const tree = await this.#treeOf(row);
      if ("treePath" in tree) {
        rows.push(row);
        trees.set(row.sectorId, tree);
      } else faults.push(tree);
      miner ??= row.ticket?.miner;
    }
    this.#checkRequest(rows, miner, sectorIds);
    const none = () => storageErrors.noProvableSector({ faults: faults.map((fault) => fault.sectorId) });
    if (rows.length === 0 || miner === undefined) throw none();
    const sectors = rows.map(({ sectorId, sectorBytes, commitments }) => ({
      sectorId: sectorIdOf(sectorId),
      sectorBytes,
      commR: commitments?.commR ?? new Uint8Array(0),
      ...(trees.get(sectorId) ?? { treePath: "" }),
    }));
    const result = await sealer.post(
      {
        ...{ classes, seed, miner: miner as Address, sectors },
        postKind: kind === "check" ? "window" : kind,
        isRehearsal: kind === "check",
      },
      { signal: signal === undefined ? end : AbortSignal.any([end, signal]) },
    );
    faults.push(...result.faults);
    if (faults.length > 0)
      logger.error("storage: sectors cannot be proven", { faults: faults.map((fault) => ({ ...fault })) });
    if (result.proof === null) throw none();
    return { kind, proof: result.proof, proven: result.proven, faults };
  }

  /** The piece's place under the commD of its sector; needs no data, so it works in every state. */
  async inclusion(pieceKey: string): Promise<InclusionAnswer> {
    ensureOpen(this.#core);
    const { store } = this.#core;
    const { sectorId, offsetPaddedBytes, commP, paddedBytes } = await this.#reading.piece(pieceKey);
    const { sectorBytes, commitments, state } = await sectorOrThrow(store, sectorId);
    if (commitments === null) throw storageErrors.notSealed({ sectorId, state });
    const layout = wholeLayout(await store.slots(sectorId), sectorBytes);
    const index = layout.findIndex((piece) => piece.offsetPaddedBytes === offsetPaddedBytes);
    const proof = provePieceInclusion(layout, sectorBytes, index);
    return { sectorId, sectorBytes, commD: commitments.commD, commP, paddedBytes, proof };
  }

  /** In the order of the request. */
  async #sectors(sectorIds: readonly number[]): Promise<SectorRow[]> {
    const rows = await this.#core.store.sectorsById(sectorIds);
    const byId = new Map(rows.map((row) => [row.sectorId, row]));
    return sectorIds.map((sectorId) => {
      const row = byId.get(sectorId);
      if (row === undefined) throw storageErrors.unknownSector({ sectorId });
      return row;
    });
  }

  #checkRequest(rows: readonly SectorRow[], miner: string | undefined, sectorIds: readonly number[]): void {
    const [sectorId = 0] = sectorIds;
    if (sectorIds.length > maxPostSectors) {
      throw storageErrors.badSector({ sectorId, reason: `a proof takes at most ${maxPostSectors} sectors` });
    }
    const stranger = rows.find((row) => row.ticket?.miner !== miner);
    if (stranger === undefined) return;
    const reason = `it belongs to miner ${stranger.ticket?.miner}, not ${miner}`;
    throw storageErrors.badSector({ sectorId: stranger.sectorId, reason });
  }

  /** Where the tree of a sector lies, or the replica that it is hashed of anew; or why it cannot be proven. */
  async #treeOf(row: SectorRow): Promise<SectorTree | SectorFault> {
    const { sectorId, state } = row;
    const fault = ({ code, message }: HoldfastError) => ({ sectorId, code, message });
    if (!provableStates.includes(state)) return fault(storageErrors.notSealed({ sectorId, state }));
    const files = await this.#core.store.volumes.filesOf(sectorId);
    const [tree, sealed] = [files.get("tree"), files.get("sealed")];
    // Also of one that was stored while trees were not kept.
    const isMade = tree === undefined && sealed !== undefined;
    const path = isMade ? filePath(sealed) : tree === undefined ? bareName(row, "tree") : filePath(tree);
    try {
      if ((await this.#core.disk.sizeBytes(path)) !== undefined)
        return isMade ? { treePath: null, replicaPath: path } : { treePath: path };
      return fault(storageErrors.missingFile({ sectorId, path }));
    } catch (error) {
      if (error instanceof HoldfastError) return fault(error); // its volume is away, or its disk fails
      throw error;
    }
  }
}
