/** Methods about who holds this node's miner and how long its sectors live. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import {
  type Address,
  type AttoFil,
  addAtto,
  attoFil,
  decode,
  encode,
  epoch,
  filText,
  filToAtto,
  fromHex,
  parseFil,
  sectorId,
  subAtto,
  toHex,
  zeroAtto,
} from "@holdfast/base";
import {
  methods,
  none,
  readActor,
  readMinerState,
  readSector,
  type Sector,
  terminationFee,
} from "@holdfast/consensus";
import { everyDeal } from "../../deal-pages.ts";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { messageOfKey, sendOnce } from "./keyed.ts";
import { sentView } from "./messages.ts";
import { callAs, sentParams } from "./owner-calls.ts";
import { addressParam, minerOf } from "./params.ts";
import { epochsOf } from "./views.ts";

type KeyHandlers = Pick<
  ApiHandlers,
  | "mine.worker"
  | "mine.workerSet"
  | "mine.workerConfirm"
  | "mine.ownerPropose"
  | "mine.ownerAccept"
  | "mine.extend"
  | "mine.terminateQuote"
  | "mine.terminate"
  | "mine.withdraw"
>;

/** What a new worker gets of the old one's money. */
const mostWorkerFunds = filToAtto(1n);

export function minerKeyHandlers(needs: HandlerNeeds): KeyHandlers {
  const { sender, wallet, chain } = needs;
  const state = () => ownState(needs);
  return {
    "mine.worker": async () => workerView(needs),
    "mine.workerSet": async ({ worker, workerKeyHex, key: repeat }) => {
      if ((worker === undefined) !== (workerKeyHex === undefined)) throw rpcErrors.halfAKey({});
      const { address: miner, owner, worker: before } = state();
      if (messageOfKey(sender, repeat) !== undefined)
        return announcedBefore(needs, { miner, owner, key: repeat ?? "", worker });
      // The keys are on disk before the chain hears of them.
      const next = worker === undefined ? await wallet.newAccount() : addressParam(needs, worker);
      const key = workerKeyHex === undefined ? await wallet.newBlsKey() : fromHex(workerKeyHex);
      const params = encode(methods.miner.changeWorker.params, { worker: next, workerKey: key });
      const call = { to: miner, method: "changeWorker", params };
      const sent = await callAs(needs, owner, call, { key: repeat });
      if (worker === undefined) await fund(needs, before, next);
      return { ...sent, worker: next, workerKeyHex: toHex(key) };
    },
    "mine.workerConfirm": async () => {
      const { address: to, worker: from } = state();
      const params = encode(methods.miner.confirmWorker.params, none);
      return sentView(await sender.send({ from, to, method: "confirmWorker", params }));
    },
    "mine.ownerPropose": async ({ owner: text }) => {
      const { address: to, owner } = state();
      const params = encode(methods.miner.changeOwner.params, { owner: addressParam(needs, text) });
      return callAs(needs, owner, { to, method: "changeOwner", params });
    },
    "mine.ownerAccept": async ({ miner: text, from }) => {
      const miner = addressParam(needs, text);
      const { pendingOwner } = readMinerState(chain.store, chain.headState().state, miner);
      const next = from === undefined ? pendingOwner : addressParam(needs, from);
      if (next === null)
        throw rpcErrors.notFound({ what: `account that is named as the next owner of ${miner}` });
      const params = encode(methods.miner.acceptOwner.params, none);
      return callAs(needs, next, { to: miner, method: "acceptOwner", params });
    },
    "mine.extend": async ({ sectorIds, untilHeight, forMs }) => {
      const { address: to, worker: from } = state();
      const later = forMs === undefined ? undefined : chain.head().height + 1 + epochsOf(forMs, chain.params);
      const expiration = untilHeight ?? later;
      if (expiration === undefined) throw rpcErrors.noTerm({});
      const params = encode(methods.miner.extendSectors.params, {
        sectorIds: sectorIds.map(sectorId),
        expiration: epoch(expiration),
      });
      return { ...sentView(await sender.send({ from, to, method: "extendSectors", params })), expiration };
    },
    "mine.terminateQuote": async ({ sectorIds }) => quote(needs, sectorIds),
    "mine.terminate": async ({ sectorIds, key }) => {
      const { address: to, worker: from } = state();
      const params = encode(methods.miner.terminateSectors.params, { sectorIds: sectorIds.map(sectorId) });
      return sentView(await sendOnce(sender, { from, to, method: "terminateSectors", params }, { key }));
    },
    "mine.withdraw": async ({ amount: text, key }) => {
      const { address: to, owner, freeBalance } = state();
      const amount = text === undefined ? freeBalance : parseFil(text);
      const params = encode(methods.miner.withdraw.params, { amount });
      const call = { to, method: "withdraw", params };
      const sent = await callAs(needs, owner, call, { key, isRelative: text === undefined });
      const asked = decode(methods.miner.withdraw.params, sentParams(needs, sent));
      return { ...sent, amountFil: filText(asked.amount) };
    },
  };
}

