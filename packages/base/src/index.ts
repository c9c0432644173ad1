/**
 * The public door of `base`: bytes, units, addresses, content ids, codec, trees, crypto and the seams.
 * Everything here is pure: no clock, no randomness, no IO.
 */
export {
  type Address,
  type AddressParts,
  accountAddress,
  addressBytes,
  addressBytesLength,
  addressFromBytes,
  addressHash,
  addressNetwork,
  addressOf,
  createdAddress,
  f1Text,
  inspectAddress,
  type NetworkByte,
  parseAddress,
  seedAddress,
  zeroAddress,
} from "./address.ts";
export { addressErrors } from "./address-errors.ts";
export * from "./age/index.ts";
export { fromBase64, toBase64 } from "./base64.ts";
export { type Blockstore, BufferedBlockstore, MemoryBlockstore } from "./blockstore.ts";
export {
  bigEndian,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  littleEndian,
  minimalBigEndian,
  readBigEndian,
  readLittleEndian,
  toHex,
  utf8Bytes,
  utf8Text,
} from "./bytes.ts";
export { CID, cidFromBytes, cidOfCbor, parseCid, rawCid, verifyCid } from "./cid.ts";
export * from "./codec/index.ts";
export * from "./crypto/index.ts";
export * from "./errors.ts";
export {
  filText,
  formatBytes,
  formatDuration,
  formatFil,
  parseBytes,
  parseDurationMs,
  parseFil,
} from "./human.ts";
export { amountErrors } from "./human-errors.ts";
export {
  decodeSigned,
  decodeUnsigned,
  encodeSigned,
  encodeUnsigned,
  encodeVarint,
  type LebNumber,
  VarintReader,
} from "./leb128.ts";
export * from "./seams/index.ts";
export * from "./trees/index.ts";
export * from "./units.ts";
