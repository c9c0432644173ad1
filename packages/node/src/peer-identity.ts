/** The peer id of a node, from the seed of its Ed25519 key: known before the node ever listened. */
import type { PeerId } from "@holdfast/base";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";

export async function peerIdOfSeed(seed: Uint8Array): Promise<PeerId> {
  const key = await generateKeyPairFromSeed("Ed25519", seed);
  return peerIdFromPrivateKey(key).toString() as PeerId;
}
