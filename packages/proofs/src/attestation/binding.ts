/**
 * What evidence is bound to: a key, who has it, the network, what for, and an answer of the chain that nobody could
 * know before. The 64 bytes that an enclave signs are a digest of all of it, so that evidence for one use, network or
 * day is worth nothing for another. Reference: none public; see docs/ATTESTATION.md, "What evidence is bound to".
 */
import { type Address, type Codec, c, concatBytes, encode, utf8Bytes } from "@holdfast/base";
import { attestLimits } from "./limits.ts";
import { signatureKernel } from "./signatures/index.ts";
import { wordCodec } from "./word-codec.ts";

/** What an attested key may be used for; keys of different uses never share evidence. */
export const attestedUses = ["pin-node", "idle-verifier", "check"] as const;
export type AttestedUse = (typeof attestedUses)[number];

export interface AttestedIdentity {
  readonly use: AttestedUse;
  /** `networkIdOfGenesis`: 32 bytes. */
  readonly networkId: Uint8Array;
  /** The public key that was made inside, as the chain has it. */
  readonly nodeKey: Uint8Array;
  /** The libp2p peer id, as text. */
  readonly peerId: string;
  /** The account that pays, and is paid, for the node. */
  readonly operator: Address;
  /** The height whose randomness or block hash `nonce` is; evidence is for some time after it. */
  readonly epoch: number;
  /** 32 bytes that the chain drew at that height. */
  readonly nonce: Uint8Array;
}

export const attestedIdentityCodec: Codec<AttestedIdentity> = c.tuple("AttestedIdentity", {
  use: wordCodec("AttestedUse", attestedUses),
  networkId: c.fixedBytes(32),
  nodeKey: c.bytes(attestLimits.nodeKeyBytes),
  peerId: c.text(attestLimits.peerIdBytes),
  operator: c.address,
  epoch: c.uint(),
  nonce: c.fixedBytes(32),
});

const domain = utf8Bytes("holdfast/attested-identity/1\n");

/** The 64 bytes that the evidence must carry: SHA-256 of the identity, and zeros. */
export function reportDataOf(identity: AttestedIdentity): Uint8Array {
  const digest = signatureKernel.sha256(concatBytes(domain, encode(attestedIdentityCodec, identity)));
  return concatBytes(digest, new Uint8Array(32));
}
