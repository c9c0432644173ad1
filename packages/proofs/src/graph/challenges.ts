/**
 * Challenged nodes from a key: uniform over all nodes, the first and the last among them, and distinct.
 * Numbers come from ChaCha20 with rejection, so no node is likelier than another.
 */
import { streamDomains, WordStream } from "./chacha.ts";

/** `min(count, nodes)` distinct nodes in ascending order; `key` has 32 bytes. */
export function challengedNodes(key: Uint8Array, count: number, nodes: number): readonly number[] {
  const wanted = Math.min(count, nodes);
  const stream = new WordStream(key);
  stream.seek(streamDomains.challenges, 0);
  const drawn = new Set<number>();
  while (drawn.size < wanted) drawn.add(stream.below(nodes));
  return [...drawn].sort((a, b) => a - b);
}
