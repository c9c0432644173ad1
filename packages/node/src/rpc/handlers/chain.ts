/** Methods about the node and the chain. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { addAtto, attoFil, filText, formatDuration, toHex } from "@holdfast/base";
import { codeNameOfCid, listActors, moneyInvariant, readActor } from "@holdfast/consensus";
import { rpcErrors } from "../errors.ts";
import type { HandlerNeeds } from "../needs.ts";
import { actorStateJson } from "./actor-state.ts";
import { protocolView, upgradeWarning } from "./network.ts";
import { addressParam } from "./params.ts";
import { cidOf, messageView, tipsetView } from "./views.ts";

type ChainHandlers = Pick<
  ApiHandlers,
  | "node.status"
  | "chain.head"
  | "chain.ls"
  | "chain.show"
  | "chain.watch"
  | "chain.money"
  | "chain.bad"
  | "chain.clearBad"
  | "chain.snapshot"
  | "chain.prune"
  | "chain.store"
  | "actor.ls"
  | "actor.show"
>;

/** Rounds without a block after which the node asks for attention. */
const warnRounds = 10;

export function chainHandlers(needs: HandlerNeeds): ChainHandlers {
  const { chain } = needs;
  return {
    "node.status": async () => statusOf(needs),
    "chain.head": async () => tipsetView(chain, chain.head()),
    "chain.ls": async ({ from, limit }) => {
      const list: MethodResult<"chain.ls"> = [];
      let at = from === undefined ? chain.head() : chain.tipsetAt(from);
      for (;;) {
        list.push(tipsetView(chain, at));
        const parent = chain.parentOf(at);
        if (parent === undefined || list.length >= limit) return list;
        at = parent;
      }
    },
    "chain.show": async ({ cid }) => blockView(needs, cid),
    "chain.snapshot": async (request) => needs.archive.plan(request),
    "chain.prune": (request) => needs.archive.prune(request),
    "chain.store": (_params, signal) => needs.archive.inventory(signal),
    "chain.watch": (_params, signal) => watchHeads(needs, signal),
    "chain.money": async () => {
      const { state, tipset } = chain.headState();
      const money = moneyInvariant(chain.store, state);
      return {
        height: tipset.height,
        balancesFil: filText(money.balances),
        escrowFil: filText(addAtto(money.escrow, money.deals, money.idle, money.pins)),
        pledgeFil: filText(money.pledge),
        burntFil: filText(money.burnt),
        totalFil: filText(money.total),
        genesisTotalFil: filText(chain.genesisTotal),
        exact: money.total === chain.genesisTotal,
      };
    },
    ...badHandlers(needs),
    "actor.ls": async ({ limit }) => {
      const { state } = chain.headState();
      const actors: MethodResult<"actor.ls"> = [];
      for (const [address, record] of listActors(chain.store, state)) {
        if (actors.length >= limit) break;
        actors.push(actorView(address, record));
      }
      return actors;
    },
    "actor.show": async ({ address }) => {
      const at = addressParam(needs, address);
      const { state, tipset } = chain.headState();
      const record = readActor(chain.store, state, at);
      if (record === undefined) throw rpcErrors.notFound({ what: `actor ${address} on the chain` });
      return {
        ...actorView(at, record),
        state: actorStateJson(
          chain.store,
          { state, height: tipset.height + 1 },
          at,
          codeNameOfCid(record.code),
        ),
      };
    },
  };
}

function badHandlers({ sync }: HandlerNeeds): Pick<ChainHandlers, "chain.bad" | "chain.clearBad"> {
  return {
    "chain.bad": async () =>
      sync.badTipsets().map(({ atMs: foundAtMs, ...entry }) => ({ ...entry, foundAtMs })),
    "chain.clearBad": async ({ key }) => {
      const cleared = sync.clearBad(key);
      if (key !== undefined && cleared === 0) throw rpcErrors.notFound({ what: `invalid block ${key}` });
      return { cleared };
    },
  };
}

function blockView({ chain }: HandlerNeeds, cid: string): MethodResult<"chain.show"> {
  const block = chain.requireBlock(cidOf(cid));
  if (block === undefined) throw rpcErrors.notFound({ what: `block ${cid}` });
  const { header } = block;
  return {
    cid,
    miner: header.miner,
    height: header.height,
    parents: header.parents.map(String),
    parentWeight: header.parentWeight.toString(),
    stateRoot: header.stateRoot.toString(),
    receipts: header.receipts.toString(),
    ticketHex: toHex(header.ticket),
    timestampMs: header.timestampMs,
    messages: block.messages.map(messageView),
  };
}

