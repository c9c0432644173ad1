/**
 * `/fil/peers/1.0.0`: the addresses of a node's peers, so that a client that knows one node soon meets the miners.
 * What it answers is hearsay: it is dialled only where nothing better is known.
 */
import { type Clock, type Codec, c, type PeerId, type Wire } from "@holdfast/base";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { discoveryErrors } from "./errors.ts";
import type { DiscoveryNeeds } from "./needs.ts";

export const peersProtocol = "/fil/peers/1.0.0";

const addressBytesMax = 512;

interface PeerList {
  readonly addresses: readonly string[];
}
const peerListCodec: Codec<PeerList> = c.tuple("PeerList", {
  addresses: c.list(c.text(addressBytesMax), limits.exchangedPeers),
});

export function servePeers(wire: Wire, clock: Clock): () => void {
  return wire.handle(peersProtocol, async (stream) => {
    try {
      await withDeadline(
        clock,
        { timeoutMs: limits.requestTimeoutMs, protocol: peersProtocol },
        async (signal) => {
          const addresses = wire
            .peers()
            .filter(({ id }) => id !== stream.peer)
            .flatMap(({ addresses: known }) => known.slice(0, 2))
            .slice(0, limits.exchangedPeers);
          await sendMessage(stream, peerListCodec, { addresses }, signal);
          await stream.closeWrite();
        },
      );
    } catch (error) {
      stream.abort(error instanceof Error ? error : discoveryErrors.stopped({}, error));
    }
  });
}

export async function askPeers(
  { wire, clock, logger }: DiscoveryNeeds,
  peer: PeerId,
  outer: AbortSignal,
): Promise<readonly string[]> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: peersProtocol, outer };
  try {
    return await withDeadline(clock, options, async (signal) => {
      const stream = await wire.open(peer, peersProtocol, signal);
      await stream.closeWrite();
      const list = await new FrameReader(stream).readMessage(peerListCodec, signal);
      return list?.addresses ?? [];
    });
  } catch (error) {
    logger.debug("peer list not received", { peer, detail: String(error) });
    return [];
  }
}
