/** Errors of the wallet. */
import { defineErrors } from "@holdfast/base";

export const walletErrors = defineErrors("wallet", {
  unknownAddress: {
    exit: "not-found",
    message: (data: { address: string }) => `this node holds no key for ${data.address}`,
    fix: "see its keys with `holdfast wallet ls`, or take the key in with `holdfast wallet import`",
  },
  noKey: {
    exit: "not-found",
    message: (_data: Record<never, never>) => "this node holds no key",
    fix: "make one with `holdfast wallet new`",
  },
  wrongKeyType: {
    exit: "usage",
    message: (data: { type: string }) => `a ${data.type} key cannot hold an account`,
    fix: "import a secp256k1 key",
  },
});
