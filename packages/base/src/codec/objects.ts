/**
 * Typed objects in a block store. What is put can be got: an object that is longer than the decoder's default
 * limit is refused when it is written, not when somebody needs it.
 */
import type { Blockstore } from "../blockstore.ts";
import { type CID, cidOfCbor } from "../cid.ts";
import { type Codec, decode, encode } from "./codec.ts";
import { codecErrors, storeErrors } from "./errors.ts";
import { defaultCborLimits } from "./value.ts";

/** Stores a value and gives its CID. `codec/too-large` above 1 MiB. */
export function putObject<T>(store: Blockstore, codec: Codec<T>, value: T): CID {
  return putEncoded(store, encode(codec, value));
}

/** Reads a value back. `store/missing-block` if there is none, `codec/…` if it is another kind of object. */
export function getObject<T>(store: Blockstore, codec: Codec<T>, cid: CID): T {
  return decode(codec, getEncoded(store, cid));
}

/** Stores canonical CBOR and gives its CID. `codec/too-large` above 1 MiB. */
export function putEncoded(store: Blockstore, bytes: Uint8Array): CID {
  const { maxBytes } = defaultCborLimits;
  if (bytes.length > maxBytes) throw codecErrors.tooLarge({ bytes: bytes.length, maxBytes });
  const cid = cidOfCbor(bytes);
  store.put(cid, bytes);
  return cid;
}

/** The bytes of a block; `store/missing-block`. */
export function getEncoded(store: Blockstore, cid: CID): Uint8Array {
  const bytes = store.get(cid);
  if (bytes === undefined) throw storeErrors.missingBlock({ cid: cid.toString() });
  return bytes;
}
