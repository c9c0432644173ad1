/** The light room: following headers and checking answers about a state without executing anything. */
export {
  LightChain,
  type LightChainOptions,
  type LightParams,
  type TrustBasis,
  type TrustedTipset,
} from "./chain.ts";
export {
  beginLight,
  type LightAnchor,
  type LightBelief,
  LightClient,
  type LightClientOptions,
  type LightTrust,
  type ProviderReport,
} from "./client.ts";
export { askElectorate, type Electorate, proveElectorate, type Voice } from "./electorate.ts";
export { lightErrors } from "./errors.ts";
export { jsonProvider, type LightCalls, maxLightJsonBytes } from "./json.ts";
export type { LightProvider } from "./provider.ts";
export {
  askLight,
  type LightAnswers,
  type LightQuestion,
  lightQuestionCodec,
  maxMinersAsked,
  proveLight,
} from "./questions.ts";
export { branchWeight } from "./weigh.ts";
export {
  decodeLightHeader,
  decodeLightRequest,
  decodeLightStart,
  encodeHeaders,
  encodeLightStart,
  type HeadersAnswer,
  HeadersReader,
  type HeadersRequest,
  type LightRequest,
  type LightState,
  lightRequestCodec,
  lightStates,
  maxLightHeaderBytes,
  maxLightHeadersBytes,
  maxLightObjects,
  maxLightRequestBytes,
  maxLightTipsets,
  type ProofAnswer,
  type ProofRequest,
  WitnessReader,
} from "./wire.ts";
export {
  checkRead,
  maxWitnessBytes,
  proveRead,
  type StateQuestion,
  type StateWitness,
  witnessStore,
} from "./witness.ts";
