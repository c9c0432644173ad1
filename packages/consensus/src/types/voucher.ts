/**
 * A payment voucher: the payer's promise that the target may take `amount` in total from a channel.
 * The signature covers every field, so a voucher cannot be moved to another channel, target or network
 * (its genesis is under the signature).
 */
import type { Address, AttoFil, ChannelId, Codec, Epoch } from "@holdfast/base";
import { c, encode, signRecoverable, utf8Bytes, verifySignature } from "@holdfast/base";
import { domainBytes } from "./network-id.ts";
import type { Predicate } from "./predicate.ts";
import { predicateCodec } from "./predicate.ts";

export interface Voucher {
  readonly payer: Address;
  readonly channel: ChannelId;
  readonly target: Address;
  /** Cumulative: what the target may have taken in all once this voucher is redeemed. */
  readonly amount: AttoFil;
  /** First epoch at which the voucher can be redeemed. */
  readonly validAt: Epoch;
  readonly condition: Predicate | null;
  /** Recoverable secp256k1 signature by the payer or by the channel's signer, 65 bytes. */
  readonly signature: Uint8Array;
}

const fields = {
  payer: c.address,
  channel: c.channelId,
  target: c.address,
  amount: c.attoFil,
  validAt: c.epoch,
  condition: c.nullable(predicateCodec),
};

const unsignedVoucherCodec: Codec<Omit<Voucher, "signature">> = c.tuple("UnsignedVoucher", fields);

export const voucherCodec: Codec<Voucher> = c.tuple("Voucher", { ...fields, signature: c.fixedBytes(65) });

const domain = utf8Bytes("holdfast voucher\n");

/** The bytes under a voucher's signature. */
export function voucherSigningBytes(voucher: Omit<Voucher, "signature">, networkId: Uint8Array): Uint8Array {
  return domainBytes(domain, networkId, encode(unsignedVoucherCodec, voucher));
}

/** Signs with the payer's secp256k1 key. */
export function signVoucher(
  privateKey: Uint8Array,
  networkId: Uint8Array,
  voucher: Omit<Voucher, "signature">,
): Voucher {
  return { ...voucher, signature: signRecoverable(privateKey, voucherSigningBytes(voucher, networkId)) };
}

/** True if the payer, or who signs for it in this channel, signed exactly these fields for this network. */
export function isVoucherSigned(
  voucher: Voucher,
  networkId: Uint8Array,
  signer: Address | null = null,
): boolean {
  const signed = voucherSigningBytes(voucher, networkId);
  return verifySignature(signed, voucher.signature, signer ?? voucher.payer);
}
