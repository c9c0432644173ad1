/** What a canned node says of its network, and of its part in it. */
import type { MethodResult } from "@holdfast/api";

const upgrade = { height: 500, version: 2, isKnown: false, inMs: 400_000, changes: {} };

export const minedBlocks: Pick<MethodResult<"mine.status">, "blocksWon" | "lastBlockAt" | "signing"> = {
  blocksWon: 40,
  lastBlockAt: 100,
  signing: { standing: "clear", reason: null, fix: null },
};

export function cannedNetwork(genesis: string, upgradeAuthority: string): MethodResult<"network.show"> {
  return {
    name: "canned",
    genesis: genesis,
    genesisMs: 1_700_000_000_000,
    networkByte: 1,
    roundMs: 1000,
    height: 100,
    protocol: { version: 1, known: 1, next: upgrade },
    sectors: [{ sectorBytes: 65_536, profile: "zigzag-64KiB", proofMode: "vanilla" }],
    constants: { blockReward: "1000", blockGasLimit: 10_000_000, softwareAttestation: true },
    upgradeAuthority,
    faucetFil: "5",
    foundersProven: true,
    upgrades: [upgrade],
    applied: [
      { ...upgrade, height: 50, version: 1, isKnown: true, inMs: 0, changes: { blockReward: "1000" } },
    ],
  };
}
