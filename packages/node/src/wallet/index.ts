/**
 * The node's keys, encrypted at rest as one file that is replaced as a whole. Account keys
 * (secp256k1) own money and sign messages, blocks and deals; BLS keys make a miner's tickets.
 * A new key is on disk before anybody learns its address.
 */
import {
  type Address,
  type AgeStanza,
  accountAddress,
  ageIdentityOfAccount,
  ageRecipientOf,
  blsPublicKey,
  blsSign,
  equalBytes,
  exportLotusKey,
  fileSecretOfAccount,
  fromHex,
  generateKey,
  importKeys,
  type KeyInfo,
  openSecret,
  publicKeyOf,
  sealSecret,
  signRecoverable,
  toHex,
  unwrapAgeFileKey,
  utf8Bytes,
  utf8Text,
} from "@holdfast/base";
import { z } from "zod";
import { walletErrors } from "./errors.ts";
import type { WalletNeeds } from "./needs.ts";

export { walletErrors } from "./errors.ts";
export type { WalletNeeds } from "./needs.ts";

const keystoreFile = "keys.json";

const contentSchema = z.object({
  keys: z.array(
    z.object({ type: z.enum(["secp256k1", "bls"]), privateKeyHex: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
  defaultAddress: z.string().nullable(),
});

export interface Wallet {
  /** Account addresses in the order in which their keys came. */
  addresses(): readonly Address[];
  has(address: Address): boolean;
  defaultAddress(): Address | undefined;
  /** The default address; error `wallet/no-key`. */
  payer(): Address;
  setDefault(address: Address): Promise<void>;
  newAccount(): Promise<Address>;
  /** The 48-byte public key. */
  newBlsKey(): Promise<Uint8Array>;
  hasBls(publicKey: Uint8Array): boolean;
  /** 65-byte recoverable signature; error `wallet/unknown-address`. */
  sign(address: Address, message: Uint8Array): Uint8Array;
  /** 96-byte signature; error `wallet/unknown-address`. */
  blsSign(publicKey: Uint8Array, message: Uint8Array): Uint8Array;
  exportKey(address: Address): { readonly keyHex: string; readonly privateKeyBase64: string };
  /** To whom files of this account are encrypted: 32 bytes of age; `wallet/unknown-address`. */
  fileRecipient(address: Address): Uint8Array;
  /** The secret key of that, for other programs: keep it secret; `wallet/unknown-address`. */
  fileIdentity(address: Address): Uint8Array;
  /** 32 bytes that only this account can compute again; `wallet/unknown-address`. */
  fileSecret(address: Address, purpose: Uint8Array): Uint8Array;
  /** 32 bytes that nobody can compute again. */
  newFileSecret(): Uint8Array;
  /** What opens a file, if it is for an account of this wallet; `age/malformed`. */
  openFileKey(stanzas: readonly AgeStanza[]): Uint8Array | undefined;
  /** Reads both formats of the field; gives the account addresses. */
  importText(text: string): Promise<readonly Address[]>;
  importKey(key: KeyInfo): Promise<void>;
}

/** Errors of the keystore (`keystore/wrong-passphrase` …) and of the disk. */
export async function openWallet(needs: WalletNeeds): Promise<Wallet> {
  return new KeyWallet(needs, await readContent(needs));
}

type Content = z.output<typeof contentSchema>;

async function readContent({ disk, secret }: WalletNeeds): Promise<Content> {
  const file = await disk.readFile(keystoreFile);
  if (file === undefined) return { keys: [], defaultAddress: null };
  return contentSchema.parse(JSON.parse(utf8Text(await openSecret(file, secret))));
}

class KeyWallet implements Wallet {
  readonly #needs: WalletNeeds;
  readonly #keys: KeyInfo[];
  readonly #accounts = new Map<Address, KeyInfo>();
  readonly #blsKeys = new Map<string, KeyInfo>();
  #chosen: string | null;
  #saving: Promise<void> = Promise.resolve();
  #importing: Promise<void> = Promise.resolve();

  constructor(needs: WalletNeeds, content: Content) {
    this.#needs = needs;
    this.#keys = content.keys.map(({ type, privateKeyHex }) => ({
      type,
      privateKey: fromHex(privateKeyHex),
    }));
    this.#chosen = content.defaultAddress;
    for (const key of this.#keys) this.#index(key);
  }

  addresses(): readonly Address[] {
    return [...this.#accounts.keys()];
  }
  has(address: Address): boolean {
    return this.#accounts.has(address);
  }
  defaultAddress(): Address | undefined {
    const addresses = this.addresses();
    return addresses.find((address) => address === this.#chosen) ?? addresses[0];
  }
  payer(): Address {
    const address = this.defaultAddress();
    if (address === undefined) throw walletErrors.noKey({});
    return address;
  }
  async setDefault(address: Address): Promise<void> {
    this.#keyOf(address);
    const before = this.#chosen;
    this.#chosen = address;
    try {
      await this.#save();
    } catch (error) {
      this.#chosen = before;
      throw error;
    }
  }
  async newAccount(): Promise<Address> {
    const key = generateKey("secp256k1", this.#needs.random);
    await this.importKey(key);
    return this.#accountOf(key);
  }
  async newBlsKey(): Promise<Uint8Array> {
    const key = generateKey("bls", this.#needs.random);
    await this.importKey(key);
    return blsPublicKey(key.privateKey);
  }
  hasBls(publicKey: Uint8Array): boolean {
    return this.#blsKeys.has(toHex(publicKey));
  }
  sign(address: Address, message: Uint8Array): Uint8Array {
    return signRecoverable(this.#keyOf(address).privateKey, message);
  }
  blsSign(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
    const key = this.#blsKeys.get(toHex(publicKey));
    if (key === undefined) throw walletErrors.unknownAddress({ address: toHex(publicKey) });
    return blsSign(key.privateKey, message);
  }
  exportKey(address: Address): { readonly keyHex: string; readonly privateKeyBase64: string } {
    const key = this.#keyOf(address);
    return { keyHex: exportLotusKey(key), privateKeyBase64: Buffer.from(key.privateKey).toString("base64") };
  }
  fileRecipient(address: Address): Uint8Array {
    return ageRecipientOf(this.fileIdentity(address));
  }
  fileIdentity(address: Address): Uint8Array {
    return ageIdentityOfAccount(this.#keyOf(address).privateKey);
  }
  fileSecret(address: Address, purpose: Uint8Array): Uint8Array {
    return fileSecretOfAccount(this.#keyOf(address).privateKey, purpose);
  }
  newFileSecret(): Uint8Array {
    return this.#needs.random.bytes(32);
  }
  openFileKey(stanzas: readonly AgeStanza[]): Uint8Array | undefined {
    for (const { privateKey } of this.#accounts.values()) {
      const fileKey = unwrapAgeFileKey(stanzas, ageIdentityOfAccount(privateKey));
      if (fileKey !== undefined) return fileKey;
    }
    return undefined;
  }
  async importText(text: string): Promise<readonly Address[]> {
    const found = importKeys(text);
    const wrong = found.find((key) => key.type !== "secp256k1");
    if (wrong !== undefined) throw walletErrors.wrongKeyType({ type: wrong.type });
    for (const key of found) await this.importKey(key);
    return found.map((key) => this.#accountOf(key));
  }
  /** One at a time: a key whose write fails must leave no trace, also not for the same key right behind it. */
  importKey(key: KeyInfo): Promise<void> {
    const done = this.#importing.then(() => this.#import(key));
    this.#importing = done.catch(() => undefined);
    return done;
  }

  async #import(key: KeyInfo): Promise<void> {
    const isKnown = this.#keys.some(
      (known) => known.type === key.type && equalBytes(known.privateKey, key.privateKey),
    );
    if (isKnown) return;
    const chosenBefore = this.#chosen;
    this.#keys.push(key);
    if (key.type === "secp256k1") this.#chosen ??= this.#accountOf(key);
    try {
      await this.#save();
    } catch (error) {
      this.#keys.pop();
      this.#chosen = chosenBefore;
      throw error;
    }
    this.#index(key);
  }

  #index(key: KeyInfo): void {
    if (key.type === "secp256k1") this.#accounts.set(this.#accountOf(key), key);
    else this.#blsKeys.set(toHex(blsPublicKey(key.privateKey)), key);
  }
  #accountOf(key: KeyInfo): Address {
    return accountAddress(this.#needs.network, publicKeyOf(key.privateKey));
  }
  #keyOf(address: Address): KeyInfo {
    const key = this.#accounts.get(address);
    if (key === undefined) throw walletErrors.unknownAddress({ address });
    return key;
  }
  /** One after the other; a failed one does not keep the next from being tried. */
  #save(): Promise<void> {
    this.#saving = this.#saving.catch(() => undefined).then(() => this.#write());
    return this.#saving;
  }
  async #write(): Promise<void> {
    const { disk, secret, random } = this.#needs;
    const document = {
      keys: this.#keys.map(({ type, privateKey }) => ({ type, privateKeyHex: toHex(privateKey) })),
      defaultAddress: this.#chosen,
    };
    await disk.writeFile(
      keystoreFile,
      await sealSecret(utf8Bytes(JSON.stringify(document)), secret, { random }),
    );
  }
}