function actorView(
  address: string,
  record: NonNullable<ReturnType<typeof readActor>>,
): MethodResult<"actor.ls">[number] {
  return {
    address,
    kind: codeNameOfCid(record.code),
    balanceFil: filText(record.balance),
    nonce: record.nonce,
    head: record.head?.toString() ?? null,
  };
}

async function* watchHeads(
  { chain }: HandlerNeeds,
  signal: AbortSignal,
): AsyncIterable<MethodResult<"chain.watch">> {
  let wake = Promise.withResolvers<void>();
  const end = chain.onHead(() => wake.resolve());
  const stop = (): void => wake.resolve();
  signal.addEventListener("abort", stop);
  try {
    while (!signal.aborted) {
      yield tipsetView(chain, chain.head());
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    end();
    signal.removeEventListener("abort", stop);
  }
}

function statusOf(needs: HandlerNeeds): MethodResult<"node.status"> {
  const { chain, net, wallet, clock } = needs;
  const { state, tipset } = chain.headState();
  const head = tipsetView(chain, tipset);
  const address = wallet.defaultAddress();
  const balance = address === undefined ? undefined : readActor(chain.store, state, address)?.balance;
  const sync = needs.sync.state();
  return {
    name: needs.name,
    version: needs.version,
    network: chain.params.name,
    roundMs: chain.params.roundMs,
    sectors: chain.params.sectorClasses.map(({ sectorBytes, profile, proofMode }) => ({
      sectorBytes,
      profile,
      proofMode,
    })),
    peerId: net.self,
    addresses: [...net.addresses()],
    peers: net.peers().length,
    head,
    headAgeMs: Math.max(0, clock.nowMs() - head.timestampMs),
    syncState: sync.state,
    syncCode: sync.code,
    syncReason: sync.reason,
    believedFrom: needs.believedFrom(),
    protocol: protocolView(needs),
    health: healthOf(needs, head.timestampMs),
    defaultAddress: address ?? null,
    balanceFil: address === undefined ? null : filText(balance ?? attoFil(0)),
    pendingMessages: needs.pending().length,
    roles: rolesOf(needs),
    uptimeMs: Math.max(0, clock.nowMs() - needs.startedMs),
  };
}

function rolesOf({ miner, name, verifier }: HandlerNeeds): MethodResult<"node.status">["roles"] {
  const isVerifier = verifier !== undefined;
  if (miner !== undefined) return isVerifier ? ["miner", "verifier", "client"] : ["miner", "client"];
  if (isVerifier) return ["verifier", "client"];
  return name === "bootstrap" ? ["bootstrap"] : ["client"];
}

/** From what the node's own chain says. */
export function healthOf(needs: HandlerNeeds, headMs: number): MethodResult<"node.status">["health"] {
  const { chain, clock, sync } = needs;
  const rounds = Math.floor((clock.nowMs() - headMs) / chain.params.roundMs);
  const { state, reason, fix } = sync.state();
  const silence = needs.miner?.recordsSilence();
  if (silence !== undefined) return { light: "failing", ...silenceText(silence, clock.nowMs()) };
  if (state === "stalled") return { light: "failing", reason, fix };
  if (state === "syncing") return { light: "warning", reason, fix };
  if (rounds > warnRounds && chain.headState().tipset.height === 0) {
    return {
      light: "warning",
      reason: `no block has been made yet, and the network began ${inRounds(rounds)} ago`,
      fix: "a network that has just begun needs a moment; if none comes: `holdfast mine status --node miner-1`",
    };
  }
  if (rounds > warnRounds) {
    return {
      light: "failing",
      reason: `the newest block is ${inRounds(rounds)} old`,
      fix: "look whether miners run: `holdfast mine status --node miner-1`",
    };
  }
  const upgrade = upgradeWarning(needs);
  if (upgrade !== undefined) return upgrade;
  return { light: "ok", reason: `the newest block is ${inRounds(Math.max(0, rounds))} old`, fix: null };
}

function silenceText({ sinceMs, detail }: { sinceMs: number; detail: string }, nowMs: number) {
  const forText = formatDuration(Math.max(0, Math.floor((nowMs - sinceMs) / 1000)) * 1000);
  return {
    reason:
      `the database of its sectors and jobs has not answered for ${forText} (${detail}): ` +
      "it makes no block, proves nothing and takes no deal; sectors that are not proven in time become faulty",
    fix: "start PostgreSQL again, or make it reachable (`[mining] database` in config.toml); the node then goes on by itself",
  };
}

const inRounds = (count: number): string => `${count} ${count === 1 ? "round" : "rounds"}`;
