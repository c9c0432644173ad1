/**
 * Why a node does not follow the chain, in one word and one sentence, and what helps. A pure function of what the
 * node knows: the age of its head, what its peers have told, what catching up does or failed at. The order is that of
 * causes: a node without peers is not told that the chain stands still.
 */
import { knownVersion } from "@holdfast/consensus";
import type { BeginProgress } from "./begin.ts";
import type { Failure, Progress } from "./catch-up.ts";
import type { SyncChain } from "./needs.ts";

export const stallCodes = [
  "upgrade",
  "clock",
  "disk",
  "no-peers",
  "invalid-chain",
  "beyond-finality",
  "checkpoint",
  "bodies-missing",
  "headers-missing",
  "unreached",
  "peers-behind",
  "chain-stands-still",
] as const;
export type StallCode = (typeof stallCodes)[number];

export interface SyncState {
  readonly state: "synced" | "syncing" | "stalled";
  /** What a stalled node stands still for. */
  readonly code: StallCode | "none";
  readonly reason: string;
  /** What helps; null if nothing has to be done. */
  readonly fix: string | null;
}

/** What happened last that keeps blocks from being taken in, by this machine's clock. */
export interface Trouble {
  readonly detail: string;
  readonly atMs: number;
}

export interface StallFacts {
  readonly nowMs: number;
  readonly roundMs: number;
  readonly futureToleranceMs: number;
  readonly head: { readonly height: number; readonly timestampMs: number };
  /** When the head moved last; 0 if it has not since the start. */
  readonly movedAtMs: number;
  readonly peers: number;
  /** Heights that connected peers have told of. */
  readonly told: readonly number[];
  readonly progress: readonly Progress[];
  readonly failure: Failure | undefined;
  /** Of a chain that begins at a checkpoint. */
  readonly beginning?: BeginProgress | undefined;
  /** Blocks or heads of later than now: by how much (milliseconds), and when. */
  readonly ahead: { readonly byMs: number; readonly atMs: number } | undefined;
  readonly disk: Trouble | undefined;
  /** An upgrade at or below the present round whose version this program does not know. */
  readonly upgrade: { readonly version: number; readonly height: number; readonly known: number } | undefined;
}

/** Rounds without a new tipset after which something is wrong. */
export const stallRounds = 20;
/** So far above the head, and a node is catching up and not only waiting for its next block. */
const behindRounds = 3;

const rounds = (count: number): string => `${count} ${count === 1 ? "round" : "rounds"}`;
const stalled = (code: StallCode, reason: string, fix: string): SyncState => ({
  state: "stalled",
  code,
  reason,
  fix,
});

const morePeers = "connect to more peers with `holdfast net connect ADDRESS`";

export function diagnose(facts: StallFacts): SyncState {
  const { nowMs, roundMs, head, progress } = facts;
  const wrong = upgradeTrouble(facts) ?? clockTrouble(facts) ?? diskTrouble(facts);
  if (wrong !== undefined) return wrong;
  if (facts.beginning !== undefined && facts.peers > 0) return beginningOf(facts.beginning);
  const failure = failureThatMatters(facts);
  // What has failed and is only tried again is no progress yet.
  const best = progress.find(({ executed }) => executed > 0 || failure === undefined);
  if (best !== undefined && best.height - head.height > behindRounds) return catchingUp(best, nowMs);
  const ageRounds = Math.floor((nowMs - head.timestampMs) / roundMs);
  const isAhead = facts.told.some((height) => height - head.height > behindRounds);
  if (ageRounds < stallRounds && (!isAhead || failure === undefined))
    return { state: "synced", code: "none", reason: "new blocks come in", fix: null };
  return (
    ofPeers(facts) ?? (failure === undefined ? undefined : ofFailure(failure)) ?? ofChain(facts, ageRounds)
  );
}

function upgradeTrouble({ upgrade }: StallFacts): SyncState | undefined {
  if (upgrade === undefined) return undefined;
  const { version, height, known } = upgrade;
  return stalled(
    "upgrade",
    `the network follows version ${version} of its rules since height ${height}; this program knows ${known}`,
    "install a program that knows the version; the node goes on where it stands",
  );
}

/** The network is beyond what this program knows. */
export function unknownUpgradeNow(
  chain: Pick<SyncChain, "params" | "genesisTimestampMs" | "protocols" | "unknownUpgrade">,
  nowMs: number,
): StallFacts["upgrade"] {
  const round = Math.floor((nowMs - chain.genesisTimestampMs) / chain.params.roundMs);
  const unknown = chain.unknownUpgrade(round);
  return unknown === undefined ? undefined : { ...unknown, known: knownVersion(chain.protocols) };
}

