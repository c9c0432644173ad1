/**
 * Content ids. Ours are CIDv1, dag-cbor, blake2b-256; data of other IPFS programs may have others. Reading is
 * strict: one CID has one binary form (minimal varints, no trailing bytes, bounded digests), so that
 * a CID inside a canonical encoding encodes back to the same bytes. Source: the CID and multihash specs.
 */
import { CID } from "multiformats/cid";
import { Digest } from "multiformats/hashes/digest";
import { equalBytes, fromHex, toHex } from "./bytes.ts";
import { cidErrors } from "./codec/errors.ts";
import { dagCborCode } from "./codec/value.ts";
import { blake2b256, sha256 } from "./crypto/hash.ts";

export { CID };

/** Codes of the multicodec table. */
const rawCode = 0x55;
const dagPbCode = 0x70;
const blake2b256Code = 0xb220;
const sha256Code = 0x12;
const identityCode = 0x00;
/** The longest digest that is accepted; also the limit of the IPFS programs for identity CIDs. */
const maxDigestBytes = 128;
/** More than the longest text of a CID with such a digest in any base that is read. */
const maxCidTextLength = 512;

/** What stands before the digest: version, codec, hash function, length of the digest. */
const cborPrefix = fromHex("0171a0e40220");
const rawPrefix = fromHex("01551220");

/** The CID of an object of ours: v1, dag-cbor, blake2b-256. */
export function cidOfCbor(bytes: Uint8Array): CID {
  const parts = { version: 1, codec: dagCborCode, hashCode: blake2b256Code, hashAt: 2 } as const;
  return cidOf(parts, cborPrefix, blake2b256(bytes));
}

/** The CID of a raw leaf of user data: v1, raw, sha2-256. */
export function rawCid(bytes: Uint8Array): CID {
  const parts = { version: 1, codec: rawCode, hashCode: sha256Code, hashAt: 2 } as const;
  return cidOf(parts, rawPrefix, sha256(bytes));
}

interface CidParts {
  readonly version: 0 | 1;
  readonly codec: number;
  readonly hashCode: number;
  /** Where the multihash begins. */
  readonly hashAt: number;
}

/**
 * All three views of a CID share one buffer of their own. The constructors of multiformats ask each view for
 * its buffer, and an engine that keeps small arrays without one must make it then: three times without this.
 */
function cidOf(parts: CidParts, prefix: Uint8Array, digest: Uint8Array): CID {
  const bytes = new Uint8Array(new ArrayBuffer(prefix.length + digest.length));
  bytes.set(prefix);
  bytes.set(digest, prefix.length);
  const { version, codec, hashCode, hashAt } = parts;
  const hash = new Digest(hashCode, digest.length, bytes.subarray(prefix.length), bytes.subarray(hashAt));
  return new CID(version, codec, hash, bytes);
}

/** A CID that a person typed (base58btc, base32 or base36; v0 or v1): `cid/malformed`. */
export function parseCid(text: string): CID {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  if (text.length > maxCidTextLength) throw cidErrors.malformed({ text: shown, reason: "it is too long" });
  let parsed: CID;
  try {
    parsed = CID.parse(text);
  } catch (cause) {
    throw cidErrors.malformed({ text: shown, reason: "the text does not decode" }, cause);
  }
  return cidFromBytes(parsed.bytes);
}

/** A CID from its binary form, which must be the canonical one: `cid/malformed`. */
export function cidFromBytes(bytes: Uint8Array): CID {
  const fail = (reason: string) => cidErrors.malformed({ text: `0x${toHex(bytes.subarray(0, 40))}`, reason });
  if (bytes[0] === 0x12 && bytes[1] === 0x20) {
    if (bytes.length !== 34) throw fail("a version 0 CID has 34 bytes");
    const parts = { version: 0, codec: dagPbCode, hashCode: sha256Code, hashAt: 0 } as const;
    return cidOf(parts, bytes.subarray(0, 2), bytes.subarray(2));
  }
  let at = 0;
  const varint = (what: string): number => {
    let value = 0;
    for (let scale = 1, length = 1; ; scale *= 128, length++) {
      const byte = bytes[at++];
      if (byte === undefined) throw fail(`it ends inside the ${what}`);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && length > 1) throw fail(`the ${what} is not in its shortest form`);
        return value;
      }
      if (length === 4) throw fail(`the ${what} is out of range`);
    }
  };
  if (varint("version") !== 1) throw fail("the version is unknown");
  const codec = varint("codec");
  const hashAt = at;
  const hashCode = varint("hash code");
  const digestBytes = varint("digest length");
  if (digestBytes > maxDigestBytes) throw fail("the digest is too long");
  if (bytes.length - at !== digestBytes) throw fail("the digest has another length than announced");
  return cidOf({ version: 1, codec, hashCode, hashAt }, bytes.subarray(0, at), bytes.subarray(at));
}

/** Whether `bytes` are the content of `cid`. Knows blake2b-256, sha2-256 and identity; others are false. */
export function verifyCid(cid: CID, bytes: Uint8Array): boolean {
  const { code, digest } = cid.multihash;
  if (code === blake2b256Code) return equalBytes(blake2b256(bytes), digest);
  if (code === sha256Code) return equalBytes(sha256(bytes), digest);
  return code === identityCode && bytes.length <= maxDigestBytes && equalBytes(bytes, digest);
}
