/**
 * The codec room: `c` names every codec, `encode` and `decode` run them, `putObject` and `getObject` reach
 * through a block store.
 */

import { list, map, nullable, tuple, variant } from "./composites.ts";
import {
  address,
  attoFil,
  bigUint,
  bool,
  bytes,
  cbor,
  cid,
  count,
  fixedBytes,
  int,
  literal,
  text,
  uint,
} from "./scalars.ts";

export const c = {
  uint,
  int,
  bool,
  text,
  bytes,
  fixedBytes,
  cid,
  address,
  attoFil,
  bigUint,
  literal,
  cbor,
  epoch: count("Epoch"),
  byteCount: count("ByteCount"),
  sectorId: count("SectorId"),
  channelId: count("ChannelId"),
  gasUnits: count("GasUnits"),
  nonce: count("Nonce"),
  nullable,
  list,
  map,
  tuple,
  variant,
} as const;

export { type Codec, type Decoded, decode, encode } from "./codec.ts";
export { decodeCbor } from "./decode.ts";
export { encodeCbor } from "./encode.ts";
export { baseErrors, cidErrors, codecErrors, storeErrors } from "./errors.ts";
export { getEncoded, getObject, putObject } from "./objects.ts";
export { type CborLimits, type CborValue, defaultCborLimits } from "./value.ts";