/** The keys that a repeated announcement has named the first time. */
async function announcedBefore(
  needs: HandlerNeeds,
  given: {
    readonly miner: Address;
    readonly owner: Address;
    readonly key: string;
    readonly worker: string | undefined;
  },
): Promise<MethodResult<"mine.workerSet">> {
  const { miner, owner, key } = given;
  const call = { to: miner, method: "changeWorker", params: new Uint8Array(0) };
  const sent = await callAs(needs, owner, call, { key, isRelative: true });
  const { worker, workerKey } = decode(methods.miner.changeWorker.params, sentParams(needs, sent));
  if (given.worker !== undefined && given.worker !== worker) throw rpcErrors.keyReused({ key });
  return { ...sent, worker, workerKeyHex: toHex(workerKey) };
}

/** A worker pays for its proofs; the one before shares what it has. */
async function fund({ chain, sender }: HandlerNeeds, from: Address, to: Address): Promise<void> {
  const half = (readActor(chain.store, chain.headState().state, from)?.balance ?? 0n) / 2n;
  const value = attoFil(half < mostWorkerFunds ? half : mostWorkerFunds);
  if (value > 0n) await sender.send({ from, to, value });
}

function ownState(needs: HandlerNeeds) {
  const { chain } = needs;
  return readMinerState(chain.store, chain.headState().state, minerOf(needs).miner);
}

function workerView(needs: HandlerNeeds): MethodResult<"mine.worker"> {
  const { wallet } = needs;
  const { worker, workerKey, pendingWorker, owner, pendingOwner } = ownState(needs);
  const keys = (keysOf: { readonly worker: typeof worker; readonly workerKey: Uint8Array }) => ({
    worker: keysOf.worker,
    workerKeyHex: toHex(keysOf.workerKey),
    hasKeys: wallet.addresses().includes(keysOf.worker) && wallet.hasBls(keysOf.workerKey),
  });
  const pending =
    pendingWorker === null ? null : { ...keys(pendingWorker), effectiveAt: pendingWorker.effectiveAt };
  return { ...keys({ worker, workerKey }), owner, pendingOwner, pending };
}

/** As the actor reckons it, at the next height. */
async function quote(
  needs: HandlerNeeds,
  ids: readonly number[],
): Promise<MethodResult<"mine.terminateQuote">> {
  const { chain } = needs;
  const { miner, sector: local } = minerOf(needs);
  const { state, tipset } = chain.headState();
  const found: readonly Sector[] = ids.map((id) => {
    const sector = readSector(chain.store, state, miner, sectorId(id));
    if (sector === undefined) throw rpcErrors.notFound({ what: `sector ${id} on the chain` });
    return sector;
  });
  const feeOf = ({ expiration, pledge }: Sector) =>
    expiration > tipset.height + 1 ? terminationFee(pledge) : zeroAtto;
  const fee = found.reduce((sum, sector) => addAtto(sum, feeOf(sector)), zeroAtto);
  const pledge = found.reduce((sum, sector) => addAtto(sum, sector.pledge), zeroAtto);
  const healthy = found.filter(({ faultySince }) => faultySince === null);
  const wanted = new Set(ids);
  const broken: AttoFil[] = [];
  for await (const { sectors, onChain } of everyDeal(needs.market, "miner")) {
    if (onChain?.status !== "active" || onChain.lostAt !== null) continue;
    if (sectors.some((id) => wanted.has(id))) broken.push(parseFil(onChain.providerCollateralFil));
  }
  let pieces = 0;
  for (const id of wanted) pieces += (await local(id))?.pieceCount ?? 0;
  return {
    feeFil: filText(fee),
    freedFil: filText(subAtto(attoFil(pledge), fee)),
    powerBytes: healthy.reduce((sum, { sectorBytes }) => sum + sectorBytes, 0),
    pieces,
    deals: broken.length,
    collateralFil: filText(addAtto(...broken)),
    sectors: found.map((sector) => ({
      sectorId: sector.sectorId,
      expiration: sector.expiration,
      feeFil: filText(feeOf(sector)),
    })),
  };
}
