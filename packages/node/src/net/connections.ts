/** Connections of a libp2p host: one with a peer that somebody has met elsewhere, and the end of one. */
import { type PeerId, wireErrors } from "@holdfast/base";
import type { Connection } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { parseAddress } from "./addresses.ts";
import type { Gate } from "./gate.ts";
import type { Host } from "./host.ts";

/**
 * Tries addresses of a peer that is not connected. libp2p alone knows only those of peers that it was connected to
 * since this node's start, and forgets none that is out of date.
 */
export async function reach(
  host: Host,
  gate: Gate,
  { peer, addresses }: { readonly peer: PeerId; readonly addresses: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const isHere = (): boolean =>
    host.getConnections(peerIdFromString(peer)).some(({ status }) => status === "open");
  for (const address of addresses) {
    if (isHere()) return;
    try {
      const parsed = parseAddress(address);
      await gate.named(parsed, () => host.dial(parsed, { signal }));
    } catch {
      signal.throwIfAborted(); // there may be another
    }
  }
}

/** Gracefully, so that the other side learns it at once; streams were cut before, so nothing waits for long. */
export async function closeConnection(connection: Connection): Promise<void> {
  try {
    await connection.close({ signal: AbortSignal.timeout(closeTimeoutMs) });
  } catch (error) {
    connection.abort(error instanceof Error ? error : wireErrors.closed({ what: "connection" }, error));
  }
}
const closeTimeoutMs = 300;
