/**
 * Idle space in a simulation: operators who let it fill what is free, take room back, move money, and lose files behind
 * their node's back. In the end who still fills must be certified, asked, and found in order.
 */
import { attoFil, type Disk, diskErrors, encode } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import { builtinAddresses, type IdleMinerView, methods } from "@holdfast/consensus";
import { idleFileBytes, idleFilesPerSet, idleProfiles } from "@holdfast/proofs/idle";
import { homeVolumeId } from "@holdfast/storage";
import { type Deeds, plentyOfGas } from "./deeds.ts";
import { idleOf, vouchedFor } from "./idle-lies.ts";
import { network, type SimNode } from "./node.ts";
import type { Forbidden } from "./pin-frauds.ts";
import type { World } from "./world.ts";

const { idle } = builtinAddresses(network);
/** Rounds in which what should come to pass must have. */
const patienceRounds = 150;

export interface SpaceNeeds {
  readonly world: World;
  readonly deeds: Deeds;
  readonly key: (node: SimNode, what: string) => string;
}

export class Space {
  readonly #needs: SpaceNeeds;
  /** Who was told to fill, and not to give back since. */
  readonly filling = new Set<SimNode>();

  constructor(needs: SpaceNeeds) {
    this.#needs = needs;
  }

  key(node: SimNode, what: string): string {
    return this.#needs.key(node, `idle ${what}`);
  }

  async live(node: SimNode, random: SeededRandom): Promise<void> {
    const dice = random.below(100);
    if (!this.filling.has(node) || dice < 25) await this.fill(node, random.between(3, 6));
    else if (dice < 45) await this.#drain(node, random);
    else if (dice < 60) await this.#lose(node);
    else await this.#move(node, random);
  }

  async fill(node: SimNode, sets: number): Promise<void> {
    const maxBytes = sets * setBytes(this.#needs.world);
    const { signal } = new AbortController();
    const told = await this.#needs.deeds.ask(node, "fill", async ({ handlers }) =>
      handlers["idle.fill"]({ maxBytes }, signal),
    );
    if (told !== undefined) this.filling.add(node);
  }

  async #drain(node: SimNode, random: SeededRandom): Promise<void> {
    const { signal } = new AbortController();
    const bytes = random.between(1, setBytes(this.#needs.world));
    this.filling.delete(node);
    await this.#needs.deeds.ask(node, "drain", async ({ handlers }) =>
      handlers["idle.drain"]({ bytes }, signal),
    );
  }

  /** Files go, as when somebody clears a disk; the node makes them again. */
  async #lose(node: SimNode): Promise<void> {
    const { storage } = node;
    if (storage === undefined) return;
    const { disk, path, present } = storage.volumes.idle;
    try {
      for (const volume of await present()) await disk.remove(path(volume, ""));
      this.#needs.world.history.record(node.name, "idle files lost");
    } catch {
      // A failing disk keeps them.
    }
  }

  /** Its files cannot be read, and none can be made, until what it returns is disposed of. */
  takeAway({ storage, name }: SimNode): Disposable {
    if (storage === undefined) return { [Symbol.dispose]: () => undefined };
    const { disk, path } = storage.volumes.idle;
    const open = disk.open.bind(disk);
    const folder = path(homeVolumeId, "");
    let isAway = true;
    Object.assign(disk, {
      open: async (file: string, mode: Parameters<Disk["open"]>[1]) => {
        if (isAway && file.startsWith(folder)) throw diskErrors.notFound({ path: file });
        return open(file, mode);
      },
    });
    this.#needs.world.history.record(name, "idle files away");
    return { [Symbol.dispose]: () => (isAway = false) };
  }

  async #move(node: SimNode, random: SeededRandom): Promise<void> {
    const { miner } = node.identity;
    if (miner === undefined) return;
    const { deeds, key } = this.#needs;
    const amount = attoFil(BigInt(random.between(1, 1_000)) * 10n ** 12n);
    const isIn = random.chance(0.5);
    const method = isIn ? "deposit" : "withdraw";
    await deeds.send(node, key(node, `idle ${method}`), {
      to: idle,
      method,
      value: isIn ? amount : attoFil(0),
      params: isIn
        ? encode(methods.idle.deposit.params, { miner })
        : encode(methods.idle.withdraw.params, { miner, amount }),
      gasLimit: plentyOfGas,
    });
  }
}

