/** Strict canonical DAG-CBOR of ours against @ipld/dag-cbor, on the same signed message. */

import {
  accountAddress,
  attoFil,
  blake2b256,
  decode,
  decodeCbor,
  encode,
  encodeCbor,
  gasUnits,
  nonce,
  publicKeyOf,
  utf8Bytes,
} from "@holdfast/base";
import { signedMessageCodec, signMessage } from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import * as dagCbor from "@ipld/dag-cbor";
import type { Bench, Figure } from "../figure.ts";
import { callsPerSecond } from "../measure.ts";

export const codecBench: Bench = {
  name: "codec",
  about: "one signed message, encoded and decoded",
  async run() {
    await installNativeKernels();
    const privateKey = blake2b256(utf8Bytes("bench"));
    const address = accountAddress(1, publicKeyOf(privateKey));
    const signed = signMessage(privateKey, new Uint8Array(32), {
      to: address,
      from: address,
      nonce: nonce(7),
      value: attoFil(123_456_789_000_000_000n),
      method: "preCommitSector",
      params: new Uint8Array(180).fill(7),
      gasPrice: attoFil(1n),
      gasLimit: gasUnits(100_000),
    });
    const bytes = encode(signedMessageCodec, signed);
    const value = decodeCbor(bytes);
    const ipldValue = dagCbor.decode(bytes);
    const rate = await callsPerSecond({
      decode: () => void decodeCbor(bytes),
      theirDecode: () => void dagCbor.decode(bytes),
      encode: () => void encodeCbor(value),
      theirEncode: () => void dagCbor.encode(ipldValue),
      decodeFields: () => void decode(signedMessageCodec, bytes),
      encodeFields: () => void encode(signedMessageCodec, signed),
    });
    const decoding = { name: "@ipld/dag-cbor", value: rate.theirDecode };
    const encoding = { name: "@ipld/dag-cbor", value: rate.theirEncode };
    const figures: Figure[] = [
      { name: "decode CBOR", value: rate.decode, unit: "/s", peer: decoding },
      { name: "encode CBOR", value: rate.encode, unit: "/s", peer: encoding },
      {
        name: "decode and check every field",
        value: rate.decodeFields,
        unit: "/s",
        peer: decoding,
        note: `${bytes.length} bytes; the peer gives and takes untyped values`,
      },
      { name: "encode from fields", value: rate.encodeFields, unit: "/s", peer: encoding },
    ];
    return figures;
  },
};
