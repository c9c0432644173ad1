/**
 * Finding peers: a few known addresses first, then whom those know. `/fil/peers/1.0.0` gives the
 * addresses of a node's peers, so that a client that knows one node soon meets the miners. Quiet once
 * there are enough peers.
 */
import { type Clock, type Codec, c, type PeerId, type Wire } from "@holdfast/base";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { discoveryErrors } from "./errors.ts";
import type { DiscoveryNeeds } from "./needs.ts";

export { discoveryErrors } from "./errors.ts";
export type { DiscoveryNeeds } from "./needs.ts";

export const peersProtocol = "/fil/peers/1.0.0";

/** With this many peers a node looks for no more. */
const enoughPeers = 16;
const firstPauseMs = 250;
/** Pause between two looks once the node is connected. */
const longPauseMs = 30_000;
const addressBytesMax = 512;

interface PeerList {
  readonly addresses: readonly string[];
}
const peerListCodec: Codec<PeerList> = c.tuple("PeerList", {
  addresses: c.list(c.text(addressBytesMax), limits.exchangedPeers),
});

export function openDiscovery(needs: DiscoveryNeeds): AsyncDisposable {
  const stop = new AbortController();
  const endHandler = servePeers(needs.wire, needs.clock);
  let wake = new AbortController();
  const endPeers = needs.wire.onPeer(() => wake.abort());
  const loop = (async () => {
    for (let pauseMs = firstPauseMs; !stop.signal.aborted; pauseMs = Math.min(longPauseMs, pauseMs * 2)) {
      await look(needs, stop.signal);
      wake = new AbortController();
      const connected = needs.wire.peers().length > 0;
      const either = AbortSignal.any([stop.signal, wake.signal]);
      await needs.clock.sleep(connected ? pauseMs : firstPauseMs * 2, either).catch(() => undefined);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(discoveryErrors.stopped({}));
      endHandler();
      endPeers();
      await loop;
    },
  };
}

function servePeers(wire: Wire, clock: Clock): () => void {
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

async function look(needs: DiscoveryNeeds, signal: AbortSignal): Promise<void> {
  const { wire, bootstrap } = needs;
  for (const address of bootstrap) {
    if (!isConnected(wire, address)) await tryConnect(needs, address, signal);
  }
  for (const { id } of wire.peers()) {
    if (wire.peers().length >= enoughPeers || signal.aborted) return;
    for (const address of await askPeers(needs, id, signal)) {
      if (wire.peers().length >= enoughPeers) return;
      if (!isConnected(wire, address)) await tryConnect(needs, address, signal);
    }
  }
}

/** The peer id is the last part of the multiaddr. */
function isConnected(wire: Wire, address: string): boolean {
  const id = address.split("/").at(-1) ?? "";
  return id === wire.self || wire.peers().some((peer) => peer.id === id);
}

async function tryConnect(
  { wire, clock, logger }: DiscoveryNeeds,
  address: string,
  outer: AbortSignal,
): Promise<void> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: "dial", outer };
  try {
    await withDeadline(clock, options, (signal) => wire.connect(address, signal));
  } catch (error) {
    logger.debug("peer not reached", { address, detail: String(error) });
  }
}

async function askPeers(
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
