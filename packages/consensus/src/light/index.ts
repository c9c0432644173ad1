/** The light room: following headers and checking answers about a state without executing anything. */
export {
  askElectorate,
  type Electorate,
  LightChain,
  type LightChainOptions,
  type LightParams,
  proveElectorate,
  type TrustedTipset,
  type Voice,
} from "./chain.ts";
export { lightErrors } from "./errors.ts";
export {
  checkRead,
  maxWitnessBytes,
  proveRead,
  type StateQuestion,
  type StateWitness,
  witnessStore,
} from "./witness.ts";
