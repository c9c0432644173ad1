/**
 * Whether gas is worth its name: the processor time that every price pays for, in nanoseconds for a unit, beside
 * the unit that the schedule is made for; and the dearest blocks that fit into a block's limits, beside the length of
 * a round. docs/GAS.md says how to read it and how to set prices by it.
 */
import { devnetParams, nsPerGas } from "@holdfast/consensus";
import { installNativeKernels } from "@holdfast/node";
import type { Bench, BenchOptions, Figure } from "../figure.ts";
import { isChosen } from "../figure.ts";
import { type BlockCost, worstBlocks } from "../gas/blocks.ts";
import { type Cost, costOf, nsPerGasOf, probes } from "../gas/probes.ts";
import { type ProofCost, proofCosts } from "../gas/proofs.ts";
import { createGasWorld } from "../gas/world.ts";

/** By so much a price may be too low on the reference machine. */
const mostTooLow = 1.5;
const roundMs = 1_000;

const timeText = (ns: number): string =>
  ns >= 1e6
    ? `${(ns / 1e6).toPrecision(3)} ms`
    : ns >= 1e3
      ? `${(ns / 1e3).toPrecision(3)} µs`
      : `${ns.toPrecision(3)} ns`;

const gasText = (gas: number): string => (gas >= 100 ? Math.round(gas).toString() : gas.toPrecision(3));

function priced(cost: Cost | ProofCost): Figure {
  const { name, price, ns, gas, spread } = cost;
  if (price === null) return { name, value: ns / 1e6, unit: "ms", spread, note: "not paid for by gas" };
  const value = nsPerGasOf(cost);
  return {
    name,
    value,
    unit: "ns",
    spread,
    target: nsPerGas * mostTooLow,
    note: `${timeText(ns)}, ${gasText(gas)} gas (${price}); ${(value / nsPerGas).toPrecision(2)} of the unit`,
  };
}

const shareText = (ms: number): string =>
  `${((100 * ms) / roundMs).toPrecision(2)} % of a round of ${roundMs} ms`;

function blockFigure({ name, messages, bytes, gas, ms }: BlockCost): Figure {
  return {
    name: `block of ${name}`,
    value: ms,
    unit: "ms",
    target: roundMs / 2,
    note: `${messages} messages, ${bytes} bytes, ${gas} gas; ${shareText(ms)}`,
  };
}

/** As if a block were full of the proof, or of whatever pays least for its time. */
function fullOf(costs: readonly (Cost | ProofCost)[]): Figure[] {
  const { blockGasLimit } = devnetParams({ name: "gas bench", roundMs });
  const paid = costs.filter(({ price }) => price !== null).sort((a, b) => nsPerGasOf(b) - nsPerGasOf(a));
  const [worst] = paid;
  if (worst === undefined) return [];
  const ms = (nsPerGasOf(worst) * blockGasLimit) / 1e6;
  const note = `${blockGasLimit} gas of “${worst.name}”; ${shareText(ms)}`;
  return [{ name: "the worst block", value: ms, unit: "ms", target: roundMs / 2, note }];
}

async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const { say, quick, only } = options;
  const backends = await installNativeKernels();
  say(JSON.stringify(backends));
  const costs: (Cost | ProofCost)[] = [];
  {
    say("a state of fifty thousand actors");
    await using world = await createGasWorld({ blockGasLimit: 2 ** 40 });
    for (const probe of probes) {
      if (isChosen(probe.name, options)) costs.push(await costOf(world, probe, quick));
    }
  }
  if (only.length === 0 || isChosen("proofs", options)) {
    costs.push(...(await proofCosts(devnetParams({ name: "gas bench", roundMs }), { isQuick: quick, say })));
  }
  const blocks: BlockCost[] = [];
  if (only.length === 0 || isChosen("blocks", options)) {
    say("blocks");
    await using world = await createGasWorld();
    blocks.push(...(await worstBlocks(world, quick)));
  }
  return [...costs.map(priced), ...blocks.map(blockFigure), ...fullOf(costs)];
}

export const gasBench: Bench = {
  name: "gas",
  about:
    "What a unit of gas pays for, in nanoseconds of one core, and the dearest blocks that fit. One thread, state in LevelDB.",
  run,
};
