/**
 * Addresses and code names of the built-in actors. The seeds "filecoin", "storage" and "payments" are
 * go-filecoin's of 2019; "init", "idle" and "burnt" are ours. Nobody holds a key to any of them.
 */
import type { Address, NetworkByte } from "@holdfast/base";
import { seedAddress } from "@holdfast/base";

export interface BuiltinAddresses {
  /** Holds the network's name and parameters. */
  readonly init: Address;
  readonly market: Address;
  readonly broker: Address;
  /** Holds the reserve from which blocks are rewarded. */
  readonly reward: Address;
  /** Idle space: its verifiers, who has certified how much, challenges. */
  readonly idle: Address;
  /** Attested pinning: programs, nodes, orders, reports. */
  readonly pins: Address;
  /** Money that nobody can ever spend again. */
  readonly burnt: Address;
}

const make = (network: NetworkByte): BuiltinAddresses =>
  Object.freeze({
    init: seedAddress(network, "init"),
    market: seedAddress(network, "storage"),
    broker: seedAddress(network, "payments"),
    reward: seedAddress(network, "filecoin"),
    idle: seedAddress(network, "idle"),
    pins: seedAddress(network, "pins"),
    burnt: seedAddress(network, "burnt"),
  });

const known: [BuiltinAddresses | undefined, BuiltinAddresses | undefined] = [undefined, undefined];

/** The built-in addresses of a network. */
export function builtinAddresses(network: NetworkByte): BuiltinAddresses {
  known[network] ??= make(network);
  return known[network];
}

/** Names whose raw sha2-256 CID is an actor's code CID. */
export const codeNames = {
  account: "accountactor",
  market: "storagemarket",
  broker: "paymentbroker",
  miner: "mineractor",
  init: "initactor",
  reward: "rewardactor",
  multisig: "multisigactor",
  idle: "idlespace",
  pins: "pinsactor",
} as const;
