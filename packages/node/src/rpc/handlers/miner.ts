/** Methods about asks, this node's miner, and sectors. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { type Address, addEpochs, attoFil, encode, filText, parseFil, sectorId, toHex } from "@holdfast/base";
import {
  listMiners,
  methods,
  provingPeriodAt,
  readActor,
  readIdleMiner,
  readMinerState,
  readPower,
  readPowerOf,
  readSector,
  readSectors,
  readStandstill,
  type Sector,
} from "@holdfast/consensus";
import { pieceCid } from "@holdfast/proofs/verify";
import { rpcErrors } from "../errors.ts";
import type { LocalSector } from "../miner-needs.ts";
import type { HandlerNeeds } from "../needs.ts";
import { deadlinesOf, nextDeadlineOf } from "./deadlines.ts";
import { addressParam, minerOf } from "./params.ts";
import { type AskView, attoPerByteEpoch, epochsOf, inRounds, priceFilPerGiBPerDay } from "./views.ts";

type MinerHandlers = Pick<
  ApiHandlers,
  "ask.ls" | "ask.show" | "ask.set" | "mine.status" | "sector.ls" | "sector.show"
>;
type SectorView = MethodResult<"sector.ls">[number];
type SectorDetail = MethodResult<"sector.show">;

/** An ask that names no end stands this long. */
const askDefaultMs = 30 * 86_400_000;
const waitForAskMs = 120_000;

export function minerHandlers(needs: HandlerNeeds): MinerHandlers {
  return {
    "ask.ls": async () => allAsks(needs),
    "ask.show": async ({ miner }) =>
      asksOf(needs, miner === undefined ? minerOf(needs).miner : addressParam(needs, miner)),
    "ask.set": async (params, signal) => setAsk(needs, params, signal),
    "mine.status": async () => await mineStatus(needs),
    "sector.ls": async ({ miner, after = -1, limit }) => {
      if (miner === undefined) {
        const page = await minerOf(needs).sectors({ after, limit });
        return page.map((local) => ownSector(needs, local));
      }
      const { chain } = needs;
      const address = addressParam(needs, miner);
      return readSectors(chain.store, chain.headState().state, address)
        .filter((sector) => sector.sectorId > after)
        .slice(0, limit)
        .map((sector) => chainSector(address, sector));
    },
    "sector.show": async ({ sectorId: number, miner }) => {
      const found = miner === undefined ? await ownDetail(needs, number) : otherSector(needs, miner, number);
      if (found === undefined) throw rpcErrors.notFound({ what: `sector ${number}` });
      return found;
    },
  };
}

function otherSector(needs: HandlerNeeds, miner: string, number: number): SectorDetail | undefined {
  const { chain } = needs;
  const address = addressParam(needs, miner);
  const sector = readSector(chain.store, chain.headState().state, address, sectorId(number));
  return sector === undefined ? undefined : { ...chainSector(address, sector), pieceList: [] };
}

function allAsks(needs: HandlerNeeds): AskView[] {
  const { chain } = needs;
  const { state } = chain.headState();
  const miners = listMiners(chain.store, state, chain.params.networkByte);
  const views = miners.flatMap((miner) => asksOf(needs, miner));
  return views.sort((a, b) => {
    const [left, right] = [BigInt(a.priceAttoPerByteEpoch), BigInt(b.priceAttoPerByteEpoch)];
    return left === right ? a.miner.localeCompare(b.miner) : left < right ? -1 : 1;
  });
}

function asksOf({ chain, net }: HandlerNeeds, miner: Address): AskView[] {
  const { state, tipset } = chain.headState();
  const { asks, peerId } = readMinerState(chain.store, state, miner);
  const reachable = peerId === net.self || net.peers().some(({ id }) => id === peerId);
  return asks
    .filter((ask) => ask.expiry > tipset.height)
    .map((ask) => ({
      miner,
      askId: ask.askId,
      priceFilPerGiBPerDay: priceFilPerGiBPerDay(ask.pricePerBytePerEpoch, chain.params),
      priceAttoPerByteEpoch: ask.pricePerBytePerEpoch.toString(),
      minBytes: ask.minBytes,
      maxBytes: ask.maxBytes,
      providerCollateralPercent: ask.providerCollateralPercent,
      clientCollateralPercent: ask.clientCollateralPercent,
      expiresAt: ask.expiry,
      peerId,
      reachable,
    }));
}

