/**
 * Loops that do nothing but what the hardware can at best, in one thread and through one back end: no memory, no graph,
 * no call around each unit (`src/limits.h`). A benchmark holds the kernels against them.
 */
import type { KernelCalls } from "./machine.ts";

/**
 * Each does `units` of its work, by names such as `sha256_two_streams` (a unit is a block) or `fp_multiply` (a unit is
 * a product), and returns a sum of what it computed. What the processor cannot do is not there.
 */
export type HardwareLimits = Readonly<Record<string, (units: number) => number>>;

const prefix = "limit_";

/** The functions of a binary whose names say that they are limits. */
export function limitsOf(call: KernelCalls): HardwareLimits {
  const named = Object.entries(call).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(named.map(([name, run]) => [name.slice(prefix.length), run]));
}
