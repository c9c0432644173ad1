/**
 * Native functions for the crypto kernel of `base`: libsecp256k1, blst, OpenSSL and a WASM BLAKE2. Each
 * group is optional: where a prebuilt binary is missing, or where it disagrees with the noble reference on
 * one known input, noble stays and the answer says so. libsecp256k1 is loaded through
 * its binding and not through the package's door, which would fall back to slow JavaScript in silence.
 */
import { createCipheriv, createDecipheriv, hash, scrypt as opensslScrypt } from "node:crypto";
import { createRequire } from "node:module";
import { type CryptoKernel, installCryptoKernel, nobleKernel, toHex } from "@holdfast/base";
import { Bounded } from "./bounded.ts";
import { agreesWithReference } from "./kernel-answers.ts";
import { limits } from "./limits.ts";
import { installProofKernels, type ProofBackends } from "./proof-kernels.ts";
import { rememberingBls } from "./verdicts.ts";

export type CryptoBackend = "native" | "wasm" | "noble";

export interface CryptoBackends {
  readonly secp: CryptoBackend;
  readonly bls: CryptoBackend;
  readonly blake2b: CryptoBackend;
  readonly sha256: CryptoBackend;
  readonly scrypt: CryptoBackend;
  readonly chacha: CryptoBackend;
}

interface NativeGroup {
  readonly backend: CryptoBackend;
  readonly functions: Partial<CryptoKernel>;
}

/** Builds the native functions without installing them. */
export async function buildNativeKernel(): Promise<{
  readonly functions: Partial<CryptoKernel>;
  readonly backends: CryptoBackends;
}> {
  const secp = orNoble(loadSecp);
  const bls = orNoble(await loaded(() => import("@chainsafe/blst"), blsFunctions));
  const blake2 = orNoble(await loaded(blakeHashers, blakeFunctions));
  const chacha = orNoble(() => ({ backend: "native", functions: chachaFunctions }));
  const functions = {
    ...secp.functions,
    ...bls.functions,
    ...blake2.functions,
    ...opensslFunctions,
    ...chacha.functions,
  };
  return {
    functions,
    backends: {
      secp: secp.backend,
      bls: bls.backend,
      blake2b: blake2.backend,
      sha256: "native",
      scrypt: "native",
      chacha: chacha.backend,
    },
  };
}

/** Which back end every group of functions of this thread has got. */
export type InstalledBackends = CryptoBackends & { readonly proofs: ProofBackends };

let installed: Promise<InstalledBackends> | undefined;

/** Builds and installs, once in a thread; says which back end every group has got. */
export function installNativeKernels(): Promise<InstalledBackends> {
  installed ??= install();
  return installed;
}

async function install(): Promise<InstalledBackends> {
  const { functions, backends } = await buildNativeKernel();
  const { blsVerify = nobleKernel.blsVerify } = functions;
  installCryptoKernel({ ...functions, blsVerify: rememberingBls(blsVerify) });
  return { ...backends, proofs: await installProofKernels() };
}

/** The group if it loads and agrees with the reference, else nothing (and noble stays). */
function orNoble(load: () => NativeGroup): NativeGroup {
  try {
    const group = load();
    if (agreesWithReference(group.functions)) return group;
  } catch {
    // No prebuilt binary for this platform: the reference does the work.
  }
  return { backend: "noble", functions: {} };
}

async function loaded<T>(
  load: () => Promise<T>,
  build: (module: T) => NativeGroup,
): Promise<() => NativeGroup> {
  try {
    const module = await load();
    return () => build(module);
  } catch (cause) {
    return () => {
      throw cause;
    };
  }
}