async function setAsk(
  needs: HandlerNeeds,
  params: {
    readonly price: string;
    readonly minBytes?: number | undefined;
    readonly maxBytes?: number | undefined;
    readonly providerCollateralPercent?: number | undefined;
    readonly clientCollateralPercent?: number | undefined;
    readonly forMs?: number | undefined;
  },
  signal: AbortSignal,
): Promise<AskView> {
  const { chain, sender } = needs;
  const { miner } = minerOf(needs);
  const { worker, asks } = readMinerState(chain.store, chain.headState().state, miner);
  const last = asks.at(-1);
  const { minProviderCollateralPercent: ofProvider, minClientCollateralPercent: ofClient } = chain.params;
  const encoded = encode(methods.miner.addAsk.params, {
    pricePerBytePerEpoch: attoFil(attoPerByteEpoch(parseFil(params.price), chain.params)),
    minBytes: params.minBytes ?? last?.minBytes ?? 0,
    maxBytes: params.maxBytes ?? last?.maxBytes ?? Number.MAX_SAFE_INTEGER,
    providerCollateralPercent:
      params.providerCollateralPercent ?? Math.max(ofProvider, last?.providerCollateralPercent ?? 0),
    clientCollateralPercent:
      params.clientCollateralPercent ?? Math.max(ofClient, last?.clientCollateralPercent ?? 0),
    expiresAfterEpochs: epochsOf(params.forMs ?? askDefaultMs, chain.params),
  });
  const sent = await sender.send({ from: worker, to: miner, method: "addAsk", params: encoded });
  const { receipt } = await sender.wait(sent.cid, { confirmations: 0, timeoutMs: waitForAskMs, signal });
  const newest = asksOf(needs, miner).at(-1);
  if (receipt.exitCode !== 0 || newest === undefined)
    throw rpcErrors.notFound({ what: `new ask: see holdfast why ${sent.cid}` });
  return newest;
}

async function mineStatus(needs: HandlerNeeds): Promise<MethodResult<"mine.status">> {
  const { chain } = needs;
  const door = minerOf(needs);
  const { state, tipset } = chain.headState();
  const view = readMinerState(chain.store, state, door.miner);
  const sectors = readSectors(chain.store, state, door.miner);
  const faulty = sectors.filter((sector) => sector.faultySince !== null).length;
  const onChain = new Set<number>(sectors.map((sector) => sector.sectorId));
  let pending = 0;
  for await (const { sectorId: id } of door.unfinished()) if (!onChain.has(id)) pending += 1;
  const lastPostAt = Math.max(-1, ...sectors.map((sector) => sector.lastProven ?? -1));
  const next = addEpochs(tipset.height, 1);
  const period = provingPeriodAt(chain.params, door.miner, next);
  const deadlines = deadlinesOf(chain, door.miner, next);
  const nextDeadline = nextDeadlineOf(chain, door.miner, deadlines, next);
  const { blocksWon, lastBlockAt, proofFailure, signing } = door.status();
  const earned = readActor(chain.store, state, view.owner)?.balance ?? attoFil(0);
  return {
    miner: door.miner,
    owner: view.owner,
    ...lightOf(needs, {
      faulty,
      active: sectors.length - faulty,
      lastPostAt,
      nextDeadline,
      proofFailure,
      signing,
    }),
    signing,
    powerBytes: Number(readPowerOf(chain.store, state, door.miner, chain.params.networkByte)),
    idlePowerBytes: Number(readIdleMiner(chain.store, state, door.miner)?.power ?? 0n),
    networkPowerBytes: Number(readPower(chain.store, state, chain.params.networkByte)),
    blocksWon,
    lastBlockAt,
    sectors: { active: sectors.length - faulty, faulty, pending },
    pledgeFil: filText(view.pledge),
    availableFil: filText(view.freeBalance),
    provingPeriodStart: period.start ?? 0,
    nextDeadline,
    lastPostAt: lastPostAt < 0 ? null : lastPostAt,
    deadlines: deadlines.map(({ judgedAt: _, ...view }) => view),
    asks: asksOf(needs, door.miner),
    earnedFil: filText(earned),
  };
}

