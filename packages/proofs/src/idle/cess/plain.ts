/**
 * Labels of idle files in the compatibility profile, readable: the reference of the compiled kernels. A label is
 * SHA-512( miner id ‖ cluster ‖ file ‖ node ‖ sum of its parents' labels ‖ sum of its elders' [‖ the label at its
 * position in the file made before] ); numbers of 8 bytes, the node's of 4, sums by exclusive or.
 * Source: CESSProject/cess_pois v0.6.3, generate_idle_file.
 */
import { assert, bigEndian, concatBytes } from "@holdfast/base";
import { sha512 } from "@noble/hashes/sha2.js";
import { cessParents, hotPosition, hotRow } from "./graph.ts";
import {
  type CessColumns,
  type CessHead,
  type CessHotRows,
  type CessLayer,
  type CessLayerPass,
  hotInGroup,
  labelBytes,
  readHead,
} from "./rows.ts";

const nothing = new Uint8Array(labelBytes);

const rowOf = (rows: Uint8Array, index: number): Uint8Array =>
  rows.subarray(index * labelBytes, (index + 1) * labelBytes);

export function addRow(sum: Uint8Array, row: Uint8Array): void {
  for (let i = 0; i < labelBytes; i += 1) sum[i] = (sum[i] as number) ^ (row[i] as number);
}

/** Where the labels of parents are found: in the own layer, or in the one before. */
type Lookup = (position: number, own: boolean) => Uint8Array;

function sumOfParents(head: CessHead, position: number, lookup: Lookup): Uint8Array {
  const { nodes, logicalLayer } = head;
  const sum = new Uint8Array(labelBytes);
  for (const parent of cessParents(head, logicalLayer * nodes + position))
    addRow(sum, lookup(parent % nodes, parent >= logicalLayer * nodes));
  return sum;
}

interface Beside {
  readonly elders: Uint8Array | undefined;
  readonly before: Uint8Array | undefined;
}

function labelOf(head: CessHead, position: number, lookup: Lookup, { elders, before }: Beside): Uint8Array {
  return sha512(
    concatBytes(
      head.prefix,
      bigEndian(head.logicalLayer * head.nodes + position, 4),
      sumOfParents(head, position, lookup),
      elders ?? nothing,
      before ?? new Uint8Array(0),
    ),
  );
}

const besideAt = (rows: { elders?: Uint8Array; before?: Uint8Array }, index: number): Beside => ({
  elders: rows.elders && rowOf(rows.elders, index),
  before: rows.before && rowOf(rows.before, index),
});

/** A row that must be there: the caller gave too few bytes otherwise. */
function given(rows: Uint8Array | undefined, index: number): Uint8Array {
  assert(rows !== undefined && rows.length >= (index + 1) * labelBytes, "the layer before is given");
  return rowOf(rows, index);
}

export function plainCessLayer(layer: CessLayer): CessLayerPass {
  const head = readHead(layer.head);
  const lookup: Lookup = (position, own) => given(own ? layer.into : layer.previous, position);
  return {
    run: (low, count) => {
      for (let at = low; at < low + count; at += 1)
        layer.into.set(labelOf(head, at, lookup, besideAt(layer, at)), at * labelBytes);
    },
    finish: () => undefined,
  };
}

/** Parents are hot but for the straight one and the one after it. */
function tableLookup(
  head: CessHead,
  table: Uint8Array,
  previous: Uint8Array | undefined,
  rest: (position: number) => Uint8Array,
): Lookup {
  return (position, own) => {
    const row = hotRow(head, position);
    if (row === undefined) return rest(position);
    return given(own ? table : previous, row);
  };
}

export function plainCessHot(rows: CessHotRows): void {
  const head = readHead(rows.head);
  for (let index = 0; index < hotInGroup * head.degree; index += 1) {
    const position = hotPosition(head, index);
    const lookup = tableLookup(head, rows.table, rows.previous, () => given(rows.next, index));
    const label = labelOf(head, position, lookup, besideAt(rows, index));
    rows.table.set(label, index * labelBytes);
    if (rows.sums !== undefined) addRow(rowOf(rows.sums, index), label);
  }
}

export function plainCessColumns(columns: CessColumns): void {
  const head = readHead(columns.head);
  const { low, count, beside, into, table } = columns;
  for (let index = 0; index < count; index += 1) {
    const position = beside ? hotPosition(head, low + index) + 1 : low + index;
    if (position === head.nodes) continue;
    const lookup = tableLookup(head, table, columns.previous, () => given(columns.straight, index));
    const row = hotRow(head, position);
    const label =
      row === undefined ? labelOf(head, position, lookup, besideAt(columns, index)) : rowOf(table, row);
    into.set(label, index * labelBytes);
    if (columns.sums !== undefined) addRow(rowOf(columns.sums, index), label);
  }
}
