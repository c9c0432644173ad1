/**
 * SDR as a kind of our networks: the seven algorithms. Labels are chained through layers of a depth-robust
 * graph and do not depend on the data, so the replica is the data plus the last layer's labels.
 * Invariant: `replicaTree` has the layout of every kind, so proofs of spacetime do not know which kind sealed.
 */
import { type Porep, runSteps, zigzag } from "../porep/index.ts";
import { pollSdr } from "./challenges.ts";
import type { SdrGraph } from "./graph.ts";
import { sdrGraphOf } from "./identity.ts";
import { proveSdr } from "./prove.ts";
import { extractSdr, replicateSdr } from "./replicate.ts";
import { verifySdr } from "./verify.ts";

/** Stacked depth-robust graphs, the PoRep of today's Filecoin. */
export const sdr: Porep<SdrGraph> = {
  kind: "sdr",
  setup: (profile, networkId) => sdrGraphOf(networkId, profile),
  preproc: zigzag.preproc,
  replicate: (profile, identity, data, hooks) => runSteps(replicateSdr(profile, identity, data), hooks),
  replicateSteps: replicateSdr,
  extract: (profile, identity, replica, hooks) => runSteps(extractSdr(profile, identity, replica), hooks),
  extractSteps: extractSdr,
  poll: pollSdr,
  prove: proveSdr,
  verify: verifySdr,
};
