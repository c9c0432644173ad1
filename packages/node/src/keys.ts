/**
 * A node's secrets on disk: the wallet and the peer key, both sealed with a passphrase that a person
 * gives or, on machines that start by themselves, with a key file that only the owner can read.
 */
import { randomBytes } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type KeystoreSecret, type NetworkByte, openSecret, sealSecret } from "@holdfast/base";
import { openNodeDisk } from "@holdfast/storage";
import { realRandom } from "./clock.ts";
import { openWallet, type Wallet } from "./wallet/index.ts";

export interface KeyOptions {
  /** The repo's keystore folder. */
  readonly keystore: string;
  readonly network: NetworkByte;
  readonly passphrase?: string;
  /** For a new keystore without passphrase; random if left out. */
  readonly machineKey?: Uint8Array;
  /** For a new keystore; random if left out. */
  readonly peerSeed?: Uint8Array;
}

export interface NodeKeys {
  readonly wallet: Wallet;
  /** Seed of the peer's ed25519 key, 32 bytes. */
  readonly peerSeed: Uint8Array;
}

const machineKeyFile = "machine.key";
const peerKeyFile = "peer.key";
const keyBytes = 32;

/** Opens the keys, making them the first time. Errors: `keystore/wrong-passphrase` and others of the keystore. */
export async function openKeys(options: KeyOptions): Promise<NodeKeys> {
  const { keystore, network } = options;
  const secret = options.passphrase ?? (await machineKey(keystore, options.machineKey));
  const disk = await openNodeDisk(keystore);
  const wallet = await openWallet({ disk, secret, random: realRandom, network });
  const sealed = await disk.readFile(peerKeyFile);
  const peerSeed =
    sealed === undefined ? await newPeerSeed(options, secret) : await openSecret(sealed, secret);
  return { wallet, peerSeed };

  async function newPeerSeed(given: KeyOptions, using: KeystoreSecret): Promise<Uint8Array> {
    const seed = given.peerSeed ?? new Uint8Array(randomBytes(keyBytes));
    await disk.writeFile(peerKeyFile, await sealSecret(seed, using, { random: realRandom }));
    return seed;
  }
}

async function machineKey(keystore: string, given: Uint8Array | undefined): Promise<Uint8Array> {
  const path = join(keystore, machineKeyFile);
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
  }
  const made = given ?? new Uint8Array(randomBytes(keyBytes));
  await writeFile(path, made, { mode: 0o600, flush: true });
  await chmod(path, 0o600);
  return made;
}
