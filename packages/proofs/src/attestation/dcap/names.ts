/**
 * What signers are called. Evidence by software has the same structure as Intel's and other names all over, so that
 * nobody takes the one for the other. Source: Intel SGX PCK Certificate and CRL Profile §1.3.
 */
export interface SignerNames {
  /** Common name of the platform's certificate. */
  readonly pck: string;
  /** Of the signer of TCB info and identities. */
  readonly signer: string;
}

export const intelNames: SignerNames = { pck: "Intel SGX PCK Certificate", signer: "Intel SGX TCB Signing" };
export const softwareNames: SignerNames = {
  pck: "Holdfast software platform",
  signer: "Holdfast software TCB signing",
};
