/** What can go wrong with keys and with the file that holds them. */
import { defineErrors } from "../errors.ts";

export const keyErrors = defineErrors("key", {
  badPrivateKey: {
    exit: "usage",
    message: (data: { type: string }) => `These bytes are no ${data.type} private key.`,
    fix: "A private key is 32 bytes, not zero, and below the order of the curve.",
  },
  unknownType: {
    exit: "usage",
    message: (data: { type: string }) => `The key type "${data.type}" is unknown.`,
    fix: 'Known types are "secp256k1" and "bls".',
  },
  seedTooShort: {
    exit: "usage",
    message: (data: { lengthBytes: number }) =>
      `A seed of ${data.lengthBytes} bytes is too short for a BLS key.`,
    fix: "Give at least 32 bytes of secret randomness.",
  },
  badImport: {
    exit: "usage",
    message: (data: { reason: string }) => `This is no exported key: ${data.reason}.`,
    fix: 'Give the hexadecimal text of `wallet export`, or the JSON {"KeyInfo":[…]} of go-filecoin.',
  },
});

export const keystoreErrors = defineErrors("keystore", {
  wrongPassphrase: {
    exit: "refused",
    message: (_data: { readonly [key: string]: never }) =>
      "The passphrase (or the key) does not open this keystore.",
    fix: "Try again with the passphrase that was set when the keystore was made.",
  },
  wrongSecretKind: {
    exit: "usage",
    message: (data: { sealedWith: string }) => `This keystore is sealed with a ${data.sealedWith}.`,
    fix: (data: { sealedWith: string }) => `Open it with the ${data.sealedWith} that sealed it.`,
  },
  emptyPassphrase: {
    exit: "usage",
    message: (_data: { readonly [key: string]: never }) => "An empty passphrase protects nothing.",
    fix: "Choose a passphrase.",
  },
  damaged: {
    exit: "refused",
    message: (_data: { readonly [key: string]: never }) =>
      "The keystore's checksum does not match: the file is damaged.",
    fix: "Restore the keystore from a backup, or import the keys again.",
  },
  tampered: {
    exit: "refused",
    message: (_data: { readonly [key: string]: never }) =>
      "The passphrase is right, but the sealed bytes were changed after they were written.",
    fix: "Restore the keystore from a backup that nobody else could write to.",
  },
  malformed: {
    exit: "usage",
    message: (data: { reason: string }) => `This is no keystore: ${data.reason}.`,
    fix: "Give the file that holdfast wrote.",
  },
  unknownVersion: {
    exit: "usage",
    message: (data: { version: number }) => `Version ${data.version} of the keystore format is unknown here.`,
    fix: "Open it with the release that wrote it, or with a newer one.",
  },
  tooLong: {
    exit: "refused",
    message: (data: { lengthBytes: number; maxBytes: number }) =>
      `The keystore has ${data.lengthBytes} bytes; ${data.maxBytes} are allowed.`,
    fix: "A keystore is small: check that this is the right file.",
  },
  costTooHigh: {
    exit: "refused",
    message: (data: { n: number; r: number; p: number }) =>
      `The file asks for scrypt with n = ${data.n}, r = ${data.r}, p = ${data.p}, which is not allowed.`,
    fix: "Such a file would burn this machine's memory. Seal the keys again with the usual cost.",
  },
});
