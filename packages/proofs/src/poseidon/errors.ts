/** Errors of Poseidon. */
import { defineErrors } from "@holdfast/base";

export const poseidonErrors = defineErrors("poseidon", {
  badArity: {
    exit: "usage",
    message: (data: { arity: number; known: string }) =>
      `Poseidon has no parameters for ${data.arity} inputs (known: ${data.known})`,
    fix: "hash one of the known numbers of elements, or chain them with poseidonMd",
  },
});