function setBytes({ params }: World): number {
  const profile = idleProfiles.get(params.idle.profile);
  return profile === undefined ? 0 : idleFilesPerSet(profile) * idleFileBytes(profile);
}

export interface SpaceTrial {
  readonly forbidden: Forbidden;
  readonly world: World;
  readonly deeds: Deeds;
  readonly space: Space;
  readonly isOver: () => boolean;
  readonly drain: () => Promise<void>;
}

/** Lets rounds pass until something holds for a node; else that is a violation. */
async function reaches(
  { world, isOver, drain }: SpaceTrial,
  node: SimNode,
  what: string,
  holds: (record: IdleMinerView) => boolean,
): Promise<void> {
  const { history, clock, plan } = world;
  const isReached = (): boolean => {
    const record = idleOf(node);
    return record !== undefined && holds(record);
  };
  for (let round = 0; round < patienceRounds && !isReached() && !isOver(); round += 1) {
    await clock.advanceUntil(isOver, { limitMs: plan.roundMs, drain });
  }
  if (isOver()) return;
  const { state, power, faults, lastProven } = idleOf(node) ?? {};
  const files = state === undefined ? "none" : `${state.front} to ${state.rear}`;
  const facts = { files, power: `${power ?? 0n}`, faults: faults ?? 0, lastProven: lastProven ?? -1 };
  if (isReached()) history.record(node.name, what, facts);
  else history.violate("idle space is judged", node.name, `never ${what}: ${JSON.stringify(facts)}`);
}

const heightOf = ({ nodes }: World): number =>
  Math.max(...nodes.map(({ running }) => running?.chain.head().height ?? 0));

/**
 * After all faults: who fills is certified, is asked and has answered. Then one of them has its volume away: that costs
 * it, and its files count nothing until it has shown them again. At last it takes its room back.
 */
export async function allCounted(trial: SpaceTrial): Promise<void> {
  const { world, deeds, space } = trial;
  if (!world.plan.services.includes("idle")) return;
  const honest = ({ identity: { miner, isByzantine } }: SimNode): boolean =>
    miner !== undefined && !isByzantine;
  const first = world.nodes.find(honest);
  if (space.filling.size === 0 && first !== undefined) await space.fill(first, 4);
  const isCounted =
    (from: number) =>
    ({ power, lastProven }: IdleMinerView): boolean =>
      power > 0n && (lastProven ?? -1) >= from;
  const from = heightOf(world);
  for (const node of space.filling) await reaches(trial, node, "counted", isCounted(from));
  const [node] = space.filling;
  if (node === undefined || trial.isOver()) return;
  const { faults = 0, burnt = 0n } = idleOf(node) ?? {};
  {
    using _away = space.takeAway(node);
    const hasPaid = (now: IdleMinerView) => now.faults > faults && now.power === 0n && now.burnt > burnt;
    // With a verifier that vouches for it, too.
    await vouchedFor(trial, node, world.random.fork("lies of a verifier"));
    await reaches(trial, node, "missed", hasPaid);
  }
  const since = heightOf(world);
  await reaches(trial, node, "counted again", isCounted(since));
  if (trial.isOver()) return;
  const { signal } = new AbortController();
  await deeds.ask(node, "drain", async ({ handlers }) => handlers["idle.drain"]({ bytes: null }, signal));
  await reaches(trial, node, "given back", ({ state, power }) => state.rear === state.front && power === 0n);
}
