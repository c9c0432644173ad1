/**
 * A tipset put together from single blocks, for when nobody gives it as a part of a range: headers by their CIDs, the
 * tree below each header's root of messages, and the messages that it names. Bounded by the limits of a block.
 */
import {
  type Cancel,
  type CID,
  decode,
  encode,
  HoldfastError,
  MemoryBlockstore,
  parseCid,
} from "@holdfast/base";
import {
  type BlockHeader,
  blockHeaderCodec,
  type FullBlock,
  readMessageCids,
  type SignedMessage,
  signedMessageCodec,
} from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { isBodyOf } from "./exchange.ts";
import type { SyncChain } from "./needs.ts";
import { cidsOfKey, type Step } from "./route.ts";

export type FetchBlocks = (cids: readonly CID[], signal: Cancel) => Promise<ReadonlyMap<string, Uint8Array>>;

/** What a node gives of its chain by the CID: objects of states and trees, headers, messages. */
export function partOfChain(chain: SyncChain, cid: CID): Uint8Array | undefined {
  const object = chain.store.get(cid);
  if (object !== undefined) return object;
  const header = chain.header(cid);
  if (header !== undefined) return encode(blockHeaderCodec, header);
  try {
    const found = chain.findMessage(cid);
    return found === undefined ? undefined : encode(signedMessageCodec, found.message);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "chain/pruned") return undefined;
    throw error;
  }
}

/** Nodes of one tree of messages, at most. */
const treeNodes = 2_048;

/** Undefined if a part of it is not to be had, or does not decode. */
export async function fetchSingles(
  fetch: FetchBlocks,
  step: Step,
  signal: Cancel,
): Promise<readonly FullBlock[] | undefined> {
  try {
    const headers = step.headers ?? (await fetchHeaders(fetch, cidsOfKey(step.key), signal));
    const blocks: FullBlock[] = [];
    for (const header of headers ?? []) {
      const messages = await fetchMessages(fetch, header, signal);
      if (messages === undefined) return undefined;
      blocks.push({ header, messages });
    }
    return headers === undefined ? undefined : blocks;
  } catch (error) {
    if (error instanceof HoldfastError && error.code.startsWith("codec/")) return undefined;
    throw error;
  }
}

async function fetchHeaders(
  fetch: FetchBlocks,
  cids: readonly CID[],
  signal: Cancel,
): Promise<BlockHeader[] | undefined> {
  const found = await fetch(cids, signal);
  const bytes = cids.flatMap((cid) => found.get(cid.toString()) ?? []);
  return bytes.length < cids.length ? undefined : bytes.map((one) => decode(blockHeaderCodec, one));
}

async function fetchMessages(
  fetch: FetchBlocks,
  header: BlockHeader,
  signal: Cancel,
): Promise<readonly SignedMessage[] | undefined> {
  const cids = await fetchTree(fetch, header.messages, signal);
  if (cids === undefined) return undefined;
  const messages: SignedMessage[] = [];
  for (let at = 0; at < cids.length; at += limits.swapEntries) {
    const part = cids.slice(at, at + limits.swapEntries);
    const found = await fetch(part, signal);
    for (const cid of part) {
      const bytes = found.get(cid.toString());
      if (bytes === undefined) return undefined;
      messages.push(decode(signedMessageCodec, bytes, { maxBytes: limits.gossipMessageBytes }));
    }
  }
  return isBodyOf(header, messages) ? messages : undefined;
}

/** Reads until nothing is missing; each time what is missing is fetched. */
async function fetchTree(fetch: FetchBlocks, root: CID, signal: Cancel): Promise<CID[] | undefined> {
  const store = new MemoryBlockstore();
  for (let nodes = 0; nodes < treeNodes; nodes += 1) {
    const missing = tryRead(store, root);
    if (Array.isArray(missing)) return missing;
    const bytes = (await fetch([missing], signal)).get(missing.toString());
    if (bytes === undefined) return undefined;
    store.put(missing, bytes);
  }
  return undefined;
}

/** The CIDs, or the node that is missing. */
function tryRead(store: MemoryBlockstore, root: CID): CID[] | CID {
  try {
    return readMessageCids(store, root);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "store/missing-block") throw error;
    return parseCid(String(error.data.cid));
  }
}
