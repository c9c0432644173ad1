/**
 * The condition of a voucher: a read-only question to an actor that must succeed before the voucher
 * pays (go-filecoin 0.2.2). The redeemer's part of the parameters is supplied on redemption.
 */
import type { Address, Codec } from "@holdfast/base";
import { c } from "@holdfast/base";
import { maxMethodBytes } from "./message.ts";

export interface Predicate {
  readonly to: Address;
  readonly method: string;
  /** The payer's part of the parameters, in the encoding that the method asks for. */
  readonly params: Uint8Array;
}

/** Longest parameters of a condition (bytes). */
export const maxPredicateParamBytes = 65_536;

export const predicateCodec: Codec<Predicate> = c.tuple("Predicate", {
  to: c.address,
  method: c.text(maxMethodBytes),
  params: c.bytes(maxPredicateParamBytes),
});
