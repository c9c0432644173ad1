/**
 * What goes wrong in a simulation: each kind of fault comes at times drawn from the seed, stays for a while, and ends.
 * `heal` ends all of them for good. Nothing here knows what the nodes do at that moment.
 */
import { HoldfastError } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import type { EngineRoom } from "./engine.ts";
import type { SimNode } from "./node.ts";
import type { Plan } from "./plan.ts";
import type { SimWorker } from "./sim-worker.ts";
import type { World } from "./world.ts";

const secondMs = 1_000;
/** A machine that crashed comes back after at most this long. */
const longestDownMs = 180 * secondMs;
/** Partitions stay far shorter than finality: longer ones split a chain for good, as they must. */
const longestPartitionRounds = 12;
const supervisorMs = 5 * secondMs;

export interface Nemesis {
  /** All faults are over, and what is down starts. */
  heal(): void;
}

export function unleash(world: World): Nemesis {
  const stop = new AbortController();
  const fury = new Fury(world, stop.signal);
  const { every } = world.plan;
  fury.repeat("partition", every.partitionMs, (random) => fury.partition(random));
  fury.repeat("clog", every.clogMs, (random) => fury.clog(random));
  fury.repeat("crash", every.crashMs, (random) => fury.crash(random));
  fury.repeat("pause", every.pauseMs, (random) => fury.pause(random));
  fury.repeat("skew", every.skewMs, (random) => fury.skew(random));
  fury.repeat("disk", every.diskMs, (random) => fury.disk(random));
  fury.repeat("worker", every.workerMs, (random) => fury.worker(random));
  fury.repeat("volume", every.volumeMs, (random) => fury.volume(random));
  for (const node of world.nodes) {
    void fury.supervise(node);
    for (const worker of node.engine?.workers ?? []) void fury.supervise(worker);
  }
  return {
    heal() {
      stop.abort(
        new HoldfastError({ code: "sim/healed", message: "all is well", fix: "nothing", exit: "internal" }),
      );
      const { net, nodes, history } = world;
      history.record("", "heal");
      net.heal();
      net.setWeather({
        jitterMs: 0,
        lossRatio: 0,
        gossipLossRatio: 0,
        gossipRepeatRatio: 0,
        gossipSpreadMs: 0,
      });
      for (const node of nodes) {
        node.life?.resume();
        node.crashAfter(Number.POSITIVE_INFINITY);
        if (node.engine !== undefined) calm(node.engine);
        Object.assign(node.troubles, { diskFull: false, diskErrorRatio: 0, skewMs: 0 });
      }
    },
  };
}

function calm(engine: EngineRoom): void {
  void engine.bringDriveBack();
  for (const { life } of engine.workers) {
    life?.killAfter(Number.POSITIVE_INFINITY);
    life?.resume();
  }
}

class Fury {
  readonly #world: World;
  readonly #signal: AbortSignal;

