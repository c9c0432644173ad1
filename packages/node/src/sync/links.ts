/**
 * What a chain of headers shows about itself before anything is executed: each tipset stands on the one below by
 * CIDs, height, time, weight and, where a header tells it, state; and whom the keys of the last known state belong to
 * signed. A worker's keys change no sooner than finality after it was announced, so until then the keys of the
 * common tipset's state are those that count: whoever forges a header of a miner that is known there is found out
 * before a single body is fetched. Pure but for reading the store.
 */
import type { Address, Blockstore, CID } from "@holdfast/base";
import { compareBytes, HoldfastError } from "@holdfast/base";
import {
  type BlockHeader,
  blockErrors,
  electionInput,
  type HeaderProof,
  isBlockSigned,
  type NetworkParams,
  readMinerState,
  type Tipset,
  ticketInput,
  timestampOf,
  weightScale,
} from "@holdfast/consensus";
import { syncErrors } from "./errors.ts";

/** Weight of one block at least, and of all power together: see `tipsetWeight`. */
const blockWeight = 10n * weightScale;
const powerWeight = 100n * weightScale;

/** The most that a tipset of so many blocks adds to the weight of its parents. */
export function mostWeight(blocks: number): bigint {
  return BigInt(blocks) * blockWeight + powerWeight;
}

export interface LinkView {
  readonly params: NetworkParams;
  readonly genesisTimeMs: number;
  readonly nowMs: number;
}

/** What a tipset shows alone. Errors: `sync/bad-chain`, `block/from-the-future`. */
export function checkAlone({ blocks, height }: Tipset, { params, genesisTimeMs, nowMs }: LinkView): void {
  const refuse = (reason: string): never => {
    throw syncErrors.badChain({ height, reason });
  };
  for (const { timestampMs, parents } of blocks) {
    if (timestampMs !== timestampOf(params, genesisTimeMs, height)) refuse("a block has the wrong time");
    if (timestampMs > nowMs + params.futureToleranceMs)
      throw blockErrors.fromTheFuture({ timestampMs, nowMs });
    const isAscending = parents.every(
      (cid, at) => at === 0 || compareBytes((parents[at - 1] as CID).bytes, cid.bytes) < 0,
    );
    if (parents.length === 0 || !isAscending) refuse("a block does not name its parents in order");
  }
}

/** Whether a tipset can stand on the one below it. Errors: `sync/bad-chain`. */
export function checkLink(child: Tipset, parent: Tipset): void {
  const refuse = (reason: string): never => {
    throw syncErrors.badChain({ height: child.height, reason });
  };
  if (child.height <= parent.height) refuse("it is not above its parents");
  const gained = child.parentWeight - parent.parentWeight;
  const blocks = parent.blocks.length;
  if (parent.height > 0 && (gained < BigInt(blocks) * blockWeight || gained > mostWeight(blocks)))
    refuse("its parents cannot weigh what it claims");
  const [only] = blocks === 1 && parent.height > 0 ? parent.blocks : [];
  if (only !== undefined && !child.parentState.equals(only.stateRoot))
    refuse("it claims another state of its parents than they do");
}

/** Whether a tipset stands on one of which weight and state are known. Errors: `sync/bad-chain`. */
export function checkFooting(
  child: Tipset,
  common: Tipset,
  { weight, state }: { readonly weight: bigint; readonly state: CID },
): void {
  const { height, parentWeight, parentState } = child;
  if (height <= common.height) throw syncErrors.badChain({ height, reason: "it is not above its parents" });
  if (parentWeight !== weight)
    throw syncErrors.badChain({ height, reason: "its parents do not weigh what it claims" });
  if (!parentState.equals(state))
    throw syncErrors.badChain({ height, reason: "it claims another state of its parents" });
}

interface Keys {
  readonly worker: Address;
  readonly workerKey: Uint8Array;
}

/** The keys that can count for a miner until finality above a state; undefined if it is not in there. */
export class KnownKeys {
  readonly networkId: Uint8Array;
  readonly #store: Blockstore;
  readonly #state: CID;
  readonly #keys = new Map<Address, readonly Keys[] | undefined>();

  constructor(chain: { readonly store: Blockstore; readonly networkId: Uint8Array }, state: CID) {
    this.#store = chain.store;
    this.networkId = chain.networkId;
    this.#state = state;
  }

  of(miner: Address): readonly Keys[] | undefined {
    if (!this.#keys.has(miner)) this.#keys.set(miner, this.#read(miner));
    return this.#keys.get(miner);
  }

  #read(miner: Address): readonly Keys[] | undefined {
    try {
      const { worker, workerKey, pendingWorker } = readMinerState(this.#store, this.#state, miner);
      return [{ worker, workerKey }, ...(pendingWorker === null ? [] : [pendingWorker])];
    } catch (error) {
      if (error instanceof HoldfastError && error.code.startsWith("state/")) return undefined;
      throw error;
    }
  }
}

/** The costly claims of a tipset's headers, as far as keys of a state below tell what they must be. */
export function keyedProofs(tipset: Tipset, parent: Tipset, keys: KnownKeys): HeaderProof[] {
  return tipset.blocks.flatMap((header) => proofsOf(header, parent, keys));
}

function proofsOf(header: BlockHeader, parent: Tipset, keys: KnownKeys): HeaderProof[] {
  const { networkId } = keys;
  const { miner, height, electionProof, ticket } = header;
  const known = keys.of(miner);
  const [first] = known ?? [];
  if (known === undefined || first === undefined) return [];
  // With a second worker announced, the one that signed is the one whose keys count.
  const signer =
    known.length === 1 ? first : (known.find((one) => isBlockSigned(header, one.worker, networkId)) ?? first);
  const key = signer.workerKey;
  return [
    { kind: "signature", header, worker: signer.worker, networkId },
    {
      kind: "election",
      miner,
      key,
      input: electionInput(parent.minTicket, height, miner),
      output: electionProof,
    },
    { kind: "ticket", miner, key, input: ticketInput(parent.minTicket, height, miner), output: ticket },
  ];
}
