/**
 * The key of an attested node: made by the program that is attested, sealed on disk by a key that (in an enclave) only
 * this program gets. Another program, an upgraded one too, does not open it: it makes a key of its own and enters the
 * network anew under the same operator, and the pins, which belong to the operator, stay. One file for each program, so
 * that going back to the one before finds its key again.
 */
import {
  type Disk,
  generateKey,
  HoldfastError,
  type KeyInfo,
  openKeys,
  publicKeyOfKey,
  type Random,
  sealKeys,
  signRecoverable,
  toHex,
} from "@holdfast/base";
import type { AttestedUse } from "@holdfast/proofs/attestation";
import { limits } from "../limits.ts";
import { attestationErrors } from "./errors.ts";
import type { AttestationProvider, SealingKey } from "./types.ts";

export interface SealedIdentity {
  /** secp256k1, 65 bytes, as accounts have it. */
  readonly publicKey: Uint8Array;
  /** Recoverable, 65 bytes, over BLAKE2b-256 of the message. */
  sign(message: Uint8Array): Uint8Array;
  /** Who else could open the file that it lies in. */
  readonly boundTo: SealingKey["boundTo"];
  /** It was made just now: the network does not know it. */
  readonly isNew: boolean;
  /** Programs, in hex, whose sealed keys lie here too, and which this one cannot open. */
  readonly others: readonly string[];
}

export interface IdentityNeeds {
  readonly disk: Disk;
  readonly random: Random;
  readonly provider: AttestationProvider;
  /** The program that runs, as its evidence says it. */
  readonly program: Uint8Array;
  readonly networkId: Uint8Array;
  readonly use: AttestedUse;
}

/** Opens the key of this program, network and use, or makes it. Error `attestation/identity-damaged`. */
export async function openIdentity(needs: IdentityNeeds): Promise<SealedIdentity> {
  const { disk, provider, program } = needs;
  const { key, boundTo } = await provider.sealingKey();
  const folder = folderOf(needs);
  const name = `${folder}/${toHex(program)}.sealed`;
  const others = (await programsIn(disk, folder)).filter((one) => one !== toHex(program));
  const sealed = await disk.readFile(name);
  if (sealed !== undefined) {
    return { ...asIdentity(await opened(sealed, key, name)), boundTo, isNew: false, others };
  }
  const made = generateKey("secp256k1", needs.random);
  await disk.writeFile(name, await sealKeys([made], key, { random: needs.random }));
  return { ...asIdentity(made), boundTo, isNew: true, others };
}

/** Removes the keys of other programs, when this one is known to the network and nobody will go back. */
export async function forgetOthers(needs: IdentityNeeds): Promise<readonly string[]> {
  const folder = folderOf(needs);
  const others = (await programsIn(needs.disk, folder)).filter((one) => one !== toHex(needs.program));
  for (const one of others) await needs.disk.remove(`${folder}/${one}.sealed`);
  return others;
}

const folderOf = ({ networkId, use, provider }: IdentityNeeds): string =>
  `identities/${toHex(networkId.subarray(0, 8))}-${use}-${provider.kind}`;

async function programsIn(disk: Disk, folder: string): Promise<string[]> {
  const names = await disk.list(folder);
  const programs = names.flatMap((name) => /^([0-9a-f]{64})\.sealed$/.exec(name)?.[1] ?? []);
  return programs.slice(0, limits.sealedIdentities);
}

async function opened(sealed: Uint8Array, key: Uint8Array, name: string): Promise<KeyInfo> {
  try {
    const [only, ...more] = await openKeys(sealed, key);
    if (only?.type === "secp256k1" && more.length === 0) return only;
  } catch (cause) {
    if (!(cause instanceof HoldfastError)) throw cause;
    throw attestationErrors.identityDamaged({ name }, cause);
  }
  throw attestationErrors.identityDamaged({ name });
}

function asIdentity(key: KeyInfo): Pick<SealedIdentity, "publicKey" | "sign"> {
  return {
    publicKey: publicKeyOfKey(key),
    sign: (message) => signRecoverable(key.privateKey, message),
  };
}
