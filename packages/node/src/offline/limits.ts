/** Limits of what is read from files that others have made. */

/** A vanilla seal proof of the largest sectors, in hex, and some. */
export const maxProofFileBytes = 67_108_864;

/** Evidence of an enclave, a file of what it is judged by, how many of these: as `attestLimits` of `proofs` has it. */
export const evidenceLimits = { evidenceBytes: 65_536, fileBytes: 1_048_576, files: 64 } as const;
