/**
 * Twenty pinning nodes with liars, free riders, colluders and partitions (pin-network.ts): the honest are paid to the
 * attoFIL, who claims what it has not is caught, and as often as can be computed beforehand.
 */
import { SeededRandom } from "@holdfast/base/testing";
import { assignedPins, sampleSeed, vmExitCodes as x } from "@holdfast/consensus";
import { installSignatureKernel, plainSignatures, rememberingSignatures } from "@holdfast/proofs/attestation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlockMap } from "./pin-dag.ts";
import { below, type Content, leafBytes, type Member, PinNetwork, type Role } from "./pin-network.ts";
import { PinWorld, stake, TestNode } from "./pin-world.ts";
import { account, hash32, testNetworkId } from "./world.ts";

let restore = (): void => undefined;
beforeAll(() => {
  restore = installSignatureKernel(rememberingSignatures(plainSignatures));
});
afterAll(() => restore());

const times = (count: number, role: Role): Role[] => Array<Role>(count).fill(role);
const plan: readonly Role[] = [
  ...times(11, "honest"),
  ...times(3, "forgetful"),
  ...times(2, "liar"),
  ...times(2, "colluder"),
  ...times(2, "free-rider"),
];
const price = 2n ** 30n; // an attoFIL for each byte and slot
const slots = 12;
const files = 4;

interface Run {
  readonly network: PinNetwork;
  readonly world: PinWorld;
  readonly orders: readonly { readonly number: number; readonly content: Content }[];
  readonly firstSlot: number;
}

/** Ten slots in which orders count: members 0 and 1 are cut off in two of them, all in one, all honest ones in one. */
function run(seed: string): Run {
  // A slot has room for everybody's message, each in a block of its own.
  const lasting = { pinEvidenceEpochs: 5_000, ticketLookbackEpochs: 60 };
  const world = new PinWorld({ params: { pinSamples: 6, pinSlotEpochs: 40, ...lasting } });
  const contents = Array.from({ length: files }, (_, index) =>
    world.content.file(`file ${index}`, 27, leafBytes),
  );
  const firstSlot = world.slot + 1;
  const network = new PinNetwork(
    world,
    plan,
    {
      ...{ reportsChecked: 3, samplesChecked: 3 },
      isAway(slot, place) {
        const turn = slot - firstSlot;
        if (turn === 8) return true;
        if (turn === 10) return plan[place] === "honest";
        return place < 2 && (turn === 4 || turn === 5);
      },
    },
    seed,
  );
  network.lose(0.3);
  const orders = contents.map((content) => {
    const number = world.order(content.root, content.bytes, { wanted: 10, price, slots }).returns;
    if (number === undefined) throw new RangeError("no order");
    return { number, content };
  });
  world.nextSlot();
  for (let turn = 0; turn < slots; turn++) network.slot();
  return { network, world, orders, firstSlot };
}

/** What the ledger says that a member must have earned with an order that it confirmed in its first report. */
function owed({ counted }: Member, { bytes }: Content, endSlot: number): bigint {
  const [first = 0, ...others] = [...counted.keys()].sort((a, b) => a - b);
  const sum = others
    .filter((slot) => slot > first && slot < endSlot)
    .reduce((all, slot) => all + (counted.get(slot) ?? 0), 0);
  return (BigInt(bytes) * BigInt(sum)) / 1_000_000n;
}

