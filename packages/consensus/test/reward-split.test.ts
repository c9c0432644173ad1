/**
 * Whoever splits its power over many miners earns what it would earn with one (Filecoin, Expected Consensus): every
 * block pays the same, and the chance of one is in proportion to power. The draws are balanced over the range of the
 * hash, eight in each of 4,096 cells, so that chance hides nothing of the size that counts.
 */
import { bigEndian, blake2b256, concatBytes, utf8Bytes } from "@holdfast/base";
import { devnetParams, isWinner } from "@holdfast/consensus";
import { beforeAll, describe, expect, it } from "vitest";

const cells = 4_096;
const perCell = 8;
const total = 1_000_000_000n;
const own = 450_000_000n;
const ways = 20n;
const draws: Uint8Array[] = [];

beforeAll(() => {
  const filled = new Uint8Array(cells);
  for (let i = 0; draws.length < cells * perCell; i += 1) {
    const proof = concatBytes(utf8Bytes("reward split"), bigEndian(i, 8));
    const [high = 0, low = 0] = blake2b256(proof);
    const cell = (high << 4) | (low >> 4);
    if ((filled[cell] ?? perCell) >= perCell) continue;
    filled[cell] = (filled[cell] ?? 0) + 1;
    draws.push(proof);
  }
});

/** attoFIL of all rounds for a miner of this power; each winner of a round is paid the whole reward. */
function reward(winner: typeof isWinner, power: bigint): bigint {
  const { blockReward } = devnetParams({ name: "split", roundMs: 1_000 });
  return BigInt(draws.filter((proof) => winner(proof, power, total)).length) * blockReward;
}
const ratio = (winner: typeof isWinner, power = own): number =>
  Number((reward(winner, power / ways) * ways * 1_000_000n) / reward(winner, power)) / 1_000_000;

describe("the reward", () => {
  it("is the same for power in one miner and in twenty, within half a percent", () => {
    for (const power of [own, 200_000_000n, 900_000_000n])
      expect(Math.abs(ratio(isWinner, power) - 1), `${power}`).toBeLessThanOrEqual(0.005);
  });

  it("would not be under a rule that favours the small or the great (canaries)", () => {
    const friendly: typeof isWinner = (proof, power, all) => isWinner(proof, power + all / 2_000n, all);
    const coarse: typeof isWinner = (proof, power, all) => isWinner(proof, (power * 256n) / all, 256n);
    expect(ratio(friendly)).toBeGreaterThan(1.005);
    expect(ratio(coarse)).toBeLessThan(0.995);
  });
});
