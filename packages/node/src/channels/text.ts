/**
 * A voucher as text, to be sent by any way that people have: `hfv1` and the canonical encoding in base64url. Strict:
 * one voucher has one text, and what is not that text is refused before anything is looked at.
 */
import { decode, encode, HoldfastError } from "@holdfast/base";
import { type Voucher, voucherCodec } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { channelErrors } from "./errors.ts";

const prefix = "hfv1";

export function voucherText(voucher: Voucher): string {
  return prefix + Buffer.from(encode(voucherCodec, voucher)).toString("base64url");
}

/** `channels/malformed-voucher`. Says nothing about the signature. */
export function parseVoucher(text: string): Voucher {
  const trimmed = text.trim();
  if (trimmed.length > limits.voucherTextBytes) {
    const problem = `it has more than ${limits.voucherTextBytes} characters`;
    throw channelErrors.malformedVoucher({ problem });
  }
  const body = trimmed.slice(prefix.length);
  if (!trimmed.startsWith(prefix) || !/^[A-Za-z0-9_-]+$/.test(body)) {
    throw channelErrors.malformedVoucher({
      problem: `it is not ${prefix} with letters and digits behind it`,
    });
  }
  const bytes = new Uint8Array(Buffer.from(body, "base64url"));
  // The last character may carry bits that nobody reads.
  if (Buffer.from(bytes).toString("base64url") !== body) {
    throw channelErrors.malformedVoucher({ problem: "its end is cut off or changed" });
  }
  try {
    return decode(voucherCodec, bytes, { maxBytes: limits.voucherTextBytes });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw channelErrors.malformedVoucher({ problem: error.message }, error);
  }
}
