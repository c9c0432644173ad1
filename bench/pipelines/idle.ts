/**
 * Sets of idle files, from the identity to the roots, by one worker and by two. Compatibility profile: one set, whose
 * tables one thread makes and whose columns all do. Hardened profile: two sets, each one chain; one worker makes both
 * at once, of two workers each makes one.
 */
import { seedAddress } from "@holdfast/base";
import { cessSetSteps, type IdleProfile, idleProfiles, runSteps } from "@holdfast/proofs";
import { cessRootBlocks, crewCessBlocks, crewIdleSets, discardedIdleSets } from "@holdfast/proofs/kernels";
import type { Pipeline } from "../pipeline.ts";

const MiB = 2 ** 20;
const minerId = new Uint8Array(32).fill(5);
/** Files of a set of the compatibility profile that stay, and those between: all are made. */
const [layers, clusters] = [4, 4];
const cessLabelBytes = 64;

const workersText = (workers: number): string => (workers === 1 ? "one worker" : "two workers");

const cessSets = (workers: 1 | 2): Pipeline => ({
  name: `idle set of cess, ${workersText(workers)}`,
  of: "bytes",
  sizes: [64 * MiB, 128 * MiB, 256 * MiB, 512 * MiB],
  slowUpTo: workers === 1 ? 64 * MiB : 0,
  workers,
  prepare: async (bytes, { crew }) => {
    const nodes = bytes / (layers * clusters * cessLabelBytes);
    const set = { minerId, shape: { layers, nodes, degree: 16 }, startCluster: 1, clusters };
    const start = crewCessBlocks(crew, cessRootBlocks, null);
    return () => runSteps(cessSetSteps(set, { write: () => undefined }, { start }));
  },
});

const identityOf = (set: number) => ({
  networkId: new Uint8Array(32).fill(1),
  miner: seedAddress(1, "idle"),
  nonce: new Uint8Array(32).fill(2),
  set,
});

const hardenedSets = (workers: 1 | 2): Pipeline => ({
  name: `two idle sets of the hardened profile, ${workersText(workers)}`,
  of: "bytes",
  sizes: [4 * MiB, 8 * MiB, 16 * MiB, 32 * MiB],
  slowUpTo: 0,
  workers,
  prepare: async (bytes, { crew }) => {
    const row = idleProfiles.get("idle-1MiB") as IdleProfile;
    const files = bytes / (2 * 2 * MiB);
    const profile = { ...row, files, keptLayers: 2 };
    const atOnce = workers === 1 ? 2 : 1;
    const input = { profile, identities: [identityOf(0), identityOf(1)], atOnce, place: null } as const;
    return () => runSteps(crewIdleSets(crew, discardedIdleSets, input));
  },
});

export const idlePipelines: readonly Pipeline[] = [
  cessSets(1),
  cessSets(2),
  hardenedSets(1),
  hardenedSets(2),
];
