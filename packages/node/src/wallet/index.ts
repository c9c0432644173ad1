/**
 * The node's keys, encrypted at rest as one file that is replaced as a whole. Account keys
 * (secp256k1) own money and sign messages, blocks and deals; BLS keys make a miner's tickets.
 * A new key is on disk before anybody learns its address.
 */
import {
  type Address,
  accountAddress,
  blsPublicKey,
  blsSign,
  equalBytes,
  exportLotusKey,
  fromHex,
  generateKey,
  importKeys,
  type KeyInfo,
  openSecret,
  publicKeyOf,
  sealSecret,
  signRecoverable,
  toHex,
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
  keys: z.array(z.object({ type: z.enum(["secp256k1", "bls"]), privateKeyHex: z.string().regex(/^[0-9a-f]{64}$/) })),
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
  /** Reads both formats of the field; gives the account addresses. */
  importText(text: string): Promise<readonly Address[]>;
  importKey(key: KeyInfo): Promise<void>;
}

/** Errors of the keystore (`keystore/wrong-passphrase` …) and of the disk. */
export async function openWallet(needs: WalletNeeds): Promise<Wallet> {
  const file = await needs.disk.readFile(keystoreFile);
  const content =
    file === undefined
      ? { keys: [], defaultAddress: null }
      : contentSchema.parse(JSON.parse(utf8Text(await openSecret(file, needs.secret))));
  const keys: KeyInfo[] = content.keys.map(({ type, privateKeyHex }) => ({
    type,
    privateKey: fromHex(privateKeyHex),
  }));
  let chosen = content.defaultAddress;
  let saving: Promise<void> = Promise.resolve();

  const accountOf = (key: KeyInfo): Address => accountAddress(needs.network, publicKeyOf(key.privateKey));
  const accounts = new Map(keys.filter((key) => key.type === "secp256k1").map((key) => [accountOf(key), key]));
  const blsKeys = new Map(
    keys.filter((key) => key.type === "bls").map((key) => [toHex(blsPublicKey(key.privateKey)), key]),
  );

  const save = (): Promise<void> => {
    saving = saving.catch(() => undefined).then(async () => {
      const document = {
        keys: keys.map(({ type, privateKey }) => ({ type, privateKeyHex: toHex(privateKey) })),
        defaultAddress: chosen,
      };
      const sealed = await sealSecret(utf8Bytes(JSON.stringify(document)), needs.secret, { random: needs.random });
      await needs.disk.writeFile(keystoreFile, sealed);
    });
    return saving;
  };

  const add = async (key: KeyInfo): Promise<void> => {
    if (keys.some((known) => known.type === key.type && equalBytes(known.privateKey, key.privateKey))) return;
    keys.push(key);
    if (key.type === "secp256k1") chosen ??= accountOf(key);
    await save();
    if (key.type === "secp256k1") accounts.set(accountOf(key), key);
    else blsKeys.set(toHex(blsPublicKey(key.privateKey)), key);
  };

  const keyOf = (address: Address): KeyInfo => {
    const key = accounts.get(address);
    if (key === undefined) throw walletErrors.unknownAddress({ address });
    return key;
  };

  const wallet: Wallet = {
    addresses: () => [...accounts.keys()],
    has: (address) => accounts.has(address),
    defaultAddress: () => wallet.addresses().find((address) => address === chosen) ?? wallet.addresses()[0],
    payer() {
      const address = wallet.defaultAddress();
      if (address === undefined) throw walletErrors.noKey({});
      return address;
    },
    async setDefault(address) {
      keyOf(address);
      chosen = address;
      await save();
    },
    async newAccount() {
      const key = generateKey("secp256k1", needs.random);
      await add(key);
      return accountOf(key);
    },
    async newBlsKey() {
      const key = generateKey("bls", needs.random);
      await add(key);
      return blsPublicKey(key.privateKey);
    },
    hasBls: (publicKey) => blsKeys.has(toHex(publicKey)),
    sign: (address, message) => signRecoverable(keyOf(address).privateKey, message),
    blsSign(publicKey, message) {
      const key = blsKeys.get(toHex(publicKey));
      if (key === undefined) throw walletErrors.unknownAddress({ address: toHex(publicKey) });
      return blsSign(key.privateKey, message);
    },
    exportKey(address) {
      const key = keyOf(address);
      return { keyHex: exportLotusKey(key), privateKeyBase64: Buffer.from(key.privateKey).toString("base64") };
    },
    async importText(text) {
      const found = importKeys(text);
      const wrong = found.find((key) => key.type !== "secp256k1");
      if (wrong !== undefined) throw walletErrors.wrongKeyType({ type: wrong.type });
      for (const key of found) await add(key);
      return found.map(accountOf);
    },
    importKey: add,
  };
  return wallet;
}
