/**
 * Walks over states: every object that a root reaches, each once, depth first in the order of its links. A link is a
 * CID of DAG-CBOR; codes of actors and pieces of files have other codecs and are no objects of a state.
 */
import { type Blockstore, type CborValue, CID, decodeCbor, storeErrors } from "@holdfast/base";
import type { DigestSet } from "./digest-set.ts";

const dagCborCode = 0x71;

export interface WalkedObject {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

/** The links of an object in the order in which they stand. Errors: `codec/…`. */
export function linksOf(bytes: Uint8Array): CID[] {
  const links: CID[] = [];
  collect(decodeCbor(bytes), links);
  return links;
}

function collect(value: CborValue, links: CID[]): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if (value instanceof CID) {
    if (value.code === dagCborCode) links.push(value);
  } else for (const part of Array.isArray(value) ? value : Object.values(value)) collect(part, links);
}

/** Errors: `store/missing-block`, `chain/too-many-objects`. */
export function* walk(
  store: Pick<Blockstore, "get">,
  root: CID,
  seen: Pick<DigestSet, "add">,
): Generator<WalkedObject> {
  const stack = [root];
  for (let cid = stack.pop(); cid !== undefined; cid = stack.pop()) {
    if (!seen.add(cid.bytes)) continue;
    const bytes = store.get(cid);
    if (bytes === undefined) throw storeErrors.missingBlock({ cid: cid.toString() });
    yield { cid, bytes };
    stack.push(...linksOf(bytes).reverse());
  }
}
