/** Limits of what is read from files that others have made. */

/** A vanilla seal proof of the largest sectors, in hex, and some. */
export const maxProofFileBytes = 67_108_864;