  constructor(world: World, signal: AbortSignal) {
    this.#world = world;
    this.#signal = signal;
  }
  get #plan(): Plan {
    return this.#world.plan;
  }

  /** Does a fault again and again, with pauses of `meanMs` on average. */
  repeat(kind: string, meanMs: number, strike: (random: SeededRandom) => Promise<void>): void {
    if (meanMs === 0) return;
    const random = this.#world.random.fork(`nemesis ${kind}`);
    const loop = async (): Promise<void> => {
      for (;;) {
        await this.#sleep(random.between(Math.floor(meanMs / 2), Math.floor((meanMs * 3) / 2)));
        await strike(random);
      }
    };
    loop().catch(() => undefined);
  }

  /** Starts what is down, for ever: also after the healing. */
  async supervise(node: SimNode | SimWorker): Promise<void> {
    const random = this.#world.random.fork(`supervisor of ${node.name}`);
    for (;;) {
      if (node.life === undefined) {
        const isHealed = this.#signal.aborted;
        await this.#world.clock.sleep(isHealed ? supervisorMs : random.between(secondMs, longestDownMs));
        if (node.life === undefined) void node.start();
      }
      await this.#world.clock.sleep(supervisorMs);
    }
  }

  async partition(random: SeededRandom): Promise<void> {
    const { net, nodes, history } = this.#world;
    const names = random.shuffle(nodes.map(({ name }) => name));
    const cut = random.between(1, names.length - 1);
    const groups = [names.slice(0, cut), names.slice(cut)];
    const mode = random.pick(["cut", "stall", "one way"] as const);
    history.record("", "partition", { groups, mode });
    if (mode === "one way") {
      for (const from of groups[0] ?? []) for (const to of groups[1] ?? []) net.clog(from, to);
    } else {
      net.partition(groups, mode);
    }
    await this.#sleep(random.between(1, longestPartitionRounds) * this.#plan.roundMs);
    history.record("", "partition over");
    net.heal();
  }

  /** Swizzle: several links are clogged one after the other, and opened in another order. */
  async clog(random: SeededRandom): Promise<void> {
    const { net, nodes, history } = this.#world;
    const links = Array.from({ length: random.between(1, 2 * nodes.length) }, () => {
      const [from, to] = random.shuffle(nodes);
      return { from: from?.name ?? "", to: to?.name ?? "" };
    });
    for (const { from, to } of links) {
      history.record(from, "clog", { to });
      net.clog(from, to);
      await this.#sleep(random.between(0, 2 * secondMs));
    }
    await this.#sleep(random.between(1, 20) * secondMs);
    for (const { from, to } of random.shuffle(links)) {
      net.unclog(from, to);
      await this.#sleep(random.between(0, 2 * secondMs));
    }
    history.record("", "unclogged");
  }

  async crash(random: SeededRandom): Promise<void> {
    const node = random.pick(this.#world.nodes);
    const isBetween = random.chance(0.3);
    const effects = random.between(1, 60);
    if (isBetween) node.crash();
    else node.crashAfter(effects / 2);
  }

  async pause(random: SeededRandom): Promise<void> {
    const { net, nodes } = this.#world;
    const node = random.pick(nodes);
    const links = nodes.filter((other) => other !== node).map(({ name }) => name);
    node.pause();
    for (const other of links) {
      net.clog(other, node.name);
      net.clog(node.name, other);
    }
    await this.#sleep(random.between(1, 120) * secondMs);
    for (const other of links) {
      net.unclog(other, node.name);
      net.unclog(node.name, other);
    }
    node.resume();
  }

  async skew(random: SeededRandom): Promise<void> {
    const node = random.pick(this.#world.nodes);
    const most = random.pick([500, 5_000, 60_000]);
    node.troubles.skewMs = random.between(0, 2 * most) - most;
    this.#world.history.record(node.name, "skew", { skewMs: node.troubles.skewMs });
    await this.#sleep(random.between(10, 180) * secondMs);
    node.troubles.skewMs = 0;
    this.#world.history.record(node.name, "skew over");
  }

  async disk(random: SeededRandom): Promise<void> {
    const node = random.pick(this.#world.nodes);
    const isFull = random.chance(0.5);
    node.troubles.diskFull = isFull;
    node.troubles.diskErrorRatio = isFull ? 0 : random.below(101) / 1_000;
    this.#world.history.record(node.name, "disk trouble", { ...node.troubles });
    await this.#sleep(random.between(1, 120) * secondMs);
    Object.assign(node.troubles, { diskFull: false, diskErrorRatio: 0 });
    this.#world.history.record(node.name, "disk well");
  }

  /** One that stands still for longer than its lease is a zombie when it goes on. */
  async worker(random: SeededRandom): Promise<void> {
    const { nodes, history } = this.#world;
    const { name, life } = random.pick(nodes.flatMap(({ engine }) => engine?.workers ?? []));
    const dice = random.below(100);
    const effects = random.between(1, 50);
    const ms = random.between(1, 75) * secondMs;
    if (life === undefined) return;
    if (dice < 20) return life.kill("the nemesis");
    if (dice < 50) return life.killAfter(effects / 2);
    history.record(name, "pause");
    life.pause();
    await this.#sleep(ms);
    life.resume();
    history.record(name, "resume");
  }

  async volume(random: SeededRandom): Promise<void> {
    const { nodes, history } = this.#world;
    const { name, engine } = random.pick(nodes.filter((node) => node.engine !== undefined));
    if (engine === undefined) return;
    history.record(name, "drive away");
    engine.drive.isAway = true;
    await this.#sleep(random.between(1, 90) * secondMs);
    await engine.bringDriveBack();
    history.record(name, "drive back");
  }

  #sleep(ms: number): Promise<void> {
    return this.#world.clock.sleep(ms, this.#signal);
  }
}
