/**
 * One node of the AMT and its encoding: the tuple [bitmap, links, values], of which one list is empty. Slot i
 * is bit i % 8 (from the lowest) of byte i / 8 of the bitmap. Source: go-amt-ipld v4, internal/internal.go.
 */
import { CID } from "../cid.ts";
import { type CborValue, dagCborCode } from "../codec/value.ts";

/** The link to a child node. Without a CID it is dirty; without a node it is not loaded. */
export interface AmtLink {
  cid: CID | undefined;
  node: AmtNode | undefined;
}

/** A leaf holds values, a branch links; a slot without either is undefined. */
export type AmtNode =
  | { readonly kind: "leaf"; readonly slots: (CborValue | undefined)[] }
  | { readonly kind: "branch"; readonly slots: (AmtLink | undefined)[] };

export function emptyLeaf(width: number): AmtNode {
  return { kind: "leaf", slots: new Array<CborValue | undefined>(width).fill(undefined) };
}
export function emptyBranch(width: number): AmtNode {
  return { kind: "branch", slots: new Array<AmtLink | undefined>(width).fill(undefined) };
}

export function isEmptyNode(node: AmtNode): boolean {
  return node.slots.every((slot) => slot === undefined);
}

function bitmapBytes(width: number): number {
  return Math.max(1, width / 8);
}

/** The tuple of a node whose children all have CIDs. */
export function amtNodeToCbor(node: AmtNode): CborValue {
  const bitmap = new Uint8Array(bitmapBytes(node.slots.length));
  for (const [slot, content] of node.slots.entries()) {
    if (content !== undefined) bitmap[slot >> 3] = (bitmap[slot >> 3] ?? 0) | (1 << (slot & 7));
  }
  if (node.kind === "leaf") return [bitmap, [], node.slots.filter((value) => value !== undefined)];
  return [bitmap, node.slots.flatMap((link) => (link === undefined ? [] : [link.cid ?? null])), []];
}

/** The node in a tuple; `fail` makes the error for what can be no canonical tree. */
export function amtNodeFromCbor(
  tuple: CborValue | undefined,
  shape: { readonly width: number; readonly isLeaf: boolean; readonly mayBeEmpty: boolean },
  fail: (reason: string) => Error,
): AmtNode {
  if (!isList(tuple) || tuple.length !== 3) throw fail("a node is no tuple of three");
  const [bitmap, links, values] = tuple;
  if (!(bitmap instanceof Uint8Array) || bitmap.length !== bitmapBytes(shape.width)) {
    throw fail("the bitmap has another length than the width asks for");
  }
  if (!isList(links) || !isList(values)) throw fail("links or values are no list");
  const [full, other] = shape.isLeaf ? [values, links] : [links, values];
  if (other.length > 0) throw fail(`${shape.isLeaf ? "links in a leaf" : "values above the leaves"}`);
  if (full.length === 0 && !shape.mayBeEmpty) throw fail("an empty node");
  const used: number[] = [];
  for (let slot = 0; slot < bitmap.length * 8; slot++) {
    if (((bitmap[slot >> 3] ?? 0) >> (slot & 7)) & 1) used.push(slot);
  }
  if (used.length !== full.length) throw fail(`${full.length} members for ${used.length} used slots`);
  if ((used.at(-1) ?? 0) >= shape.width) throw fail("a slot beyond the width");
  const node = shape.isLeaf ? emptyLeaf(shape.width) : emptyBranch(shape.width);
  for (const [i, slot] of used.entries()) {
    const member = full[i];
    if (node.kind === "leaf") node.slots[slot] = member;
    else node.slots[slot] = { cid: linkOf(member, fail), node: undefined };
  }
  return node;
}

function linkOf(member: CborValue | undefined, fail: (reason: string) => Error): CID {
  if (!(member instanceof CID) || member.code !== dagCborCode) throw fail("a link is no CID of a node");
  return member;
}

export function isList(value: CborValue | undefined): value is readonly CborValue[] {
  return Array.isArray(value);
}
