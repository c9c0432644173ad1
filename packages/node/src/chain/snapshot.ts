/**
 * A snapshot: what a node needs to go on from a tipset, as one CARv1 whose roots are that tipset. Its order is fixed,
 * so that whoever reads it knows at every point which object comes next and keeps none that nobody asked for:
 *
 *   1. a manifest: which network, which height, how many epochs of messages;
 *   2. headers, tipset for tipset from the roots down to the genesis;
 *   3. the state before the roots (their `parentState`), depth first, each object once;
 *   4. for each tipset of the last epochs, from the roots down: of every block the tree of its messages, the messages,
 *      and the tree of its receipts.
 *
 * The roots should be final: who begins with a tipset that the network leaves again cannot follow it.
 */
import {
  type CID,
  type Clock,
  type Codec,
  c,
  cidOfCbor,
  concatBytes,
  encode,
  MemoryBlockstore,
} from "@holdfast/base";
import {
  blockHeaderCodec,
  messageCid,
  messagesRoot,
  signedMessageCodec,
  type Tipset,
} from "@holdfast/consensus";
import { carHeader, carSectionHead } from "../car.ts";
import { finalTipset } from "../final.ts";
import { DigestSet } from "./digest-set.ts";
import { chainErrors } from "./errors.ts";
import type { Chain } from "./types.ts";
import { walk } from "./walk.ts";

export interface Manifest {
  readonly format: "holdfast snapshot";
  readonly version: 1;
  readonly network: string;
  readonly genesis: CID;
  readonly height: number;
  /** Messages and receipts of tipsets above `height - messageEpochs` follow. */
  readonly messageEpochs: number;
}

export const manifestCodec: Codec<Manifest> = c.tuple("SnapshotManifest", {
  format: c.literal("holdfast snapshot"),
  version: c.literal(1),
  network: c.text(256),
  genesis: c.cid,
  height: c.uint(),
  messageEpochs: c.uint(),
});

export interface SnapshotRequest {
  /** Default: the last tipset that is final. */
  readonly height?: number;
  /** Default: those that finality spans, as far as they are held. */
  readonly messageEpochs?: number | "all";
}

export interface SnapshotPlan {
  readonly root: Tipset;
  readonly parent: Tipset;
  readonly messageEpochs: number;
  /** A root above what is final is right for a chain that has no forks, such as a devnet's. */
  readonly isFinal: boolean;
}

/** Bytes that are handed on at once, and objects between two pauses of the walk. */
const chunkBytes = 65_536;
const objectsPerSlice = 256;

/** What a snapshot would be of. Errors: `chain/snapshot-height`, `chain/pruned`. */
export function planSnapshot(chain: Chain, request: SnapshotRequest): SnapshotPlan {
  const head = chain.head();
  const { height: finalHeight } = finalTipset(chain);
  const height = request.height ?? finalHeight;
  if (height < 1) {
    const detail =
      request.height === undefined
        ? `nothing is final yet: the head is at height ${head.height}, finality takes ${chain.params.finalityEpochs}`
        : "the genesis is in its own file";
    throw chainErrors.snapshotHeight({ detail });
  }
  if (height > head.height)
    throw chainErrors.snapshotHeight({ detail: `the head is at height ${head.height}, below ${height}` });
  const root = chain.tipsetAt(height);
  const parent = chain.parentOf(root);
  if (parent === undefined) throw chainErrors.snapshotHeight({ detail: `there is no block up to ${height}` });
  chain.stateOf(parent);
  const { bodiesFrom } = chain.horizon();
  const held = root.height - Math.max(bodiesFrom, 1) + 1;
  const wanted = request.messageEpochs === "all" ? root.height : request.messageEpochs;
  const messageEpochs = Math.min(wanted ?? Math.min(held, chain.params.finalityEpochs), root.height);
  if (messageEpochs > held) {
    const lowest = root.height - messageEpochs + 1;
    throw chainErrors.pruned({ what: "messages", height: lowest, from: bodiesFrom });
  }
  return { root, parent, messageEpochs: Math.max(1, messageEpochs), isFinal: root.height <= finalHeight };
}

/**
 * The snapshot's bytes; nothing that it reads is pruned meanwhile. Errors, also in the middle: `chain/pruned`,
 * `store/missing-block`, `chain/too-many-objects`.
 */
export async function* snapshotBytes(
  chain: Chain,
  plan: SnapshotPlan,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  using _hold = await chain.hold();
  let parts: Uint8Array[] = [carHeader(...plan.root.cids)];
  let waiting = 0;
  let objects = 0;
  for (const { cid, bytes } of sectionsOf(chain, plan)) {
    parts.push(carSectionHead(cid, bytes.length), bytes);
    waiting += bytes.length;
    objects += 1;
    if (objects % objectsPerSlice === 0) await clock.sleep(1);
    if (waiting < chunkBytes) continue;
    yield concatBytes(...parts);
    parts = [];
    waiting = 0;
  }
  yield concatBytes(...parts);
}

function* sectionsOf(chain: Chain, { root, parent, messageEpochs }: SnapshotPlan) {
  const [genesis] = chain.genesis.cids;
  if (genesis === undefined) throw chainErrors.noGenesis({});
  const manifest = encode(manifestCodec, {
    format: "holdfast snapshot",
    version: 1,
    network: chain.params.name,
    genesis,
    height: root.height,
    messageEpochs,
  });
  yield { cid: cidOfCbor(manifest), bytes: manifest };
  for (const { cids } of chain.ancestors(root)) {
    for (const cid of cids) {
      const header = chain.header(cid);
      if (header === undefined) throw chainErrors.unknownTipset({ key: cid.toString() });
      yield { cid, bytes: encode(blockHeaderCodec, header) };
    }
  }
  const seen = new DigestSet();
  yield* walk(chain.store, chain.stateOf(parent), seen);
  for (const tipset of chain.ancestors(root)) {
    if (tipset.height <= root.height - messageEpochs || tipset.height === 0) return;
    for (const block of chain.fullBlocks(tipset.key) ?? pruned(chain, tipset)) {
      const trees = new MemoryBlockstore();
      messagesRoot(trees, block.messages);
      for (const signed of block.messages) trees.put(messageCid(signed), encode(signedMessageCodec, signed));
      yield* walk(trees, block.header.messages, seen);
      yield* walk(chain.store, block.header.receipts, seen);
    }
  }
}

function pruned(chain: Chain, { height }: Tipset): never {
  throw chainErrors.pruned({ what: "messages", height, from: chain.horizon().bodiesFrom });
}