describe("twenty pinning nodes", () => {
  let done: Run;
  beforeAll(() => {
    done = run("twenty");
  });
  const of = (...wanted: readonly Role[]): Member[] =>
    done.network.members.filter(({ role }) => wanted.includes(role));

  it("are paid exactly what their answers were worth, and the buyer gets back the rest", () => {
    const { world, orders } = done;
    const before = orders.map(
      ({ number }) => world.ask(world.builtins.pins, "pins.getPin", { pin: number }).returns,
    );
    while (world.slot < (before[0]?.endSlot ?? 0)) world.nextSlot();
    world.settle(...orders.map(({ number }) => number));
    for (const member of done.network.members) {
      const held = orders.filter((_, index) =>
        before[index]?.replicas.some(({ node }) => node === member.node.number),
      );
      const endSlot = before[0]?.endSlot ?? 0;
      const due = held.reduce((sum, { content }) => sum + owed(member, content, endSlot), 0n);
      const expected = member.caughtIn === undefined ? due : 0n;
      expect([member.role, member.node.number, member.node.state.earned]).toEqual([
        ...[member.role, member.node.number, expected],
      ]);
    }
    const earned = of("honest").reduce((sum, { node }) => sum + node.state.earned, 0n);
    expect(earned).toBeGreaterThan(100_000n);
    world.money();
  });

  it("lose no stake for being cut off, and nothing at all when the whole chain stood still", () => {
    const { firstSlot } = done;
    for (const { node, caughtIn } of of("honest", "forgetful", "free-rider")) {
      expect([caughtIn, node.state.status, node.state.stake]).toEqual([undefined, "active", stake]);
    }
    const [cut, , steady] = of("honest");
    // Away in turns 4 and 5: the next two count nothing. In turn 8 nobody was there: turn 9 counts for all.
    expect([6, 7, 9].map((turn) => (cut?.counted.get(firstSlot + turn) ?? 0) > 0)).toEqual([
      false,
      false,
      true,
    ]);
    expect([6, 7, 9].map((turn) => (steady?.counted.get(firstSlot + turn) ?? 0) > 0)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("that claim blocks which they have lost are caught, lose their stake, and are paid nothing", () => {
    const cheats = of("liar", "colluder");
    expect(cheats.filter(({ caughtIn }) => caughtIn !== undefined).length).toBeGreaterThanOrEqual(3);
    for (const { node, lies, caughtIn } of cheats) {
      if (lies < 6) continue;
      expect([caughtIn === undefined, node.state.status, node.state.stake]).toEqual([false, "expelled", 0n]);
    }
    expect(done.network.disputes).toBe(
      done.network.members.filter(({ caughtIn }) => caughtIn !== undefined).length,
    );
  });

  it("that say which blocks they have lost keep their place and earn by their share", () => {
    for (const { counted, node } of of("forgetful")) {
      const shares = [...counted.values()].filter((share) => share > 0);
      expect(node.state.status).toBe("active");
      if (shares.length > 0) expect(shares.some((share) => share < 1_000_000)).toBe(true);
    }
  });

  it("that hold nothing earn only while others whom they reach hold it for them", () => {
    const { firstSlot } = done;
    for (const { counted } of of("free-rider")) {
      if ([...counted.values()].every((share) => share === 0)) continue; // it was drawn for nothing
      expect(counted.get(firstSlot + 10)).toBe(0);
      expect(counted.get(firstSlot + 3)).toBe(1_000_000);
    }
  });

  it("that are honest cannot be slandered", () => {
    const { slanders } = done.network;
    expect(slanders.length).toBeGreaterThan(0);
    expect(slanders.every((code) => code === x.pinReportTrue || code === x.pinNodeInactive)).toBe(true);
  });
});

describe("the rate at which a liar is caught", () => {
  const samples = 20;
  const content = new BlockMap();
  const file = content.file("a large file", 81, leafBytes);
  const key = account("liar").address;
  const network = new PinWorld();
  const node = new TestNode(network, 0, account("liar"), content);

  /** 1 less the mean of (1 - f/n)^m, where f of n samples are lies, each with chance p, and m of them are looked at. */
  function computed(p: number, looks: number): number {
    let unseen = 0;
    let chance = (1 - p) ** samples;
    for (let lies = 0; lies <= samples; lies++) {
      unseen += chance * (1 - lies / samples) ** looks;
      chance *= ((samples - lies) / (lies + 1)) * (p / (1 - p));
    }
    return 1 - unseen;
  }

  /** In how many of so many slots one of `looks` looks finds a lie, of a node that has lost `lost` of the leaves. */
  function observed(lost: number, looks: number, slots: number, seed: string) {
    const random = new SeededRandom(seed);
    const disk = content.copy();
    const leaves = [...disk.blocks].filter(([, block]) => block.length === leafBytes).map(([cid]) => cid);
    for (const cid of leaves.slice(0, Math.round(lost * leaves.length))) disk.blocks.delete(cid);
    let [caught, lies] = [0, 0];
    for (let slot = 0; slot < slots; slot++) {
      const draw = { networkId: testNetworkId, slot, slotHash: hash32(`${seed} ${slot}`), key };
      const isLie = Array.from({ length: samples }, (_, index) => {
        return node.walk(sampleSeed(draw, index), file.root, disk) === undefined;
      });
      lies += isLie.filter(Boolean).length;
      if (Array.from({ length: looks }, () => isLie[below(random, samples)]).some(Boolean)) caught += 1;
    }
    return { rate: caught / slots, lieRate: lies / slots / samples };
  }

  it.each([
    [0.02, 3],
    [0.1, 6],
    [0.5, 2],
  ])("with %d of the leaves lost and %d looks at its report is the computed one", (lost, looks) => {
    const slots = 60;
    const { rate, lieRate } = observed(lost, looks, slots, `liar ${lost} ${looks}`);
    const share = Math.round(lost * 81) / 81;
    const deviation = (chance: number, draws: number): number =>
      4 * Math.sqrt((chance * (1 - chance)) / draws);
    // Samples are drawn by weight: each byte of content is as likely as any other.
    expect(Math.abs(lieRate - share)).toBeLessThan(deviation(share, slots * samples));
    const expected = computed(share, looks);
    expect(Math.abs(rate - expected)).toBeLessThan(deviation(expected, slots) + 0.01);
  });

  it("grows with the looks and with what was lost, so that peers who look away only delay it", () => {
    expect(computed(0.1, 6)).toBeGreaterThan(computed(0.1, 3));
    expect(computed(0.2, 3)).toBeGreaterThan(computed(0.1, 3));
    // With a tenth lost and three looks in a slot all but three of a thousand are caught within 20 slots.
    expect((1 - computed(0.1, 3)) ** 20).toBeLessThan(0.003);
  });
});

/**
 * Nobody is expelled, so that everybody is looked at in every slot: each slot of each cheat is one trial, whose chance
 * follows from what it has lost, how many look, and at how much.
 */
describe("twenty pinning nodes over many slots", () => {
  const samples = 6;
  const looks = { reportsChecked: 2, samplesChecked: 2 };
  const manySlots = 36;
  const crowd: readonly Role[] = [
    ...times(9, "honest"),
    ...times(4, "forgetful"),
    ...times(4, "liar"),
    ...times(3, "colluder"),
  ];
  const leaves = 27;
  const contents: Content[] = [];
  let network: PinNetwork;
  let firstSlot = 0;
  /** Partitions: in every fifth slot a quarter of all is cut off, others each time. */
  const isAway = (slot: number, place: number): boolean =>
    (slot - firstSlot) % 5 === 4 && (place + slot) % 4 === 0;

  beforeAll(() => {
    const lasting = { pinEvidenceEpochs: 9_000, ticketLookbackEpochs: 60 };
    const world = new PinWorld({ params: { pinSamples: samples, pinSlotEpochs: 40, ...lasting } });
    for (let index = 0; index < files; index++)
      contents.push(world.content.file(`file ${index}`, leaves, leafBytes));
    firstSlot = world.slot + 1;
    network = new PinNetwork(world, crowd, { ...looks, isAway, isOnlyNoted: true }, "many slots");
    network.lose(0.12);
    for (const { root, bytes } of contents) {
      const { exitCode } = world.order(root, bytes, { wanted: 16, price, slots: manySlots + 2 });
      if (exitCode !== 0) throw new RangeError("no order");
    }
    world.nextSlot();
    for (let turn = 0; turn < manySlots; turn++) network.slot();
  }, 120_000);

  /** The share of what a member holds that it has lost: each leaf is as likely as any other, and so is each order. */
  function lostShare({ node }: Member): number {
    const held = [...assignedPins(node.world.store, node.world.state, node.number)];
    const lost = held.map(({ pin }) => {
      const prefix = contents.findIndex(({ root }) => root.equals(pin.cid));
      const all = [...node.world.content.blocks].filter(
        ([, block]) =>
          block.length === leafBytes && new TextDecoder().decode(block).startsWith(`file ${prefix}`),
      );
      return all.filter(([cid]) => !node.disk.blocks.has(cid)).length / all.length;
    });
    return lost.reduce((sum, share) => sum + share, 0) / Math.max(1, lost.length);
  }

  /** That one of those who are there looks at a lie: over how many of the samples are lies. */
  function seenChance(lost: number, slot: number): number {
    const present = crowd.filter((_, place) => !isAway(slot, place));
    const lookers = present.filter((role) => role === "honest").length;
    const chosen = looks.reportsChecked / (present.length - 1);
    let unseen = 0;
    let chance = (1 - lost) ** samples;
    for (let lies = 0; lies <= samples; lies++) {
      const finds = 1 - (1 - lies / samples) ** looks.samplesChecked;
      unseen += chance * (1 - chosen * finds) ** lookers;
      chance *= ((samples - lies) / (lies + 1)) * (lost / (1 - lost));
    }
    return 1 - unseen;
  }

  /** Of all trials, how many came true and how many were to be expected; stated as deviations of their sum. */
  function tally(
    wanted: readonly Role[],
    of: (member: Member) => ReadonlySet<number>,
    chance: typeof seenChance,
  ) {
    let [expected, variance, found, trials] = [0, 0, 0, 0];
    for (const [place, member] of network.members.entries()) {
      if (!wanted.includes(member.role)) continue;
      const lost = lostShare(member);
      // In its first report a member confirms what it holds, and answers for nothing.
      for (let slot = firstSlot + 1; slot < firstSlot + manySlots; slot++) {
        if (isAway(slot, place) || lost === 0) continue;
        const p = chance(lost, slot);
        trials += 1;
        expected += p;
        variance += p * (1 - p);
        if (of(member).has(slot)) found += 1;
      }
    }
    return { expected, found, trials, deviations: Math.abs(found - expected) / Math.sqrt(variance) };
  }

  it("are seen to lie as often as can be computed, within three deviations over some hundred slots", () => {
    const { expected, found, trials, deviations } = tally(
      ["liar", "colluder"],
      (one) => one.seenIn,
      seenChance,
    );
    expect(trials).toBeGreaterThan(150);
    expect(found).toBeGreaterThan(30);
    expect([deviations < 3, found, Math.round(expected)]).toEqual([true, found, Math.round(expected)]);
  });

  it("say themselves that something is missing as often as k samples meet what is lost", () => {
    const chance = (lost: number): number => 1 - (1 - lost) ** samples;
    const { found, trials, deviations } = tally(["forgetful"], (one) => one.missedIn, chance);
    expect(trials).toBeGreaterThan(80);
    expect(found).toBeGreaterThan(30);
    expect(deviations).toBeLessThan(3);
  });

  it("are never found to lie if they do not", () => {
    const others = network.members.filter(({ role }) => role === "honest" || role === "forgetful");
    expect(others.every(({ seenIn }) => seenIn.size === 0)).toBe(true);
    expect(network.slanders.every((code) => code === x.pinReportTrue)).toBe(true);
  });
});
