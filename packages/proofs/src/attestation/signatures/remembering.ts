/**
 * A signature kernel that remembers what it has found true: the certificates, lists and documents of collateral are
 * the same for every quote of a platform. Only true answers are kept, by a digest of all that was verified, and never
 * more than so many; what was not asked for longest goes first.
 */
import { concatBytes, toHex, utf8Bytes } from "@holdfast/base";
import { attestLimits } from "../limits.ts";
import type { SignatureKernel } from "./kernel.ts";

export function rememberingSignatures(
  kernel: SignatureKernel,
  most: number = attestLimits.rememberedSignatures,
): SignatureKernel {
  const known = new Set<string>();
  const remembered = (parts: readonly Uint8Array[], verify: () => boolean): boolean => {
    // Each part by its digest: parts of other lengths cannot run into one another.
    const name = toHex(kernel.sha256(concatBytes(...parts.map((part) => kernel.sha256(part)))));
    if (!known.delete(name) && !verify()) return false;
    known.add(name); // as the newest
    const [oldest] = known;
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return true;
  };
  return Object.freeze({
    sha256: kernel.sha256,
    ecdsaVerify: (curve, publicKey, message, signature) =>
      remembered([utf8Bytes(curve), publicKey, message, signature], () =>
        kernel.ecdsaVerify(curve, publicKey, message, signature),
      ),
    rsaVerify: (scheme, key, message, signature) =>
      remembered([utf8Bytes(scheme), key.modulus, key.exponent, message, signature], () =>
        kernel.rsaVerify(scheme, key, message, signature),
      ),
  } satisfies SignatureKernel);
}
