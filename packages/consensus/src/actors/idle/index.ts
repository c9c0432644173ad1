/**
 * Idle space (in place of CESS's pallets `sminer`, `audit` and the TEE workers' pallet): miners prove the space that
 * they keep free, and it counts as power, less than a deal's. What each method does and its exit codes stand at the
 * function that `run` names.
 */
import type { Epoch } from "@holdfast/base";
import { addressBytes, assert, c } from "@holdfast/base";
import { type IdleState, idleStateCodec } from "@holdfast/proofs/idle";
import { codeNames } from "../../types/builtins.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import { idleSlashedCall } from "../calls.ts";
import type { None } from "../kit.ts";
import { actorOf, getter, method, none, noneCodec } from "../kit.ts";
import { readIdle, readVerifiers } from "./access.ts";
import type { AnswerIdle, SettleIdle } from "./audit.ts";
import { answerIdle, answerIdleCodec, settleIdle, settleIdleCodec } from "./audit.ts";
import type { AnnounceIdle, CertifyIdle, OfIdleMiner } from "./certify.ts";
import {
  announceIdle,
  announceIdleCodec,
  certifyIdle,
  certifyIdleCodec,
  giveUpIdle,
  ofIdleMinerCodec,
  registerIdle,
} from "./certify.ts";
import type { ReleaseIdle, WithdrawIdle } from "./deposits.ts";
import {
  depositIdle,
  leaveIdle,
  minerSlashed,
  releaseIdle,
  releaseIdleCodec,
  withdrawIdle,
  withdrawIdleCodec,
} from "./deposits.ts";
import type { AccuseVerifier } from "./evidence.ts";
import { accuseVerifier, accuseVerifierCodec } from "./evidence.ts";
import type { AdmitVerifier, AttestVerifier, OfVerifier } from "./registry.ts";
import {
  admitVerifier,
  admitVerifierCodec,
  attestVerifier,
  attestVerifierCodec,
  ofVerifierCodec,
  postBond,
  removeVerifier,
  withdrawBond,
} from "./registry.ts";
import type { IdleMiner, IdleVerifier } from "./state.ts";
import { idleMinerCodec, idleVerifiersCodec, loadIdleMiners } from "./state.ts";
import { tickIdle } from "./tick.ts";

export const idleMethods = {
  admitVerifier: method<AdmitVerifier, None>({
    params: admitVerifierCodec,
    returns: noneCodec,
    run: admitVerifier,
  }),
  attestVerifier: method<AttestVerifier, Epoch>({
    params: attestVerifierCodec,
    returns: c.epoch,
    run: attestVerifier,
  }),
  removeVerifier: method<OfVerifier, None>({
    params: ofVerifierCodec,
    returns: noneCodec,
    run: removeVerifier,
  }),
  postBond: method<OfVerifier, None>({
    params: ofVerifierCodec,
    returns: noneCodec,
    payable: true,
    run: postBond,
  }),
  withdrawBond: method<OfVerifier, None>({ params: ofVerifierCodec, returns: noneCodec, run: withdrawBond }),
  accuseVerifier: method<AccuseVerifier, None>({
    params: accuseVerifierCodec,
    returns: noneCodec,
    run: accuseVerifier,
  }),
  register: method<OfIdleMiner, IdleState>({
    params: ofIdleMinerCodec,
    returns: idleStateCodec,
    payable: true,
    run: registerIdle,
  }),
  deposit: method<OfIdleMiner, None>({
    params: ofIdleMinerCodec,
    returns: noneCodec,
    payable: true,
    run: depositIdle,
  }),
  withdraw: method<WithdrawIdle, None>({
    params: withdrawIdleCodec,
    returns: noneCodec,
    run: withdrawIdle,
  }),
  announce: method<AnnounceIdle, None>({
    params: announceIdleCodec,
    returns: noneCodec,
    run: announceIdle,
  }),
  giveUp: method<OfIdleMiner, None>({ params: ofIdleMinerCodec, returns: noneCodec, run: giveUpIdle }),
  certify: method<CertifyIdle, IdleState>({
    params: certifyIdleCodec,
    returns: idleStateCodec,
    run: certifyIdle,
  }),
  release: method<ReleaseIdle, IdleState>({
    params: releaseIdleCodec,
    returns: idleStateCodec,
    run: releaseIdle,
  }),
  answer: method<AnswerIdle, None>({ params: answerIdleCodec, returns: noneCodec, run: answerIdle }),
  settle: method<SettleIdle, None>({ params: settleIdleCodec, returns: noneCodec, run: settleIdle }),
  leave: method<OfIdleMiner, None>({ params: ofIdleMinerCodec, returns: noneCodec, run: leaveIdle }),
  minerSlashed: method<None, None>({ ...idleSlashedCall, run: minerSlashed }),
  /** All that stands about a miner; `idleUnknownMiner`. */
  getMiner: method<OfIdleMiner, IdleMiner>({
    params: ofIdleMinerCodec,
    returns: idleMinerCodec,
    run(ctx, { miner }) {
      const found = loadIdleMiners(ctx.store, readIdle(ctx)).get(addressBytes(miner));
      return found ?? ctx.fail(vmExitCodes.idleUnknownMiner, `${miner} has not registered its idle space`);
    },
  }),
  /** All verifiers, also those whose office is over. */
  getVerifiers: getter<readonly IdleVerifier[]>(idleVerifiersCodec, (ctx) => readVerifiers(ctx)),
  /** For the VM, once per tipset before its messages. `epoch` is the tipset's height. */
  cronTick: method<{ readonly epoch: Epoch }, None>({
    params: c.tuple("CronTick", { epoch: c.epoch }),
    returns: noneCodec,
    access: "system",
    run(ctx, { epoch }) {
      assert(epoch === ctx.height, "the tick is for the tipset's own height");
      tickIdle(ctx);
      return none;
    },
  }),
} as const;

export const idleActor = actorOf(codeNames.idle, idleMethods);
