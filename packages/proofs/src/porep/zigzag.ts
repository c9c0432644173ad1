/** The hardened ZigZag as a kind of proof of replication: the default. */
import { graphOf, type ZigzagGraph } from "../graph/index.ts";
import { pollSeal } from "./challenges.ts";
import { type Porep, porepKind } from "./kind.ts";
import { proveZigzagSteps } from "./prove.ts";
import { extractSteps, sealZigzagSteps } from "./replicate.ts";
import { auxLength } from "./sealed.ts";
import { verifySeal } from "./verify.ts";

export const zigzag: Porep<ZigzagGraph> = porepKind({
  kind: "zigzag",
  setup: (profile, networkId) => graphOf(networkId, profile),
  auxLength,
  sealSteps: sealZigzagSteps,
  extractSteps,
  poll: pollSeal,
  proveSteps: proveZigzagSteps,
  verify: verifySeal,
});