function clockTrouble({ nowMs, roundMs, futureToleranceMs, head, movedAtMs, ...facts }: StallFacts) {
  const { ahead, progress, told } = facts;
  const fix = "set the clock of this machine";
  const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;
  const earlyMs = head.timestampMs - nowMs - futureToleranceMs;
  if (earlyMs > 0) return stalled("clock", `this clock is ${seconds(earlyMs)} behind the chain's head`, fix);
  if (ahead !== undefined && nowMs - ahead.atMs < stallRounds * roundMs)
    return stalled("clock", `blocks come from ${seconds(ahead.byMs)} after the time of this clock`, fix);
  // Blocks come in steadily, and all of them are old.
  const lateMs = movedAtMs - head.timestampMs;
  const isSteady = nowMs - movedAtMs < behindRounds * roundMs && progress.length === 0;
  const isNewest = told.every((height) => height <= head.height);
  if (isSteady && isNewest && lateMs > stallRounds * roundMs)
    return stalled("clock", `every new block is ${seconds(lateMs)} old by this clock`, fix);
  return undefined;
}

function diskTrouble({ disk }: StallFacts): SyncState | undefined {
  if (disk === undefined) return undefined;
  return stalled(
    "disk",
    `blocks cannot be stored: ${disk.detail}`,
    "free space on the disk and start the node again; `holdfast doctor` looks at it",
  );
}

function catchingUp({ stage, height, left, executed, sinceMs }: Progress, nowMs: number): SyncState {
  const found = { state: "syncing", code: "none", fix: null } as const;
  if (stage === "headers") return { ...found, reason: `fetching headers of the chain to height ${height}` };
  const perSecond = executed / Math.max(1, (nowMs - sinceMs) / 1000);
  const rate = perSecond >= 1 ? `, ${Math.round(perSecond)} a second` : "";
  return { ...found, reason: `executing: ${left} tipsets are left to height ${height}${rate}` };
}

function beginningOf({ stage, checkpoint, headers, objects, trouble }: BeginProgress): SyncState {
  const have = {
    headers: `${headers} headers`,
    state: `${objects} objects of its state`,
    blocks: "its blocks",
  };
  const reason = `beginning at the checkpoint of height ${checkpoint}: ${have[stage]}`;
  if (trouble === null) return { state: "syncing", code: "none", reason, fix: null };
  return { state: "syncing", code: "none", reason: `${reason}; ${trouble}`, fix: morePeers };
}

/**
 * One that is about a chain above our head which somebody still tells of. Where all who did are gone, as on one side
 * of a split, it is no reason for long: the miners of that side would wait for each other for ever.
 */
function failureThatMatters({ failure, head, told, nowMs, roundMs }: StallFacts): Failure | undefined {
  if (failure === undefined || failure.height <= head.height) return undefined;
  const isToldOf = told.some((height) => height > head.height);
  return isToldOf || nowMs - failure.atMs < stallRounds * roundMs ? failure : undefined;
}

function ofPeers({ peers }: StallFacts): SyncState | undefined {
  if (peers > 0) return undefined;
  return stalled(
    "no-peers",
    "there is no peer",
    "connect to one with `holdfast net connect ADDRESS`, or start the others",
  );
}

function ofFailure({ code, reason, height, bad }: Failure): SyncState | undefined {
  if (bad !== undefined) {
    return stalled(
      "invalid-chain",
      `the best peer's chain is invalid at height ${bad.height}: ${bad.reason}`,
      `${morePeers}; if this node is mistaken, \`holdfast chain bad clear\` lets it look again`,
    );
  }
  switch (code) {
    case "sync/bodies-missing":
      return stalled("bodies-missing", reason, morePeers);
    case "sync/ancestors-missing":
      return stalled("headers-missing", `nobody gives the chain to height ${height}: ${reason}`, morePeers);
    case "sync/beyond-finality":
      return stalled(
        "beyond-finality",
        reason,
        "if this node was on the wrong side of a split, begin again with an empty repo",
      );
    case "chain/contradicts-checkpoint":
      return stalled(
        "checkpoint",
        `the chain of the peers is not that of the checkpoint: ${reason}`,
        `${morePeers}, or ask where the checkpoint comes from`,
      );
    case "block/from-the-future":
      return stalled(
        "clock",
        `the chain of a peer is ahead of this clock: ${reason}`,
        "set the clock of this machine",
      );
    default:
      return stalled("unreached", `the chain to height ${height} was not reached: ${reason}`, morePeers);
  }
}

function ofChain({ told, head, peers }: StallFacts, ageRounds: number): SyncState {
  const highest = Math.max(-1, ...told);
  if (told.length > 0 && highest < head.height - behindRounds) {
    return stalled(
      "peers-behind",
      `all ${peers} peers are behind this node: the highest is at ${highest}, this one at ${head.height}`,
      morePeers,
    );
  }
  return stalled(
    "chain-stands-still",
    `no miner has made a block for ${rounds(ageRounds)}`,
    "look whether miners run: `holdfast mine status --node miner-1`",
  );
}
