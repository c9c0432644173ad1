/** Methods about the network of peers. */
import type { ApiHandlers } from "@holdfast/api";
import type { HandlerNeeds } from "../needs.ts";

type NetHandlers = Pick<ApiHandlers, "net.peers" | "net.connect" | "net.invite">;

export function netHandlers({ net }: HandlerNeeds): NetHandlers {
  return {
    "net.peers": async () =>
      net.peers().map(({ id, addresses, direction }) => ({
        peerId: id,
        addresses: [...addresses],
        direction,
        headHeight: net.peerHeights().get(id) ?? null,
      })),
    "net.connect": async ({ address }, signal) => ({ peerId: await net.connect(address, signal) }),
    "net.invite": async ({ forMs, addresses, checkpoint }) => {
      const made = net.invite({ forMs: forMs ?? undefined, addresses, checkpoint });
      return {
        invitation: made.text,
        network: made.network,
        genesis: made.genesis.toString(),
        addresses: [...made.addresses],
        expiresAtMs: made.expiresMs === 0 ? null : made.expiresMs,
        checkpointHeight: made.checkpoint?.height ?? null,
      };
    },
  };
}
