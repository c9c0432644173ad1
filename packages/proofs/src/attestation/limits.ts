/** The limits of what is read as evidence or collateral; the table of limits of the node names this page. */
export const attestLimits = {
  /** One piece of evidence: a quote with its chain is 5 kB, an RA-TLS certificate 6 kB. */
  evidenceBytes: 65_536,
  /** One file of collateral: TCB info is 13 kB, a revocation list some kilobytes. */
  collateralFileBytes: 1_048_576,
  /** Files in a folder of collateral; the others are not looked at. */
  collateralFiles: 64,
  /** Certificates, lists and signed documents of one set of collateral, each. */
  collateralItems: 64,
  /** Certificates that one chain is looked for in. */
  poolCertificates: 64,
  /** From signer to root. */
  chainCertificates: 5,
  /** Different certificates, or lists, of one name that are tried: each costs a signature. Two are in use. */
  sameNames: 8,
  /** One certificate: those of TLS with a report in them are 5 kB. */
  certificateBytes: 16_384,
  /** Authentication data of a quoting enclave. */
  authDataBytes: 1_024,
  /** Levels in one TCB info or identity. */
  tcbLevels: 128,
  /** TDX modules in one TCB info. */
  tdxModules: 32,
  /** Advisories of one level. */
  advisories: 256,
  /** Numbers of evaluations of the TCB: Intel makes some three a year and stands below 30. */
  tcbEvaluations: 0xffff_ffff,
  /** A public key that evidence is bound to: those of P-521 are the longest. */
  nodeKeyBytes: 133,
  /** A peer id as text. */
  peerIdBytes: 128,
  /** Collateral that travels with evidence: TCB info, identity, lists and chains are some 40 kB together. */
  sentCollateralBytes: 131_072,
  sentCollateralFiles: 16,
  /** Signatures that were found true and are not verified again. */
  rememberedSignatures: 4_096,
} as const;
