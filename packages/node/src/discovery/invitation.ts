/**
 * An invitation: one line of text that makes an empty folder a member of a network. It names the network, its
 * genesis block by CID, some peers with their ids, when it ends, and perhaps a tipset that the inviter vouches
 * for. It is no secret and gives no right: whoever has it checks the genesis against the CID and believes the
 * inviter nothing but that CID (and the checkpoint).
 *
 *   holdfast1x <base32 of: length u16 · canonical DAG-CBOR · first 4 bytes of sha256("holdfast1x" · the rest)>
 */
import {
  bigEndian,
  type CID,
  type Codec,
  c,
  concatBytes,
  decode,
  encode,
  equalBytes,
  sha256,
  utf8Bytes,
  wireErrors,
} from "@holdfast/base";
import { multiaddr } from "@multiformats/multiaddr";
import { limits } from "../limits.ts";
import { discoveryErrors } from "./errors.ts";

export interface Checkpoint {
  readonly height: number;
  readonly cids: readonly CID[];
}

export interface Invitation {
  readonly network: string;
  /** CID of the genesis block: the root of the network's genesis file. */
  readonly genesis: CID;
  /** Multiaddrs with peer ids. */
  readonly addresses: readonly string[];
  /** Milliseconds since the Unix epoch; 0: it does not end. */
  readonly expiresMs: number;
  readonly checkpoint: Checkpoint | null;
}

interface Payload extends Omit<Invitation, "addresses"> {
  readonly addresses: readonly Uint8Array[];
}

const version = 1;
const checksumBytes = 4;
const lengthBytes = 2;
const networkBytesMax = 64; // as a network's parameters allow
const addressBytesMax = 256;
/** More cannot be parents of one block. */
const checkpointCidsMax = 64;

const payloadCodec: Codec<Payload> = c.tuple("Invitation", {
  network: c.text(networkBytesMax),
  genesis: c.cid,
  addresses: c.list(c.bytes(addressBytesMax), limits.invitedPeers),
  expiresMs: c.uint(),
  checkpoint: c.nullable(c.tuple("Checkpoint", { height: c.uint(), cids: c.list(c.cid, checkpointCidsMax) })),
});

const prefix = (of: number): string => `holdfast${of}x`;

/** Error `wire/bad-address`. */
export function encodeInvitation(invitation: Invitation): string {
  const addresses = invitation.addresses.map(addressBytes);
  const payload = encode(payloadCodec, { ...invitation, addresses });
  const body = concatBytes(bigEndian(payload.length, lengthBytes), payload);
  return prefix(version) + base32Text(concatBytes(body, checksumOf(body)));
}

function addressBytes(address: string): Uint8Array {
  try {
    return multiaddr(address).bytes.slice();
  } catch (cause) {
    throw wireErrors.badAddress({ address }, cause);
  }
}

/**
 * Strict, but for white space, which mail programs put into long lines, and case. Errors:
 * `discovery/no-invitation`, `…/invitation-version`, `…/invitation-cut-off`, `…/invitation-damaged`.
 */
export function decodeInvitation(text: string): Invitation {
  if (text.length > limits.invitationBytes) throw discoveryErrors.noInvitation({ start: text.slice(0, 16) });
  const plain = text.replace(/\s+/g, "").toLowerCase();
  const [, found = "", encoded = ""] = /^holdfast(\d{1,3})x(.*)$/.exec(plain) ?? [];
  if (found === "") throw discoveryErrors.noInvitation({ start: plain.slice(0, 16) });
  if (Number(found) !== version)
    throw discoveryErrors.invitationVersion({ found: Number(found), known: version });
  const bytes = base32Bytes(encoded);
  if (bytes === undefined)
    throw discoveryErrors.invitationDamaged({ detail: "it holds a character that is none" });
  const wantedBytes = lengthBytes + ((bytes[0] ?? 0) << 8) + (bytes[1] ?? 0) + checksumBytes;
  if (bytes.length < wantedBytes) {
    throw discoveryErrors.invitationCutOff({ haveBytes: bytes.length, wantedBytes });
  }
  const body = bytes.subarray(0, wantedBytes - checksumBytes);
  // Encoded anew, so that an invitation has one text: there may be bits behind the last byte.
  const isWhole = equalBytes(checksumOf(body), bytes.subarray(body.length)) && base32Text(bytes) === encoded;
  if (!isWhole) {
    throw discoveryErrors.invitationDamaged({ detail: "its checksum is wrong" });
  }
  return readPayload(body.subarray(lengthBytes));
}

/** Error `discovery/invitation-expired`. */
export function checkInvitationTime({ expiresMs, network }: Invitation, nowMs: number): void {
  if (expiresMs !== 0 && nowMs > expiresMs) {
    throw discoveryErrors.invitationExpired({ network, expired: new Date(expiresMs).toISOString() });
  }
}

function readPayload(bytes: Uint8Array): Invitation {
  try {
    const payload = decode(payloadCodec, bytes, { maxBytes: limits.invitationBytes });
    const addresses = payload.addresses.map((address) => multiaddr(address).toString());
    if (payload.expiresMs > maxTimeMs) throw new RangeError("it ends at no time");
    return { ...payload, addresses };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw discoveryErrors.invitationDamaged({ detail }, cause);
  }
}

/** The last moment that a Date can name (ECMA-262, 21.4.1.1). */
const maxTimeMs = 8.64e15;

function checksumOf(body: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8Bytes(prefix(version)), body)).subarray(0, checksumBytes);
}

/** RFC 4648 in small letters without padding: one word for whoever double-clicks on it. */
const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

function base32Text(bytes: Uint8Array): string {
  let text = "";
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(value >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + alphabet[(value << (5 - bits)) & 31];
}

/** Undefined for a foreign character. */
function base32Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let at = 0;
  let value = 0;
  let bits = 0;
  for (const letter of text) {
    const digit = alphabet.indexOf(letter);
    if (digit < 0) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (value >> bits) & 0xff;
  }
  return bytes;
}
