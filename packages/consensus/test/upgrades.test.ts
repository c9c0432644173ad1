/**
 * Upgrades by height on the law alone: who may schedule them, when they take effect, what a program does that does not
 * know a version, and what a migration can and cannot do. Money is added up after every block.
 */
import type { AttoFil, CID } from "@holdfast/base";
import {
  attoFil,
  c,
  encode,
  epoch,
  filToAtto,
  HoldfastError,
  MemoryBlockstore,
  putObject,
  seedAddress,
  zeroAtto,
} from "@holdfast/base";
import {
  builtinActors,
  builtinAddresses,
  CodeTable,
  callReadOnly,
  createGenesis,
  decodeReturns,
  defineActor,
  defineMethod,
  devnetParams,
  type Env,
  methods,
  moneyInvariant,
  noChanges,
  none,
  type Protocols,
  readActor,
  readProtocol,
  type Upgrade,
  unknownUpgrade,
  vmExitCodes,
} from "@holdfast/consensus";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { alice, bob, World } from "./actors/world.ts";

const { init } = builtinAddresses(1);
const notice = 30; // finalityEpochs of the actors' tests
const authority = { upgradeAuthority: alice.address };
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "fine";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
};
const reward = (value: bigint, height: number, version = 1): Upgrade => ({
  height: epoch(height),
  version,
  changes: { ...noChanges, blockReward: attoFil(value) },
});

let world: World;
beforeEach(() => {
  world = new World({ params: authority });
});
const schedule = (upgrade: Upgrade, from = alice) => world.send(from, init, "init.scheduleUpgrade", upgrade);
const rewardNow = (): AttoFil => readProtocol(world.store, world.state).params.blockReward;

describe("an upgrade", () => {
  it("is scheduled by the authority, in time, in order, and if it leaves a sound network", () => {
    const { notAuthorized, upgradeInvalid } = vmExitCodes;
    expect(schedule(reward(1n, 100), bob).exitCode).toBe(notAuthorized);
    expect(schedule(reward(1n, world.height + notice)).exitCode).toBe(upgradeInvalid);
    expect(schedule(reward(-1n, 100)).exitCode).toBe(upgradeInvalid);
    expect(schedule({ ...reward(1n, 100), version: 0 }).exitCode).toBe(upgradeInvalid);
    const soundAlone = { ...noChanges, maxSectorLifetimeEpochs: 5 };
    expect(schedule({ ...reward(1n, 100), changes: soundAlone }).exitCode).toBe(upgradeInvalid);
    expect(schedule(reward(1n, world.height + notice + 1)).exitCode).toBe(0);
    expect(schedule(reward(2n, 100)).exitCode).toBe(0);
    expect(schedule(reward(3n, 100)).exitCode).toBe(upgradeInvalid);
    expect(world.send(bob, init, "init.cancelUpgrade", { height: epoch(100) }).exitCode).toBe(notAuthorized);
    expect(world.send(alice, init, "init.cancelUpgrade", { height: epoch(101) }).exitCode).toBe(
      upgradeInvalid,
    );
    expect(world.send(alice, init, "init.cancelUpgrade", { height: epoch(100) }).exitCode).toBe(0);
    expect(readProtocol(world.store, world.state).upgrades).toHaveLength(1);
  });

  it("leaves nothing behind outside of its store: two networks share no object, one decodes it once", () => {
    const other = new World({ params: authority });
    expect(other.state.equals(world.state)).toBe(true);
    const [here, there] = [world, other].map(({ store, state }) => readProtocol(store, state));
    expect(there).toEqual(here);
    expect(there).not.toBe(here);
    expect(readProtocol(world.store, world.state)).toBe(here);
  });

  it("cannot be scheduled where the network has no authority", () => {
    world = new World();
    expect(schedule(reward(1n, 100)).exitCode).toBe(vmExitCodes.notAuthorized);
  });

  it("is in force from the very block of its height, two of them one after the other", () => {
    schedule(reward(5n, 40));
    schedule(reward(7n, 41));
    const before = world.params.blockReward;
    world.mineTo(39);
    expect(rewardNow()).toBe(before);
    const balanceAt = (height: number): AttoFil => {
      world.mineTo(height);
      world.money();
      return readActor(world.store, world.state, builtinAddresses(1).reward)?.balance ?? zeroAtto;
    };
    const [at39, at40, at41, at42] = [39, 40, 41, 42].map(balanceAt) as [AttoFil, AttoFil, AttoFil, AttoFil];
    expect([at39 - at40, at40 - at41, at41 - at42]).toEqual([5n, 7n, 7n]);
    expect(readProtocol(world.store, world.state).applied.map(({ height }) => height)).toEqual([40, 41]);
  });

  it("takes effect in the first block above a gap that covers its height, all that are due at once", () => {
    schedule(reward(5n, 40));
    schedule(reward(7n, 45));
    world.mineTo(38);
    world.skipTo(50);
    expect(rewardNow()).toBe(7n);
    expect(readProtocol(world.store, world.state).upgrades).toEqual([]);
    world.money();
  });

  it("is seen by who asks about the height at which it holds", () => {
    schedule(reward(5n, 40));
    const paramsAt = (height: number) => {
      const { store, state, env } = world;
      const asked = { store, state, env, height: epoch(height), to: init, method: "getNetworkParams" };
      const params = encode(methods.init.getNetworkParams.params, none);
      const { returns } = callReadOnly({ ...asked, params });
      return decodeReturns(methods.init.getNetworkParams.returns, returns).blockReward;
    };
    expect([paramsAt(39), paramsAt(40)]).toEqual([world.params.blockReward, 5n]);
  });

  it("of a genesis is checked with it", () => {
    const make = (upgrades: readonly Upgrade[]) => () =>
      createGenesis(
        {
          params: devnetParams({ name: "u", roundMs: 1_000 }),
          accounts: [],
          miners: [],
          timestampMs: 0,
          upgrades,
        },
        new MemoryBlockstore(),
      );
    expect(codeOf(make([reward(1n, 5), reward(2n, 9, 2)]))).toBe("fine");
    expect(codeOf(make([reward(1n, 5), reward(2n, 5)]))).toBe("genesis/invalid-params");
    expect(codeOf(make([reward(1n, 5, 2), reward(2n, 9, 1)]))).toBe("genesis/invalid-params");
  });
});

