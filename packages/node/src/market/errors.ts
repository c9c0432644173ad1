/** Errors of the market. */
import { defineErrors } from "@holdfast/base";

export const marketErrors = defineErrors("market", {
  closed: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is shutting down",
    fix: "start the node again; jobs go on where they were",
  },
});
