/** Poseidon over the BLS12-381 scalar field with Filecoin's parameters. */
export { type PoseidonConstants, poseidonConstants } from "./constants.ts";
export { poseidonErrors } from "./errors.ts";
export { type PoseidonSchedule, poseidonHash, poseidonMd, poseidonSchedule } from "./permutation.ts";
export { poseidonPlain } from "./plain.ts";
