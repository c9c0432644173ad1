/** Words of `doctor`. */
import type { CommandSpec } from "../command.ts";

export const doctorCommands: readonly CommandSpec[] = [
  {
    path: ["doctor"],
    summary: "Examine this machine: kernels, node, disk, clock, parameters",
    about:
      "Every kernel group is measured against the TypeScript reference on a small sample, so the figures are orders " +
      "of magnitude. Where something better could work, the line says why it does not and which command brings it. " +
      "HOLDFAST_KERNELS=native, wasm or reference names the best back end that the compiled kernels may use, " +
      "HOLDFAST_KERNELS_WITHOUT the processor's features that they leave alone (sha,adx,ifma, or all). Ends with " +
      "exit code 0 unless something keeps a node from working.",
    examples: ["holdfast doctor", "holdfast doctor --json"],
    stream: true,
    action: async () => (await import("../actions/doctor.ts")).doctor,
  },
];
