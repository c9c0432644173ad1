/**
 * A failed simulation as a file: all that is needed to see it again, and what to expect of it. It holds for the very
 * sources that wrote it; under others the same seed has another history, and the replay says so by the digest.
 */
import { z } from "zod";
import { profiles, type SimOptions, services } from "./plan.ts";
import type { SimReport } from "./simulation.ts";

const reproSchema = z.object({
  version: z.literal(1),
  options: z.object({
    seed: z.number().int().nonnegative(),
    nodes: z.number().int().optional(),
    hours: z.number().optional(),
    profile: z.enum(profiles).optional(),
    proofs: z.enum(["simulated", "real"]).optional(),
    services: z.array(z.enum(services)).optional(),
  }),
  step: z.number().int(),
  atMs: z.number(),
  digest: z.string(),
  invariant: z.string(),
  node: z.string(),
  detail: z.string(),
});

export interface Repro extends Omit<z.output<typeof reproSchema>, "options"> {
  readonly options: SimOptions;
}

export function isRepro(value: unknown): value is Repro {
  return reproSchema.safeParse(value).success;
}

/** Undefined for a simulation in which nothing broke. */
export function reproOf({ options, violation, digest }: SimReport): Repro | undefined {
  if (violation === undefined) return undefined;
  const { step, atMs, invariant, node, detail } = violation;
  return { version: 1, options, step, atMs, digest, invariant, node, detail };
}
