/** Reproducible keys, parameters and bytes of the market's tests. */
import {
  type Address,
  accountAddress,
  blake2b256,
  installCryptoKernel,
  publicKeyOf,
  signRecoverable,
  utf8Bytes,
} from "@holdfast/base";
import { devnetParams, type NetworkParams, vanillaClasses } from "@holdfast/consensus";
import { buildNativeKernel } from "../../../src/kernels.ts";
import type { ClientMarketNeeds } from "../../../src/market/index.ts";

installCryptoKernel((await buildNativeKernel()).functions);

export const signal = new AbortController().signal;
export const sectorBytes = 2048;
/** attoFIL per byte and epoch. */
export const askPrice = 10n;

export interface Keys {
  readonly address: Address;
  readonly privateKey: Uint8Array;
}
export function keysOf(name: string): Keys {
  const privateKey = blake2b256(utf8Bytes(`market test ${name}`));
  return { privateKey, address: accountAddress(1, publicKeyOf(privateKey)) };
}

export function signerOf(...keys: readonly Keys[]): ClientMarketNeeds["signer"] {
  const byAddress = new Map(keys.map((one) => [one.address, one]));
  const [first] = keys;
  return {
    payer: () => first?.address ?? keysOf("nobody").address,
    has: (address) => byAddress.has(address),
    sign: (address, message) => {
      const key = byAddress.get(address);
      if (key === undefined) throw new TypeError(`no key of ${address}`);
      return signRecoverable(key.privateKey, message);
    },
  };
}

export const testParams = (overrides: Partial<NetworkParams> = {}): NetworkParams =>
  devnetParams({
    name: "market",
    roundMs: 1_000,
    sectorClasses: vanillaClasses([sectorBytes]),
    provingPeriodEpochs: 20,
    deadlinesPerPeriod: 2,
    proofWindowEpochs: 8,
    declarationCutoffEpochs: 1,
    sealChallengeDelayEpochs: 2,
    minSectorLifetimeEpochs: 40,
    maxSectorLifetimeEpochs: 100_000,
    channelCancelDelayEpochs: 30,
    ...overrides,
  });

/** Bytes that do not repeat. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i += 1) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    bytes[i] = (state >>> 11) & 0xff;
  }
  return bytes;
}
