/** What applying one message gave; receipts are part of the block through their Merkle root. */
import type { Codec, GasUnits } from "@holdfast/base";
import { c } from "@holdfast/base";

export interface Receipt {
  /** 0 if and only if the message took effect; see `exitCodes` of the VM. */
  readonly exitCode: number;
  /** The method's result in its own encoding; empty if there is none or the message failed. */
  readonly returns: Uint8Array;
  readonly gasUsed: GasUnits;
}

/** Longest result of a method (bytes). */
export const maxReturnBytes = 1_048_576;

export const receiptCodec: Codec<Receipt> = c.tuple("Receipt", {
  exitCode: c.uint(0xffff),
  returns: c.bytes(maxReturnBytes),
  gasUsed: c.gasUnits,
});
