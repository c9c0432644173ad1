/** What can be wrong with an address that someone typed or sent. */
import { defineErrors } from "./errors.ts";

const copyWhole = "Copy the whole address again; every character counts.";

export const addressErrors = defineErrors("address", {
  tooShort: {
    exit: "usage",
    message: (data: { text: string }) => `${JSON.stringify(data.text)} is too short for an address`,
    fix: copyWhole,
  },
  tooLong: {
    exit: "usage",
    message: (data: { text: string }) => `${JSON.stringify(data.text)} is too long for an address`,
    fix: copyWhole,
  },
  mixedCase: {
    exit: "usage",
    message: (data: { text: string }) => `the address ${data.text} mixes upper and lower case`,
    fix: copyWhole,
  },
  badCharacter: {
    exit: "usage",
    message: (data: { text: string; position: number }) =>
      `character ${data.position + 1} of ${JSON.stringify(data.text)} cannot be in an address`,
    fix: copyWhole,
  },
  badChecksum: {
    exit: "usage",
    message: (data: { text: string }) =>
      `the checksum of the address ${data.text} is wrong: it has a typing error`,
    fix: copyWhole,
  },
  badPayload: {
    exit: "usage",
    message: (data: { text: string }) => `the address ${data.text} does not hold a hash of 20 bytes`,
    fix: copyWhole,
  },
  unknownNetwork: {
    exit: "usage",
    message: (data: { text: string }) => `the network of the address ${data.text} is unknown`,
    fix: "Use an address that starts with fc or f1 (main network) or tf or t1 (test networks).",
  },
  unknownVersion: {
    exit: "usage",
    message: (data: { text: string; version: number }) =>
      `the address ${data.text} has version ${data.version}, which this program does not know`,
    fix: "Upgrade holdfast.",
  },
  wrongNetwork: {
    exit: "usage",
    message: (data: { text: string; expected: string }) =>
      `the address ${data.text} belongs to another network; this one uses ${data.expected} addresses`,
    fix: "Check which network the node runs with `holdfast status`.",
  },
  notAnAccountKey: {
    exit: "usage",
    message: (data: { text: string }) => `${data.text} is a Filecoin address without a secp256k1 key`,
    fix: "Use the f1 address (or t1) of an account, or the fc (or tf) spelling.",
  },
  badBytes: {
    exit: "usage",
    message: (data: { bytes: number }) => `a binary address has 22 bytes, not ${data.bytes}`,
    fix: "Send network, version and the 20 bytes of the hash.",
  },
  badPublicKey: {
    exit: "usage",
    message: (data: { bytes: number }) =>
      `an account key is an uncompressed secp256k1 point: 65 bytes from 04 on, not ${data.bytes} bytes`,
    fix: "Uncompress the public key first.",
  },
});
