/** Errors of exchanging single blocks. */
import { defineErrors } from "@holdfast/base";

export const swapErrors = defineErrors("swap", {
  malformed: {
    exit: "network",
    message: (data: { peer: string; detail: string }) =>
      `the peer ${data.peer} does not keep to bitswap: ${data.detail}`,
    fix: "nothing to do: other peers are asked",
  },
  unasked: {
    exit: "network",
    message: (data: { peer: string; blocks: number }) =>
      `the peer ${data.peer} sent ${data.blocks} blocks that nobody asked it for`,
    fix: "nothing to do: other peers are asked",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node is stopping",
    fix: "start the node again",
  },
});
