/**
 * The roots that evidence must end at, pinned by the SHA-256 of their SubjectPublicKeyInfo: certificates of one key
 * may be issued anew (Intel's SGX root has two in use), keys may not. Intel: the certificates of its two services.
 * AMD: the ARK of each product line, the same key in the lists of two independent verifiers.
 */
export interface TrustAnchors {
  /** Intel SGX Root CA: SGX DCAP and TDX. */
  readonly sgx: readonly string[];
  /** Intel SGX Attestation Report Signing CA: reports of the EPID attestation service. */
  readonly ias: readonly string[];
  /** AMD root keys, by the line of products that they are of. */
  readonly snp: { readonly [product: string]: readonly string[] };
  /** Roots of networks that allow evidence by software. */
  readonly software: readonly string[];
}

export const vendorTrust: TrustAnchors = Object.freeze({
  sgx: ["a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"],
  ias: ["a9beeb83bb1222c108b436bdd82334e5cf380d61039dae11db95272343850394"],
  snp: {
    Milan: ["9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"],
    Genoa: ["429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"],
    Turin: ["4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"],
  },
  software: [],
});
