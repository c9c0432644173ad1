/** What operators of simulated miners do with their disks while everything runs: fill, drain, move, look, clean up. */
import type { SeededRandom } from "@holdfast/base/testing";
import type { Deeds } from "./deeds.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

const drive = "1";
const longestDrainMs = 60_000;

export async function keepStore(
  { world, deeds }: { readonly world: World; readonly deeds: Deeds },
  node: SimNode,
  random: SeededRandom,
): Promise<void> {
  const { signal } = new AbortController();
  const dice = random.below(100);
  const ms = random.between(1_000, longestDrainMs);
  const volume = random.pick(["0", drive]);
  const sectors = await sectorsOf(node);
  const sectorId = sectors.length === 0 ? undefined : random.pick(sectors);
  if (dice < 15 || sectorId === undefined) {
    await deeds.ask(node, "capacity", async () => node.storage?.addCommittedCapacity());
  } else if (dice < 40) {
    await deeds.ask(node, "drain", async ({ handlers }) =>
      handlers["storage.drain"]({ volume: drive }, signal),
    );
    await world.clock.sleep(ms);
    await deeds.ask(node, "take files again", async ({ handlers }) =>
      handlers["storage.set"]({ volume: drive, mode: "open" }, signal),
    );
  } else if (dice < 70) {
    await deeds.ask(node, "move", async ({ handlers }) =>
      handlers["storage.move"]({ sectorId, volume }, signal),
    );
  } else if (dice < 90) {
    await deeds.ask(node, "check", async ({ handlers }) => handlers["storage.check"]({ sectorId }, signal));
  } else {
    await deeds.ask(node, "clean", async ({ handlers }) => handlers["storage.clean"]({}, signal));
  }
}

/** On the chain for good. */
async function sectorsOf({ storage }: SimNode): Promise<number[]> {
  try {
    const found = (await storage?.listSectors()) ?? [];
    return found
      .filter(({ state }) => state === "committed" || state === "faulty")
      .map(({ sectorId }) => sectorId);
  } catch {
    return []; // it is ending
  }
}
