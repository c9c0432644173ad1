/** Errors of finding peers. */
import { defineErrors } from "@holdfast/base";

export const discoveryErrors = defineErrors("discovery", {
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is stopping",
    fix: "start the node again",
  },
});
