/**
 * What this node gives to whom and for how much: blocks of local files, and of a miner's pieces by their index. Whoever
 * has paid for the storing reads that copy without paying again, and nothing else with it.
 */
import { attoFil, type CID, HoldfastError, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import { noTerms, type Reception } from "./block-server.ts";
import { type BlocksHello, type BlocksTerms, blocksStatus } from "./blocks-protocol.ts";
import type { PieceIndex } from "./index/piece-index.ts";
import type { LocalFiles } from "./local-files.ts";
import type { CarSource } from "./needs.ts";
import type { Till } from "./pay/till.ts";
import type { Pull, PulledBlocks } from "./pull.ts";

/** Of a root that is here. */
type Held = Sizes & { readonly isWhole: boolean };
type Sizes = Pick<BlocksTerms, "carBytes" | "fileBytes">;

export interface ServingNeeds {
  readonly files: LocalFiles;
  readonly index: PieceIndex;
  readonly sources: readonly CarSource[];
  readonly till: Till;
  /** Fetches from others what others want. */
  readonly pulled: PulledBlocks;
}

const unknownSizes: Sizes = { carBytes: null, fileBytes: null };

/** Answers hellos. Errors are of disks. */
export function receptionOf(needs: ServingNeeds): (peer: PeerId, hello: BlocksHello) => Promise<Reception> {
  const { till, pulled } = needs;
  return async (peer, { root, channel, proof, mayFetch }) => {
    const isOwner = till.price() > 0n && ownerOf(needs.sources, peer, root);
    const held = await sizesOf(needs, root);
    const pull = held?.isWhole !== true && mayFetch ? await pulled.open(root) : undefined;
    if (held === undefined && pull === undefined) {
      return { terms: noTerms(blocksStatus.notFound, "no such file here"), account: undefined };
    }
    const block = (cid: CID) => blockOf(needs, cid, { within: isOwner ? root : undefined, pull });
    const close = (): void => pull?.close();
    const pricePerByte = isOwner ? attoFil(0n) : till.price();
    const payee = till.payee();
    const free = { pricePerByte: attoFil(0n), target: null, creditBytes: 0 };
    const { carBytes, fileBytes } = held ?? unknownSizes;
    const success = { status: blocksStatus.success, message: "", carBytes, fileBytes };
    if (pricePerByte === 0n || payee === undefined) {
      return { terms: { ...success, ...free }, account: undefined, block, close };
    }
    const price = { pricePerByte, target: payee, creditBytes: limits.retrievalCreditBytes };
    const wanted = { ...success, ...price, status: blocksStatus.payment };
    try {
      if (channel === null)
        return { terms: { ...wanted, message: "it has a price" }, account: undefined, close };
      const account = till.account(channel, pricePerByte, { peer, proof });
      const end = (): void => {
        account.leave();
        close();
      };
      return { terms: { ...success, ...price }, account, block, close: end };
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return { terms: { ...wanted, message: error.message }, account: undefined, close };
    }
  };
}

export function ownerOf(sources: readonly CarSource[], peer: PeerId, payload: CID): boolean {
  return sources.some(({ isOwnedBy }) => isOwnedBy?.(peer, payload) === true);
}

/** What is known of a root that is here, in whatever way; undefined if it is not. */
async function sizesOf({ files, index, sources }: ServingNeeds, root: CID): Promise<Held | undefined> {
  const record = await files.complete(root);
  if (record !== undefined) {
    const { carBytes, fileBytes } = record;
    return { carBytes, fileBytes, isWhole: true };
  }
  if ((await index.block(root)) !== undefined)
    return { carBytes: (await index.carBytes(root)) ?? null, fileBytes: null, isWhole: true };
  if (await files.blocks.has(root)) return { ...unknownSizes, isWhole: false };
  for (const source of sources) {
    const car = await source.open(root);
    if (car === undefined) continue;
    await index.add(root); // it has come in this moment
    return { carBytes: car.carBytes, fileBytes: null, isWhole: true };
  }
  return undefined;
}

async function blockOf(
  { files, index }: ServingNeeds,
  cid: CID,
  { within, pull }: { readonly within: CID | undefined; readonly pull: Pull | undefined },
): Promise<Uint8Array | undefined> {
  if (within !== undefined) return index.block(cid, within);
  const here = (await files.blocks.get(cid)) ?? (await index.block(cid));
  return here ?? pull?.read(cid).catch(() => undefined);
}
