/** What messages say, for whoever keeps books of them, and whoever lies. They are bytes of anybody. */
import { type Codec, decode, HoldfastError } from "@holdfast/base";
import { type Message, methods, type PinReport } from "@holdfast/consensus";

/** Undefined if these bytes are no such thing. */
export function decoded<Value>(codec: Codec<Value>, bytes: Uint8Array): Value | undefined {
  try {
    return decode(codec, bytes);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** The report that a message brings. */
export function reportIn({ method, params }: Pick<Message, "method" | "params">): PinReport | undefined {
  if (method !== "submitReport") return undefined;
  return decoded(methods.pins.submitReport.params, params)?.report;
}
