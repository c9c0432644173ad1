/** Signatures that evidence and its certificates are made of. */
export {
  type Curve,
  installSignatureKernel,
  type RsaKey,
  type RsaScheme,
  type SignatureKernel,
  signatureKernel,
} from "./kernel.ts";
export { plainSignatures } from "./plain.ts";
export { rememberingSignatures } from "./remembering.ts";
