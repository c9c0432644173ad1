/**
 * Full validation of one tipset on its parent: headers, proofs, bodies, execution. Cheap checks first, and
 * first of all that a body belongs to its header: the CID is the header's, so a foreign body must never
 * become a verdict on the block;
 * proofs on worker threads; nothing is stored unless everything holds.
 */
import { BufferedBlockstore } from "@holdfast/base";
import {
  applyTipset,
  blockCid,
  checkHeader,
  createTipset,
  type FullBlock,
  messageCid,
  type Receipt,
  readPowerTable,
  type Tipset,
  tipsetKey,
  tipsetWeight,
} from "@holdfast/consensus";
import type { Execution, ExecutionPlace } from "../executions.ts";
import { syncErrors } from "./errors.ts";
import { isBodyOf } from "./exchange.ts";
import type { SyncNeeds } from "./needs.ts";

export interface Validator {
  /**
   * Validates and stores; the tipset's parent must be known. Errors: `block/…`, `tipset/…`,
   * `sync/foreign-body`, `sync/ancestors-missing`.
   */
  validate(blocks: readonly FullBlock[]): Promise<Tipset>;
  /** Only what its header claims, for a verdict before it is forwarded. Errors: `block/…`. */
  checkHeader(block: FullBlock): Promise<void>;
}

export type ValidatorNeeds = Pick<SyncNeeds, "chain" | "proofs" | "headers" | "executions" | "clock">;

export function createValidator({ chain, proofs, headers, executions, clock }: ValidatorNeeds): Validator {
  const execute = ({ parentState }: ExecutionPlace, parent: Tipset, blocks: readonly FullBlock[]) =>
    proofs.run((verifier): Execution => {
      const store = new BufferedBlockstore(chain.store);
      const env = {
        params: chain.params,
        networkId: chain.networkId,
        protocols: chain.protocols,
        verifier,
        randomness: chain.randomnessBelow(parent),
        verifiedMessages: headers.verified,
      };
      const result = applyTipset({ store, parentState, blocks, env });
      return { result, objects: store.written() };
    });

  async function checkHeaders(tipset: Tipset, parent: Tipset): Promise<void> {
    const parentState = chain.stateAfter(parent.key);
    const parentWeight = chain.weightOf(parent.key);
    if (parentState === undefined || parentWeight === undefined) {
      throw syncErrors.ancestorsMissing({ key: parent.key, tried: 0 });
    }
    const view = {
      store: chain.store,
      parentState,
      parentWeight,
      networkId: chain.networkId,
      genesisTimeMs: chain.genesisTimestampMs,
      nowMs: clock.nowMs(),
    };
    // A block is checked alone and again in a wider tipset: what holds is remembered by what it says.
    await headers.check(tipset.blocks.flatMap((header) => checkHeader(header, parent, view, chain.params)));
  }

  return {
    async checkHeader(block) {
      const tipset = createTipset([block.header]);
      const parent = chain.tipset(tipsetKey(tipset.parents));
      if (parent === undefined)
        throw syncErrors.ancestorsMissing({ key: tipsetKey(tipset.parents), tried: 0 });
      await checkHeaders(tipset, parent);
    },
    async validate(blocks) {
      for (const block of blocks) {
        if (!isBodyOf(block.header, block.messages))
          throw syncErrors.foreignBody({ block: blockCid(block.header).toString() });
      }
      const tipset = createTipset(blocks.map((block) => block.header));
      const parent = chain.tipset(tipsetKey(tipset.parents));
      const parentState = parent === undefined ? undefined : chain.stateAfter(parent.key);
      if (parent === undefined || parentState === undefined) {
        throw syncErrors.ancestorsMissing({ key: tipsetKey(tipset.parents), tried: 0 });
      }
      await checkHeaders(tipset, parent);
      await verifySignatures(headers, blocks, chain.networkId);
      const place = { networkId: chain.networkId, parentState, tipset };
      const { result, objects } = await executions.of(place, () => execute(place, parent, blocks));
      for (const { cid, bytes } of objects) chain.store.put(cid, bytes);
      const weight = tipsetWeight(tipset, readPowerTable(chain.store, parentState, chain.params.networkByte));
      const results = resultsInOrder(tipset, blocks, result.receipts);
      await chain.addValidated({ tipset, blocks, stateRoot: result.stateRoot, results, weight });
      return tipset;
    },
  };
}

/** Those that hold are remembered; of those that do not, the rules say what is wrong. */
async function verifySignatures(
  headers: SyncNeeds["headers"],
  blocks: readonly FullBlock[],
  networkId: Uint8Array,
): Promise<void> {
  const { verified } = headers;
  const messages = new Map(
    blocks.flatMap((block) => block.messages.map((signed) => [messageCid(signed).toString(), signed])),
  );
  const asked = [...messages].filter(([cid]) => !verified.has(cid));
  if (asked.length === 0) return;
  const signed = asked.map(([, message]) => message);
  const verdicts = await headers.areSigned(signed, networkId);
  for (const [at, [cid]] of asked.entries()) if (verdicts[at] === true) verified.add(cid);
}

function resultsInOrder(
  tipset: Tipset,
  blocks: readonly FullBlock[],
  receipts: ReadonlyMap<string, Receipt>,
): { message: ReturnType<typeof messageCid>; receipt: Receipt }[] {
  const order = new Map(tipset.blocks.map((header, index) => [header.miner, index]));
  const sorted = [...blocks].sort(
    (a, b) => (order.get(a.header.miner) ?? 0) - (order.get(b.header.miner) ?? 0),
  );
  const seen = new Set<string>();
  return sorted.flatMap(({ messages }) =>
    messages.flatMap((signed) => {
      const message = messageCid(signed);
      const text = message.toString();
      const receipt = receipts.get(text);
      if (receipt === undefined || seen.has(text)) return [];
      seen.add(text);
      return [{ message, receipt }];
    }),
  );
}
