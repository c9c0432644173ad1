/** A verifiable delay: squarings in a group of unknown order, checked in two exponentiations. */
export { vdfErrors } from "./errors.ts";
export { decodeElement, elementOf, encodeElement, rsa2048, type VdfGroup } from "./group.ts";
export { hashToPrime } from "./prime.ts";
export {
  evaluateVdf,
  evaluateVdfSteps,
  maxIterations,
  type VdfResult,
  type VdfStatement,
  vdfBase,
  verifyVdf,
} from "./wesolowski.ts";