/** Where a later version keeps a list, and an actor that only this version has. */
const registry = seedAddress(1, "a registry of version 2");
const registryActor = defineActor({
  name: "registry",
  methods: {
    add: defineMethod({
      params: c.uint(),
      returns: c.uint(),
      run(ctx, by) {
        const sum = ctx.readState(c.uint()) + by * ctx.version;
        ctx.writeState(c.uint(), sum);
        return sum;
      },
    }),
  },
});
const newer: Protocols = [
  { version: 1 },
  {
    version: 2,
    codes: new CodeTable([...builtinActors, registryActor]),
    migrate: ({ store, install }) => install(registry, "registry", putObject(store, c.uint(), 100)),
  },
  {
    version: 3,
    migrate: ({ store, actor, setHead }) => {
      expect(actor(registry)?.head).not.toBeNull();
      setHead(registry, putObject(store, c.uint(), 1_000));
    },
  },
];

describe("a version of the rules", () => {
  const add = (by: number) => world.sendRaw(bob, registry, "add", encode(c.uint(), by));
  const at = (state: CID): bigint => readActor(world.store, state, registry)?.balance ?? 0n;

  it("brings actors and migrates the state, and money that lies there already stays", () => {
    world = new World({ params: authority, protocols: newer });
    schedule({ height: epoch(40), version: 2, changes: noChanges });
    schedule({ height: epoch(50), version: 3, changes: { ...noChanges, blockReward: attoFil(9n) } });
    expect(world.sendRaw(bob, registry, "", new Uint8Array(0), { value: filToAtto(3) }).exitCode).toBe(0);
    expect(add(1).exitCode).toBe(vmExitCodes.noActorCode);
    world.mineTo(40);
    expect([add(1).exitCode, at(world.state)]).toEqual([0, filToAtto(3)]);
    world.mineTo(50);
    expect(add(1).exitCode).toBe(0);
    expect(rewardNow()).toBe(9n);
    expect(readProtocol(world.store, world.state).version).toBe(3);
    world.money();
  });

  it("that the program does not know is not executed, and its height is told before", () => {
    schedule({ height: epoch(40), version: 2, changes: noChanges });
    const held = readProtocol(world.store, world.state);
    expect(unknownUpgrade(held, undefined, 39)).toBeUndefined();
    expect(unknownUpgrade(held, undefined, 40)).toMatchObject({ height: 40, version: 2 });
    expect(unknownUpgrade(held, newer, 10 ** 6)).toBeUndefined();
    world.mineTo(39);
    const { state } = world;
    expect(codeOf(() => world.mineTo(40))).toBe("upgrade/unknown-version");
    expect(codeOf(() => world.skipTo(45))).toBe("upgrade/unknown-version");
    expect(world.state).toBe(state);
  });

  it("stays unknown above its height, for a program that is given such a state", () => {
    world = new World({ params: authority, protocols: newer });
    schedule({ height: epoch(40), version: 2, changes: noChanges });
    world.mineTo(41);
    const { store, state } = world;
    const old: Env = { ...world.env, protocols: undefined };
    const ask = { store, state, env: old, height: epoch(42), to: init, method: "getNetworkName" };
    const params = encode(methods.init.getNetworkName.params, none);
    expect(codeOf(() => callReadOnly({ ...ask, params }))).toBe("upgrade/unknown-version");
  });

  it("with a migration that never ends stops every node alike, and leaves nothing behind", () => {
    const endless: Protocols = [
      { version: 1 },
      {
        version: 2,
        migrate({ store }) {
          for (let n = 0; ; n += 1) putObject(store, c.uint(), n);
        },
      },
    ];
    world = new World({ params: authority, protocols: endless });
    schedule({ height: epoch(40), version: 2, changes: noChanges });
    world.mineTo(39);
    const { state } = world;
    expect(codeOf(() => world.mineTo(40))).toBe("upgrade/migration-too-large");
    expect(world.state).toBe(state);
  });
});