/** The part of secp256k1's binding that is used (the package has no types). */
interface SecpBinding {
  privateKeyVerify(privateKey: Uint8Array): boolean;
  publicKeyCreate(privateKey: Uint8Array, compressed: boolean): Uint8Array;
  ecdsaSign(digest: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
  ecdsaRecover(signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean): Uint8Array;
}

function loadSecp(): NativeGroup {
  const require = createRequire(import.meta.url);
  const binding = require("secp256k1/bindings") as SecpBinding;
  const functions: Partial<CryptoKernel> = {
    secpPublicKey: (privateKey) =>
      binding.privateKeyVerify(privateKey) ? binding.publicKeyCreate(privateKey, false) : undefined,
    secpSign: (digest, privateKey) => {
      if (!binding.privateKeyVerify(privateKey)) return undefined;
      const { signature, recid } = binding.ecdsaSign(digest, privateKey);
      const recoverable = new Uint8Array(65);
      recoverable.set(signature, 0);
      recoverable[64] = recid;
      return recoverable;
    },
    secpRecover: (digest, signature) =>
      orUndefined(() => binding.ecdsaRecover(signature.subarray(0, 64), signature[64] ?? 0, digest, false)),
  };
  return { backend: "native", functions };
}

function blsFunctions(blst: typeof import("@chainsafe/blst")): NativeGroup {
  const secretKey = (bytes: Uint8Array) => orUndefined(() => blst.SecretKey.fromBytes(bytes));
  // Miners sign every round with the same key: its point is decoded and checked once.
  const publicKeys = new Bounded<InstanceType<typeof blst.PublicKey>>(limits.verdicts);
  const checkedKey = (bytes: Uint8Array): InstanceType<typeof blst.PublicKey> => {
    const name = toHex(bytes);
    const known = publicKeys.get(name);
    if (known !== undefined) return known;
    const key = blst.PublicKey.fromBytes(bytes, true);
    publicKeys.set(name, key);
    return key;
  };
  const functions: Partial<CryptoKernel> = {
    blsPublicKey: (privateKey) => {
      const key = secretKey(privateKey);
      return key && plain(key.toPublicKey().toBytes());
    },
    blsSign: (privateKey, message) => {
      const key = secretKey(privateKey);
      return key && plain(key.sign(message).toBytes());
    },
    blsVerify: (publicKey, message, signature) => {
      const verdict = orUndefined(() => {
        const key = checkedKey(publicKey);
        const claim = blst.Signature.fromBytes(signature, true, true);
        return blst.verify(message, key, claim, false, false); // both points were checked just now
      });
      return verdict ?? false;
    },
  };
  return { backend: "native", functions };
}

async function blakeHashers() {
  const { createBLAKE2b, createBLAKE2s } = await import("hash-wasm");
  return {
    b256: await createBLAKE2b(256),
    b160: await createBLAKE2b(160),
    s256: await createBLAKE2s(256),
  };
}

function blakeFunctions(hashers: Awaited<ReturnType<typeof blakeHashers>>): NativeGroup {
  const functions: Partial<CryptoKernel> = {
    blake2b256: (bytes) => hashers.b256.init().update(bytes).digest("binary"),
    blake2b160: (bytes) => hashers.b160.init().update(bytes).digest("binary"),
    blake2s256: (bytes) => hashers.s256.init().update(bytes).digest("binary"),
  };
  return { backend: "wasm", functions };
}

const opensslFunctions: Partial<CryptoKernel> = {
  sha256: (bytes) => plain(hash("sha256", bytes, "buffer")),
  scrypt: (password, salt, cost, lengthBytes) =>
    new Promise((resolve, reject) => {
      const maxmem = 128 * cost.r * (cost.n + cost.p) + 1_048_576; // what RFC 7914 needs, and some
      const options = { N: cost.n, r: cost.r, p: cost.p, maxmem };
      opensslScrypt(password, salt, lengthBytes, options, (error, key) => {
        if (error === null) resolve(plain(key));
        else reject(error);
      });
    }),
};

const chachaName = "chacha20-poly1305";
const chachaTag = { authTagLength: 16 };

/** A group of its own: an OpenSSL that is held to FIPS has no ChaCha20. */
const chachaFunctions: Partial<CryptoKernel> = {
  chachaSeal: (key, nonce, plainBytes) => {
    const cipher = createCipheriv(chachaName, key, nonce, chachaTag);
    const sealed = new Uint8Array(plainBytes.length + chachaTag.authTagLength);
    sealed.set(cipher.update(plainBytes));
    cipher.final();
    sealed.set(cipher.getAuthTag(), plainBytes.length);
    return sealed;
  },
  chachaOpen: (key, nonce, sealed) => {
    const end = sealed.length - chachaTag.authTagLength;
    const decipher = createDecipheriv(chachaName, key, nonce, chachaTag);
    decipher.setAuthTag(sealed.subarray(end));
    const opened = decipher.update(sealed.subarray(0, end));
    return orUndefined(() => {
      decipher.final();
      return plain(opened);
    });
  },
};

/** A plain Uint8Array: a Buffer would differ from the reference in its methods and in deep comparisons. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bindings report malformed input by throwing; a claim of a peer is answered, not thrown. */
function orUndefined<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
