/** What can go wrong with an encrypted file and with the keys that open it. */
import { defineErrors } from "../errors.ts";

export const ageErrors = defineErrors("age", {
  malformed: {
    exit: "proof-invalid",
    message: (data: { reason: string }) => `This is no file in the format of age: ${data.reason}.`,
    fix: "Take the bytes as they are stored with `holdfast get CID --raw`, and look at them.",
  },
  damaged: {
    exit: "proof-invalid",
    message: (data: { what: string }) => `The encrypted file was changed or cut: ${data.what}.`,
    fix: "Fetch it again; if that does not help, it was stored like this.",
  },
  badRecipient: {
    exit: "usage",
    message: (data: { reason: string }) => `This is no recipient of age: ${data.reason}.`,
    fix: "A recipient looks like age1…; `holdfast wallet recipient` shows that of a node.",
  },
  badIdentity: {
    exit: "usage",
    message: (data: { reason: string }) => `This is no secret key of age: ${data.reason}.`,
    fix: "A secret key looks like AGE-SECRET-KEY-1…",
  },
});
