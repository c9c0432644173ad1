/**
 * What can be wrong with bytes that someone else made: text, CBOR, CIDs and missing blocks. Every decoder
 * of this package fails with one of these and with nothing else, whatever the input.
 */
import { defineErrors } from "../errors.ts";

const corrupt =
  "The bytes are damaged or were made by another program. Fetch them again from another source.";
const askOwner = "The sender's encoding is at fault, not this machine. Ask the sender to upgrade.";

export const baseErrors = defineErrors("base", {
  invalidUtf8: {
    exit: "usage",
    message: (data: { at: number }) => `text is not valid UTF-8 at position ${data.at}`,
    fix: "Send the text as UTF-8.",
  },
});

export const codecErrors = defineErrors("codec", {
  badHex: {
    exit: "usage",
    message: (data: { at: number }) => `not hexadecimal at character ${data.at}`,
    fix: "Give an even number of the characters 0-9 and a-f.",
  },
  truncated: {
    exit: "usage",
    message: (data: { at: number; needed: number }) =>
      `the input ends too early: ${data.needed} more bytes were announced at byte ${data.at}`,
    fix: corrupt,
  },
  trailingBytes: {
    exit: "usage",
    message: (data: { at: number; extra: number }) =>
      `${data.extra} bytes follow the end of the value at byte ${data.at}`,
    fix: corrupt,
  },
  nonMinimal: {
    exit: "usage",
    message: (data: { at: number }) => `the number at byte ${data.at} is not in its shortest form`,
    fix: askOwner,
  },
  numberTooLong: {
    exit: "usage",
    message: (data: { at: number; maxBytes: number }) =>
      `the number at byte ${data.at} is longer than ${data.maxBytes} bytes`,
    fix: corrupt,
  },
  tooLarge: {
    exit: "usage",
    message: (data: { bytes: number; maxBytes: number }) =>
      `${data.bytes} bytes are more than the limit of ${data.maxBytes}`,
    fix: "Split the data into smaller parts.",
  },
  tooDeep: {
    exit: "usage",
    message: (data: { maxDepth: number }) => `lists and maps are nested deeper than ${data.maxDepth}`,
    fix: askOwner,
  },
  tooManyItems: {
    exit: "usage",
    message: (data: { maxItems: number; path: string }) =>
      `${data.path} holds more than ${data.maxItems} items`,
    fix: "Split the data into smaller parts.",
  },
  unsupported: {
    exit: "usage",
    message: (data: { at: number; what: string }) =>
      `${data.what} at byte ${data.at} is not canonical DAG-CBOR`,
    fix: askOwner,
  },
  unsortedKeys: {
    exit: "usage",
    message: (data: { at: number; key: string }) =>
      `the map key ${JSON.stringify(data.key)} at byte ${data.at} is repeated or out of order`,
    fix: askOwner,
  },
  unencodable: {
    exit: "usage",
    message: (data: { what: string }) => `${data.what} has no encoding in canonical DAG-CBOR`,
    fix: "Use whole numbers of at most 64 bits, text, bytes, booleans, null, CIDs, lists and maps.",
  },
  wrongType: {
    exit: "usage",
    message: (data: { path: string; expected: string; found: string }) =>
      `${data.path} is ${data.found}, expected ${data.expected}`,
    fix: askOwner,
  },
  outOfRange: {
    exit: "usage",
    message: (data: { path: string; expected: string; found: string }) =>
      `${data.path} is ${data.found}, expected ${data.expected}`,
    fix: "Give a value within the stated range.",
  },
});

export const cidErrors = defineErrors("cid", {
  malformed: {
    exit: "usage",
    message: (data: { text: string; reason: string }) => `${data.text} is not a CID: ${data.reason}`,
    fix: "Copy the whole content id, for example one that starts with bafy or Qm.",
  },
});

export const storeErrors = defineErrors("store", {
  missingBlock: {
    exit: "not-found",
    message: (data: { cid: string }) => `block ${data.cid} is not in the store`,
    fix: "Let the node synchronise, or restore the store from a snapshot.",
  },
});