describe("forks over an upgrade", () => {
  it("each follow the schedule that stands in their own state", () => {
    const fork = world.state;
    schedule(reward(5n, 40));
    const upgraded = world.state;
    const rewardAfter = (state: CID): bigint => {
      world.state = state;
      world.skipTo(45);
      world.money();
      const { reward: at } = builtinAddresses(1);
      const balance = (root: CID): bigint => readActor(world.store, root, at)?.balance ?? 0n;
      return balance(state) - balance(world.state);
    };
    expect(rewardAfter(upgraded)).toBe(5n);
    world.height = epoch(1);
    expect(rewardAfter(fork)).toBe(world.params.blockReward);
  });

  it("any program of schedules and blocks keeps money exact and ends with the last due upgrade", () => {
    const plan = fc.uniqueArray(fc.tuple(fc.integer({ min: 32, max: 80 }), fc.nat(50)), {
      selector: ([height]) => height,
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(plan, fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 6 }), (upgrades, steps) => {
        world = new World({ params: authority });
        const base = { version: 1, changes: noChanges };
        const sorted = [...upgrades].sort(([a], [b]) => a - b);
        for (const [height, value] of upgrades) {
          const changes = { ...noChanges, blockReward: attoFil(BigInt(value)) };
          if (height > world.height + notice) schedule({ ...base, height: epoch(height), changes });
        }
        const known = new Set(readProtocol(world.store, world.state).upgrades.map(({ height }) => height));
        for (const step of steps) world.skipTo(world.height + step);
        const due = sorted.filter(([height]) => known.has(epoch(height)) && height <= world.height);
        expect(rewardNow()).toBe(BigInt(due.at(-1)?.[1] ?? world.params.blockReward));
        moneyInvariant(world.store, world.state, world.genesisTotal);
      }),
      { numRuns: 60 },
    );
  });
});
