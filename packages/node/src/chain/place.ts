/** Facts by which pruning finds the tipsets of a height. */
import { utf8Bytes, utf8Text } from "@holdfast/base";
import type { Tipset } from "@holdfast/consensus";
import type { ChainDatabase } from "./needs.ts";
import { decodeKeys, encodeKeys, metaKeys } from "./record.ts";

/** The fact by which pruning finds a tipset again, one of a fork too. */
export function placeFact(database: ChainDatabase, { key, height }: Tipset): [string, Uint8Array] {
  const keys = decodeKeys(database.getMeta(metaKeys.at(height)));
  return [metaKeys.at(height), encodeKeys(keys.includes(key) ? keys : [...keys, key])];
}

/** The same, and how far up pruning has to look. */
export function placeFacts(database: ChainDatabase, tipset: Tipset): [string, Uint8Array][] {
  const top = database.getMeta(metaKeys.top);
  const isTop = top === undefined || Number(utf8Text(top)) < tipset.height;
  const facts = [placeFact(database, tipset)];
  return isTop ? [...facts, [metaKeys.top, utf8Bytes(String(tipset.height))]] : facts;
}
