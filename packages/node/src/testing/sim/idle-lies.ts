/**
 * A verifier that lies for a miner: the miner's files are gone, it answers a challenge with bytes out of nothing, and a
 * verifier with a seat signs that every answer is right. The chain looks at some answers itself, which the total fixes
 * and the miner has not chosen: so the settlement fails, and whoever was shown one of the answers has the verifier
 * struck off for it.
 */
import { addressBytes, attoFil, encode, epoch, equalBytes, toHex } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  builtinAddresses,
  type CertifyIdle,
  type IdleMinerView,
  idleAuditOf,
  idleRandomnessTags,
  idleSeats,
  idleVerdictBytes,
  methods,
  readIdleMiner,
  readIdleVerifiers,
  type SettleIdle,
} from "@holdfast/consensus";
import {
  drawnIdleAnswers,
  type IdleRange,
  IdleRangeTree,
  idleAppendDigest,
  idleAuditFiles,
  idleAuditSeed,
  idleAuditTotal,
  idleLayerElements,
  idleProfiles,
  idleRangeRoot,
} from "@holdfast/proofs/idle";
import type { RunningNode } from "../../compose.ts";
import { openedAnswers } from "../../verifier/index.ts";
import { plentyOfGas } from "./deeds.ts";
import { network, type SimNode } from "./node.ts";
import type { SpaceTrial } from "./space.ts";
import { decoded } from "./told.ts";

const { idle: idleAddress } = builtinAddresses(network);
const { idle } = methods;
/** Challenges that it waits for. */
const patienceRounds = 60;
/** Of an answer that was made up. */
const answerBytes = 300;

type Challenge = NonNullable<NonNullable<ReturnType<typeof idleOf>>["challenge"]>;

/** What the chain has of the idle space of a machine's miner. */
export function idleOf({ identity: { miner }, running }: SimNode): IdleMinerView | undefined {
  if (miner === undefined || running === undefined) return undefined;
  const { chain } = running;
  return readIdleMiner(chain.store, chain.headState().state, miner);
}

/** Whoever vouches for a miner that has nothing is struck off; says nothing where nobody has a seat. */
export async function vouchedFor(trial: SpaceTrial, node: SimNode, random: SeededRandom): Promise<void> {
  const { world, forbidden } = trial;
  const { miner } = node.identity;
  const profile = idleProfiles.get(world.params.idle.profile);
  const challenge = await challenged(trial, node);
  const { running } = node;
  if (challenge === undefined || running === undefined || miner === undefined || profile === undefined)
    return;
  const liar = seatedVerifier(trial, running, challenge);
  const range = rangeOf(running, node, challenge);
  world.history.record(node.name, "looks for a liar", {
    liar: liar?.name ?? "",
    hasRange: range !== undefined,
  });
  if (liar?.running === undefined || range === undefined) return;
  const audit = idleAuditOf(challenge, profile, world.params.idle);
  const answers = idleAuditFiles(audit).map(() => random.bytes(answerBytes));
  const total = idleAuditTotal(audit, answers);
  await call(trial, node, "answer", encode(idle.answer.params, { miner, total }));
  const answeredAt = await answered(trial, node, total);
  if (answeredAt === undefined) return;
  const drawnAt = answeredAt + world.params.idle.drawDelayEpochs;
  await passes(trial, () => heightOf(node) >= drawnAt);
  const { chain } = running;
  const draw = chain.randomnessBelow(chain.head());
  const drawn = drawnIdleAnswers(
    audit,
    total,
    draw(epoch(drawnAt), idleRandomnessTags.openings, addressBytes(miner)),
    world.params.idle.openings,
  );
  const openings = openedAnswers(audit, answers, range, drawn);
  const key = liar.identity.account;
  const verdict = {
    ...{ verifier: key, audit: idleAuditSeed(audit), total },
    validUntil: epoch(challenge.settleBy),
  };
  const signature = liar.running.wallet.sign(key, idleVerdictBytes(verdict, chain.networkId));
  const settlement: SettleIdle = { miner, openings, verdict: { verdict, signature } };
  world.history.record(liar.name, "vouches for nothing", { miner });
  const sent = await call(trial, node, "settle", encode(idle.settle.params, settlement));
  if (sent !== undefined) forbidden.add(sent.cid, "a settlement by a verifier's lie");
  const [opened] = openings;
  if (opened === undefined) return;
  const { state, randomness } = challenge;
  const accusation = { verdict: { verdict, signature }, state, randomness, opened };
  const params = encode(idle.accuseVerifier.params, accusation);
  const accuser =
    world.nodes.find((one) => one !== liar && one !== node && !one.identity.isByzantine) ?? node;
  await call(trial, accuser, "accuseVerifier", params);
  const isStruckOff = (): boolean =>
    !readIdleVerifiers(chain.store, chain.headState().state).some(({ operator }) => operator === key);
  if (await passes(trial, isStruckOff)) world.history.record(liar.name, "struck off");
  else if (!trial.isOver())
    world.history.violate("idle space is judged", liar.name, "vouched for nothing, and keeps its office");
}

