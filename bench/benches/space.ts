/**
 * Hardened idle space end to end: two sets at once on one thread, the proofs of a kept layer and of a file; and what
 * an attacker gains who keeps less (`bench/attacks`), for the same graph at a smaller size.
 */
import { seedAddress } from "@holdfast/base";
import { installNativeKernels } from "@holdfast/node";
import {
  generateIdleSets,
  type IdleCommitStatement,
  type IdleLayerRoots,
  type IdleProfile,
  type IdleSetIdentity,
  idleFileBytes,
  idleLayerBytes,
  idleProfiles,
  idleSetBytes,
  proveIdleCommit,
  proveIdleSpace,
  runSteps,
  verifyIdleCommit,
  verifyIdleSpace,
} from "@holdfast/proofs";
import { costOf, stackOf } from "../attacks/stack.ts";
import { keptLabels, keptShares, strategies } from "../attacks/strategies.ts";
import type { Bench, Figure } from "../figure.ts";

const gibibyte = 2 ** 30;
const deadline = 0.75;

const identityOf = (set: number): IdleSetIdentity => ({
  networkId: new Uint8Array(32).fill(1),
  miner: seedAddress(1, "idle"),
  nonce: new Uint8Array(32).fill(2),
  set,
});

/** All that a first kept layer leaves behind. */
export class Made {
  readonly layers: Uint8Array[] = [];
  readonly aux: Uint8Array[] = [];
  roots: IdleLayerRoots | undefined;

  layer(keptLayer: number, _layer: number, labels: Uint8Array): void {
    if (keptLayer === 0) this.layers.push(labels.slice());
  }
  file(_file: number, _labels: Uint8Array, aux: Uint8Array): void {
    this.aux.push(aux.slice());
  }
  keptLayer(keptLayer: number, roots: IdleLayerRoots): void {
    if (keptLayer === 0) this.roots = roots;
  }
}

const discard = { file: () => undefined, keptLayer: () => undefined };

function timed<T>(work: () => T): { readonly result: T; readonly ms: number; readonly cpuS: number } {
  const [before, startedMs] = [process.cpuUsage(), performance.now()];
  const result = work();
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(before);
  return { result, ms, cpuS: (user + system) / 1e6 };
}

function making(profile: IdleProfile, quick: boolean): readonly Figure[] {
  const row = quick ? { ...profile, keptLayers: 1 } : profile;
  const works = [0, 1].map((set) => ({ identity: identityOf(set), sink: discard }));
  const [one, two] = works as [(typeof works)[0], (typeof works)[0]];
  const single = timed(() => runSteps(generateIdleSets(row, [one])));
  const double = timed(() => runSteps(generateIdleSets(row, [one, two])));
  const perGibibyte = (cpuS: number, sets: number): number => (cpuS * gibibyte) / (sets * idleSetBytes(row));
  const figure = (name: string, { ms, cpuS }: typeof single, sets: number): Figure => ({
    name: `1 GiB of ${profile.id}, ${name}`,
    value: perGibibyte(cpuS, sets),
    byClock: perGibibyte(ms / 1000, sets),
    unit: "s",
    note: "one thread, trees and columns in it, disk not",
  });
  return [figure("one set", single, 1), figure("two sets at once", double, 2)];
}

function proving(profile: IdleProfile): readonly Figure[] {
  const identity = identityOf(0);
  const made = new Made();
  runSteps(generateIdleSets({ ...profile, keptLayers: 1 }, [{ identity, sink: made }]));
  const { roots } = made;
  if (roots === undefined) return [];
  const seed = new Uint8Array(32).fill(7);
  const statement: IdleCommitStatement = { profile, identity, keptLayer: 0, roots, seed };
  const labels = (layer: number, low: number, count: number): Uint8Array =>
    (made.layers[layer - 1] ?? seed).subarray(32 * low, 32 * (low + count));
  const source = { labels, aux: (file: number) => made.aux[file] ?? seed };
  const proof = timed(() => runSteps(proveIdleCommit(statement, source)));
  const check = timed(() => verifyIdleCommit(statement, proof.result));
  const audit = { profile, identity, file: 0, root: roots.fileRoots[0] ?? seed, seed };
  const files = {
    aux: source.aux(0),
    labels: (low: number, count: number) => labels(profile.layers, low, count),
  };
  const answer = timed(() => proveIdleSpace(audit, files));
  const checked = timed(() => verifyIdleSpace(audit, answer.result));
  if (!check.result || !checked.result) return [];
  const megabytes = `${idleLayerBytes(profile) / 2 ** 20} MiB`;
  return [
    { name: `proof of a kept layer of ${megabytes}, made`, value: proof.ms, unit: "ms" },
    { name: `proof of a kept layer of ${megabytes}, verified`, value: check.ms, unit: "ms" },
    { name: `proof of a kept layer of ${megabytes}, size`, value: proof.result.length / 1e3, unit: "KB" },
    {
      name: `audit of a file of ${idleFileBytes(profile) / 2 ** 20} MiB, answered`,
      value: answer.ms,
      unit: "ms",
    },
    { name: "the answer verified", value: checked.ms, unit: "ms" },
    { name: "size of the answer", value: answer.result.length / 1e3, unit: "KB" },
  ];
}

function attacking(quick: boolean): readonly Figure[] {
  const stack = stackOf({ nodes: 2 ** (quick ? 10 : 13), layers: 12, keptLayers: 4, passes: 4 });
  return keptShares.map((share) => {
    const budget = Math.floor(share * keptLabels(stack));
    const costs = strategies.map(({ name, keep }) => ({ name, ...costOf(stack, keep(stack, budget), 2) }));
    const best = costs.reduce((a, b) =>
      (a.answered.get(deadline) ?? 0) >= (b.answered.get(deadline) ?? 0) ? a : b,
    );
    const least = Math.min(...costs.filter(({ missing }) => missing > 0).map(({ time }) => time.least));
    return {
      name: `challenges answered in ${100 * deadline} % of a kept layer's time with ${100 * share} % kept`,
      value: 100 * (best.answered.get(deadline) ?? 0),
      unit: "%",
      note: `best of ${strategies.length} ways: ${best.name}; a missing label took ${least.toFixed(2)} or more`,
    };
  });
}

export const spaceBench: Bench = {
  name: "space",
  about: "hardened idle space: making it, proving it, and attacks on it",
  async run({ quick, say }) {
    await installNativeKernels();
    const profile = idleProfiles.get("idle-1MiB");
    if (profile === undefined) return [];
    say("making sets");
    const made = making(profile, quick);
    say("proving");
    const proven = proving(profile);
    say("attacking");
    return [...made, ...proven, ...attacking(quick)];
  },
};
