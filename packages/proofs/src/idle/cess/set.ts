/**
 * A whole set of idle files in the compatibility profile, column by column. Hot positions (graph.ts) are parents of
 * everything and depend on nothing else, so they come first, in order: phase A, n/(256·d) of the work. Then every
 * block of columns goes through all layers and clusters by itself: phase B, blocks in any order, on any number of
 * threads. Only the files that stay are written, nothing is read back.
 *
 * Phase A is one thread's; a host with more gives `start`, which does the blocks on all.
 *
 * Memory: tables of the hot labels, `tableBytes` for each file of the set, which all threads read (512 MiB in the
 * public network's sets); `hotBytes` more during phase A (165 MiB), `blockBytes` for every block at work (24 MiB);
 * `rowBytes` for the trees (4 MiB).
 * Invariant: a block writes only its own part of `rows`, and of the files; tables are whole before the first block.
 */
import { assert, sha256 } from "@holdfast/base";
import { allocate } from "../../memory/index.ts";
import type { RowsPass } from "../../merkle/index.ts";
import { passSteps, type Steps, within } from "../../steps/index.ts";
import { ColumnState } from "./column-state.ts";
import { cessErrors } from "./errors.ts";
import { cessKernel } from "./kernel.ts";
import { headOf, hotInGroup, labelBytes } from "./rows.ts";
import { type CessSet, checkSet, eldersOf, filesOf, isElder } from "./shape.ts";
import { auxBytes, auxNodes, rootOfAux, rowAbove, rowOverLabels } from "./tree.ts";

const hashBytes = 32;
/** Tables are read once for every block: a block that is too small waits for memory. */
const usualBlockNodes = 4096;
/** Blocks of a small set, so that several threads end together; not below the smallest that is worth it. */
const fewestBlocks = 16;
const leastBlockNodes = 256;

export interface CessSetPlan extends CessSet {
  readonly files: number;
  readonly blockNodes: number;
  readonly blocks: number;
  /** Bytes of the table of one file; of all. */
  readonly tableBytes: number;
  readonly allTableBytes: number;
  readonly hotBytes: number;
  readonly blockBytes: number;
  readonly rowBytes: number;
  /** Nodes of each file's tree that are kept in `rows`. */
  readonly rowNodes: number;
}

/** Takes files, or nothing: `write` is called with bytes that are used again when it returns. */
export interface CessSink {
  /** Whether intermediate layers are wanted too. */
  readonly intermediate?: boolean;
  write(file: CessFileName, offset: number, bytes: Uint8Array): void;
}

export interface CessFileName {
  readonly cluster: number;
  readonly realLayer: number;
}

export interface CessSetRoots {
  /** 32 bytes each: layer after layer, in each cluster after cluster. */
  readonly roots: Uint8Array;
  /** 2,048 bytes each, in the same order. */
  readonly aux: Uint8Array;
  /** SHA-256 of the roots. */
  readonly commitHash: Uint8Array;
}

/** Throws cess/bad-shape, cess/bad-set, cess/bad-miner. */
export function planCessSet(set: CessSet, blockNodes?: number): CessSetPlan {
  checkSet(set);
  const { shape, clusters } = set;
  const even = Math.max(leastBlockNodes, shape.nodes / fewestBlocks);
  const wanted = blockNodes ?? Math.min(usualBlockNodes, even, shape.nodes);
  if (!Number.isInteger(Math.log2(wanted)) || wanted > shape.nodes)
    throw cessErrors.badSet({ problem: `blocks have a power of two of the ${shape.nodes} positions` });
  const files = filesOf(set);
  const blocks = shape.nodes / wanted;
  const tableBytes = labelBytes * hotInGroup * shape.degree;
  const rowNodes = Math.max(auxNodes, blocks);
  return {
    ...set,
    files,
    blockNodes: wanted,
    blocks,
    tableBytes,
    allTableBytes: files * tableBytes,
    hotBytes: (5 * clusters + 2) * tableBytes,
    blockBytes: (3 * clusters + 2) * wanted * labelBytes,
    rowBytes: files * rowNodes * hashBytes,
    rowNodes,
  };
}

/** Every file of a set, in the order in which they are made. */
function* filesInOrder({
  shape,
  clusters,
}: CessSet): Generator<{ layer: number; cluster: number; index: number }> {
  for (let layer = 0; layer < 2 * shape.layers; layer += 1)
    for (let cluster = 0; cluster < clusters; cluster += 1)
      yield { layer, cluster, index: layer * clusters + cluster };
}

/** Tables of all files, one behind the other, and which of them a file reads. */
function tablesOf(plan: CessSetPlan, tables: Uint8Array) {
  const table = (layer: number, cluster: number): Uint8Array => {
    const at = (layer * plan.clusters + cluster) * plan.tableBytes;
    return tables.subarray(at, at + plan.tableBytes);
  };
  const previous = (layer: number, cluster: number): { readonly previous?: Uint8Array } =>
    layer === 0 ? {} : { previous: table(Math.min(layer, plan.shape.layers) - 1, cluster) };
  return { table, previous };
}

const headIn = (plan: CessSetPlan, layer: number, cluster: number): Uint8Array =>
  headOf({ ...plan, cluster: plan.startCluster + cluster, realLayer: layer });