const heightOf = ({ running }: SimNode): number => running?.chain.head().height ?? 0;

/** Whether it holds within some rounds. */
async function passes({ world, isOver, drain }: SpaceTrial, holds: () => boolean): Promise<boolean> {
  const { clock, plan } = world;
  for (let round = 0; round < patienceRounds && !holds() && !isOver(); round += 1)
    await clock.advanceUntil(() => isOver() || holds(), { limitMs: plan.roundMs, drain });
  return holds();
}

/** A challenge that nobody has answered. */
async function challenged(trial: SpaceTrial, node: SimNode): Promise<Challenge | undefined> {
  const open = (): Challenge | undefined => {
    const challenge = idleOf(node)?.challenge ?? undefined;
    return challenge?.total === null && challenge.answerBy > heightOf(node) + 1 ? challenge : undefined;
  };
  await passes(trial, () => open() !== undefined);
  return open();
}

async function answered(trial: SpaceTrial, node: SimNode, total: Uint8Array): Promise<number | undefined> {
  const at = (): number | undefined => {
    const challenge = idleOf(node)?.challenge;
    const isTaken =
      challenge?.total !== undefined && challenge?.total !== null && equalBytes(challenge.total, total);
    return isTaken ? (challenge.answeredAt ?? undefined) : undefined;
  };
  await passes(trial, () => at() !== undefined);
  return at();
}

function seatedVerifier(
  { world }: SpaceTrial,
  { chain }: RunningNode,
  { randomness }: Challenge,
): SimNode | undefined {
  const { state, tipset } = chain.headState();
  const seats = idleSeats(
    readIdleVerifiers(chain.store, state),
    world.params.idle,
    randomness,
    tipset.height + 1,
  );
  return world.nodes.find(({ identity }) => seats.some(({ key }) => key === identity.account));
}

/** Where the files of the miner are among all: every kept layer that came onto the chain says what is in it. */
function rangeOf({ chain }: RunningNode, node: SimNode, { state }: Challenge): IdleRange | undefined {
  const profile = idleProfiles.get(state.profile);
  const { miner } = node.identity;
  if (profile === undefined || miner === undefined) return undefined;
  const layers = new Map<string, CertifyIdle>();
  for (const tipset of chain.ancestors(chain.head())) {
    for (const { message } of chain.messagesOf(tipset)) {
      if (message.to !== idleAddress || message.method !== "certify") continue;
      const given = decoded(idle.certify.params, message.params);
      if (given?.miner === miner) layers.set(toHex(idleAppendDigest(given.append)), given);
    }
  }
  const tree = new IdleRangeTree(profile.files);
  const { networkId, nonce } = state;
  for (const [index, { append }] of [...layers.values()].reverse().entries()) {
    const set = Math.floor(index / profile.keptLayers);
    const first = index * profile.files;
    if (first >= state.rear) break;
    tree.append(idleLayerElements(profile, { networkId, miner, nonce, set }, first, append.roots.fileRoots));
  }
  const range = tree.peaks();
  return equalBytes(idleRangeRoot(range), state.root) ? range : undefined;
}

function call({ deeds, space }: SpaceTrial, node: SimNode, method: string, params: Uint8Array) {
  const given = { to: idleAddress, method, params, value: attoFil(0), gasLimit: plentyOfGas };
  return deeds.send(node, space.key(node, method), given);
}