/** From the last proof on the chain, never from the process being up. */
function lightOf(
  { chain }: HandlerNeeds,
  facts: {
    readonly faulty: number;
    readonly active: number;
    readonly lastPostAt: number;
    readonly nextDeadline: number;
    readonly proofFailure: string | null;
    readonly signing: MethodResult<"mine.status">["signing"];
  },
): Pick<MethodResult<"mine.status">, "light" | "reason"> {
  const { height } = chain.head();
  const { provingPeriodEpochs } = chain.params;
  const left = inRounds(facts.nextDeadline - height, chain.params);
  const { standing, reason } = facts.signing;
  if (standing === "twin" && reason !== null) return { light: "not-earning", reason };
  if (facts.active === 0 && facts.faulty === 0)
    return { light: "not-earning", reason: "there is no sector on the chain" };
  if (facts.active === 0) {
    const reason = `all ${facts.faulty} sectors are faulty`;
    const since = readStandstill(chain.store, chain.headState().state, chain.params.networkByte);
    if (since === null) return { light: "not-earning", reason };
    return {
      light: "at-risk",
      reason: `${reason}; the network lost all power at ${since}, and draws by them until more is proven than faulty`,
    };
  }
  if (facts.faulty > 0)
    return {
      light: "at-risk",
      reason: `${facts.faulty} sectors are faulty; the next deadline is in ${left}`,
    };
  if (facts.proofFailure !== null) return { light: "at-risk", reason: facts.proofFailure };
  const ageEpochs = height - facts.lastPostAt;
  if (facts.lastPostAt >= 0 && ageEpochs > provingPeriodEpochs * 2) {
    return { light: "at-risk", reason: `the last proof is ${inRounds(ageEpochs, chain.params)} old` };
  }
  const proof =
    facts.lastPostAt < 0 ? "no proof was due yet" : `the last proof was accepted at ${facts.lastPostAt}`;
  return { light: "earning", reason: `${proof}; the next deadline is in ${left}` };
}

function chainSector(miner: Address, sector: Sector): SectorView {
  return {
    sectorId: sector.sectorId,
    miner,
    sectorBytes: sector.sectorBytes,
    state: sector.faultySince === null ? "active" : "faulty",
    commD: toHex(sector.commD),
    commR: toHex(sector.commR),
    pieces: 0,
    usedBytes: 0,
    activatedAt: sector.activatedAt,
    expiresAt: sector.expiration,
    lastProvenAt: sector.lastProven,
    detail: sector.faultySince === null ? "" : `faulty since ${sector.faultySince}`,
  };
}

/** What lies on the disk, with what the chain says of it. */
function ownSector(needs: HandlerNeeds, local: LocalSector): SectorView {
  const { chain } = needs;
  const door = minerOf(needs);
  const onChain = readSector(chain.store, chain.headState().state, door.miner, sectorId(local.sectorId));
  const known = onChain === undefined ? undefined : chainSector(door.miner, onChain);
  return {
    sectorId: local.sectorId,
    miner: door.miner,
    sectorBytes: local.sectorBytes,
    state: known?.state ?? local.state,
    commD: local.commD === null ? null : toHex(local.commD),
    commR: local.commR === null ? null : toHex(local.commR),
    pieces: local.pieceCount,
    usedBytes: local.usedBytes,
    activatedAt: known?.activatedAt ?? null,
    expiresAt: known?.expiresAt ?? null,
    lastProvenAt: known?.lastProvenAt ?? null,
    detail: door.status().sectorFailures.get(local.sectorId) ?? (known?.detail || local.detail),
  };
}

async function ownDetail(needs: HandlerNeeds, number: number): Promise<SectorDetail | undefined> {
  const door = minerOf(needs);
  const local = await door.sector(number);
  if (local === undefined) return undefined;
  const pieces = await door.piecesOf(number);
  return {
    ...ownSector(needs, local),
    pieceList: pieces.map((piece) => ({
      pieceCid: pieceCid(piece.commP).toString(),
      dealId: piece.pieceKey,
      offsetBytes: piece.offsetPaddedBytes,
      paddedBytes: piece.paddedBytes,
    })),
  };
}
