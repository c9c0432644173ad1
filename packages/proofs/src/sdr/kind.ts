/**
 * SDR as a kind of our networks: the seven algorithms. Labels are chained through layers of a depth-robust
 * graph and do not depend on the data, so the replica is the data plus the last layer's labels.
 * Invariant: the replica's tree has the layout of every kind, so proofs of spacetime do not know which kind sealed.
 */
import { type Porep, porepKind } from "../porep/index.ts";
import { pollSdr } from "./challenges.ts";
import type { SdrGraph } from "./graph.ts";
import { sdrGraphOf } from "./identity.ts";
import { proveSdrSteps } from "./prove.ts";
import { extractSdr, sealSdrSector } from "./replicate.ts";
import { sdrAuxLength } from "./sealed.ts";
import { verifySdr } from "./verify.ts";

/** Stacked depth-robust graphs, the PoRep of today's Filecoin. */
export const sdr: Porep<SdrGraph> = porepKind({
  kind: "sdr",
  setup: (profile, networkId) => sdrGraphOf(networkId, profile),
  auxLength: sdrAuxLength,
  sealSteps: sealSdrSector,
  extractSteps: extractSdr,
  poll: pollSdr,
  proveSteps: proveSdrSteps,
  verify: verifySdr,
});