/** Phase A: fills `tables` (`allTableBytes`). Yields the share of it that is done. */
export function* cessHotSteps(plan: CessSetPlan, tables: Uint8Array): Steps<void> {
  assert(tables.length >= plan.allTableBytes, "there is room for the tables");
  const { shape, clusters } = plan;
  const { table, previous } = tablesOf(plan, tables);
  const count = hotInGroup * shape.degree;
  const beside = new ColumnState(plan, count);
  const sums = [0, 1].map(() => Array.from({ length: clusters }, () => allocate(plan.tableBytes)));
  for (const { layer, cluster, index } of filesInOrder(plan)) {
    const head = headIn(plan, layer, cluster);
    const own = table(layer, cluster);
    const elders = sums[eldersOf(shape, layer) ?? 2]?.[cluster];
    const adds = layer < shape.layers && isElder(shape, layer) ? sums[layer % 2]?.[cluster] : undefined;
    const columns = beside.file(layer, cluster);
    cessKernel.cessHot({
      head,
      table: own,
      ...previous(layer, cluster),
      ...(columns.straight && { next: columns.straight }),
      ...(elders && { elders }),
      ...(index > 0 && { before: tables.subarray((index - 1) * plan.tableBytes, index * plan.tableBytes) }),
      ...(adds && { sums: adds }),
    });
    cessKernel.cessColumns({
      ...columns,
      head,
      table: own,
      ...previous(layer, cluster),
      low: 0,
      count,
      beside: true,
    });
    yield (index + 1) / plan.files;
  }
}

/** Memory for one block at work, to be used for one after another. */
export class CessBlockRoom {
  readonly columns: ColumnState;

  constructor(plan: CessSetPlan) {
    this.columns = new ColumnState(plan, plan.blockNodes);
  }
}

/** Phase B: one block, from 0 on. Yields the share of it that is done. */
export function* cessBlockSteps(
  plan: CessSetPlan,
  tables: Uint8Array,
  rows: Uint8Array,
  block: number,
  sink: CessSink,
  { columns }: CessBlockRoom = new CessBlockRoom(plan),
): Generator<number, void, void> {
  assert(rows.length >= plan.rowBytes && block >= 0 && block < plan.blocks, "it is a block of the plan");
  const { table, previous } = tablesOf(plan, tables);
  const low = block * plan.blockNodes;
  const blockRowNodes = plan.rowNodes / plan.blocks;
  columns.clear();
  for (const { layer, cluster, index } of filesInOrder(plan)) {
    const file = columns.file(layer, cluster);
    cessKernel.cessColumns({
      ...file,
      head: headIn(plan, layer, cluster),
      table: table(layer, cluster),
      ...previous(layer, cluster),
      low,
      count: plan.blockNodes,
      beside: false,
    });
    const at = index * plan.rowNodes + block * blockRowNodes;
    rows.set(rowOverLabels(file.into, blockRowNodes), at * hashBytes);
    if (layer >= plan.shape.layers || sink.intermediate === true) {
      const name = { cluster: plan.startCluster + cluster, realLayer: layer };
      sink.write(name, low * labelBytes, file.into);
    }
    yield (index + 1) / plan.files;
  }
}

/** The roots, when all blocks have written their rows. */
export function finishCessSet(plan: CessSetPlan, rows: Uint8Array): CessSetRoots {
  const roots = new Uint8Array(plan.files * hashBytes);
  const aux = new Uint8Array(plan.files * auxBytes);
  const fileBytes = plan.rowNodes * hashBytes;
  for (let index = 0; index < plan.files; index += 1) {
    const own = rowAbove(rows.subarray(index * fileBytes, (index + 1) * fileBytes), auxNodes);
    aux.set(own, index * auxBytes);
    roots.set(rootOfAux(own), index * hashBytes);
  }
  return { roots, aux, commitHash: sha256(roots) };
}

/** All blocks of a set whose tables are whole. */
export interface CessBlocks {
  readonly plan: CessSetPlan;
  readonly tables: Uint8Array;
  readonly rows: Uint8Array;
}

export interface CessSetOptions {
  readonly blockNodes?: number;
  /** Begins all blocks on several threads, which write to the sink themselves; undefined: they are done here. */
  readonly start?: (blocks: CessBlocks) => RowsPass | undefined;
}

function* allBlocks({ plan, tables, rows }: CessBlocks, sink: CessSink): Steps<void> {
  const room = new CessBlockRoom(plan);
  for (let block = 0; block < plan.blocks; block += 1) {
    yield* within(
      cessBlockSteps(plan, tables, rows, block, sink, room),
      block / plan.blocks,
      1 / plan.blocks,
    );
  }
}

/** The whole set. Yields the share that is done. Throws as planCessSet does, and what the sink throws. */
export function* cessSetSteps(
  set: CessSet,
  sink: CessSink,
  { blockNodes, start }: CessSetOptions = {},
): Steps<CessSetRoots> {
  const plan = planCessSet(set, blockNodes);
  const tables = allocate(plan.allTableBytes);
  const rows = allocate(plan.rowBytes);
  const hot = 2 * hotInGroup * plan.shape.degree;
  const share = hot / (hot + plan.shape.nodes);
  yield* within(cessHotSteps(plan, tables), 0, share);
  const blocks = { plan, tables, rows };
  const pass = start?.(blocks);
  yield* within(pass === undefined ? allBlocks(blocks, sink) : passSteps(pass), share, 1 - share);
  return finishCessSet(plan, rows);
}
