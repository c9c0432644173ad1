/**
 * Attested pinning on the chain: who may run, who was admitted, what was ordered, what was reported, and what a lie
 * costs. The seed is 4EVERLAND's PoSC; its contracts paid every node the same whatever it reported, and its punishments
 * were tied to nothing (docs/PINNING.md).
 */
import type { Address, AttoFil, Epoch } from "@holdfast/base";
import { c } from "@holdfast/base";
import { codeNames } from "../../types/builtins.ts";
import type { Pin, PinNode, PinProgram } from "../../types/pin.ts";
import { maxPinBytes, maxPinReplicas, pinCodec, pinNodeCodec, pinProgramCodec } from "../../types/pin.ts";
import { vmExitCodes } from "../../vm/exit-codes.ts";
import type { JudgeVerifier, ProgramRef, SeenProgram } from "../attested.ts";
import { getProgramCall, judgeVerifierCall } from "../attested.ts";
import type { None } from "../kit.ts";
import { actorOf, getter, method, noneCodec } from "../kit.ts";
import type { AnswerAsk, OnePart } from "./asks.ts";
import { answerAsk, answerAskCodec, askOrder, closeAsk, onePartCodec } from "./asks.ts";
import { PinBook } from "./book.ts";
import type { AnswerChallenge, ClaimedSample, Disproof, Equivocation, OneChallenge } from "./disputes.ts";
import {
  answerChallenge,
  answerChallengeCodec,
  challengeSample,
  claimedSampleCodec,
  closeChallenge,
  disproofCodec,
  disprove,
  equivocationCodec,
  oneChallengeCodec,
  reportEquivocation,
} from "./disputes.ts";
import { judgeVerifier } from "./judge.ts";
import type { AdmitNode, NodeTerms, OneNode, RenewNode } from "./nodes.ts";
import {
  admitNode,
  admitNodeCodec,
  claimEarned,
  leaveNetwork,
  nodeTermsCodec,
  oneNodeCodec,
  renewNode,
  renewNodeCodec,
  setNodeTerms,
  withdrawStake,
} from "./nodes.ts";
import type { AddPin, ExtendPin, OnePin, SettlePins } from "./orders.ts";
import {
  addPin,
  addPinCodec,
  extendPin,
  extendPinCodec,
  getPin,
  maxPinsPerMessage,
  onePinCodec,
  priceOf,
  removePin,
  repairPin,
  settlePins,
  settlePinsCodec,
} from "./orders.ts";
import { clearProgram, listedProgram, setProgram } from "./programs.ts";
import type { SubmitReport } from "./reports.ts";
import { submitReport, submitReportCodec } from "./reports.ts";
import { keyName, pinsStateCodec } from "./state.ts";

/** What each does and its exit codes stand at the function that `run` names. */
export const pinsMethods = {
  setProgram: method<PinProgram, None>({ params: pinProgramCodec, returns: noneCodec, run: setProgram }),
  clearProgram: method<ProgramRef, None>({
    params: getProgramCall.params,
    returns: noneCodec,
    run: clearProgram,
  }),
  admitNode: method<AdmitNode, number>({
    params: admitNodeCodec,
    returns: c.uint(),
    payable: true,
    run: admitNode,
  }),
  renewNode: method<RenewNode, Epoch>({ params: renewNodeCodec, returns: c.epoch, run: renewNode }),
  setNodeTerms: method<NodeTerms, None>({ params: nodeTermsCodec, returns: noneCodec, run: setNodeTerms }),
  leave: method<OneNode, None>({ params: oneNodeCodec, returns: noneCodec, run: leaveNetwork }),
  withdrawStake: method<OneNode, AttoFil>({ params: oneNodeCodec, returns: c.attoFil, run: withdrawStake }),
  claimEarned: method<OneNode, AttoFil>({ params: oneNodeCodec, returns: c.attoFil, run: claimEarned }),
  addPin: method<AddPin, number>({ params: addPinCodec, returns: c.uint(), payable: true, run: addPin }),
  extendPin: method<ExtendPin, number>({
    params: extendPinCodec,
    returns: c.uint(),
    payable: true,
    run: extendPin,
  }),
  removePin: method<OnePin, AttoFil>({ params: onePinCodec, returns: c.attoFil, run: removePin }),
  settlePins: method<SettlePins, number>({
    params: settlePinsCodec,
    returns: c.uint(maxPinsPerMessage),
    run: settlePins,
  }),
  repairPin: method<OnePin, number>({ params: onePinCodec, returns: c.uint(), run: repairPin }),
  submitReport: method<SubmitReport, number>({
    params: submitReportCodec,
    returns: c.uint(1_000_000),
    run: submitReport,
  }),
  disprove: method<Disproof, AttoFil>({ params: disproofCodec, returns: c.attoFil, run: disprove }),
  reportEquivocation: method<Equivocation, AttoFil>({
    params: equivocationCodec,
    returns: c.attoFil,
    run: reportEquivocation,
  }),
  challengeSample: method<ClaimedSample, number>({
    params: claimedSampleCodec,
    returns: c.uint(),
    payable: true,
    run: challengeSample,
  }),
  answerChallenge: method<AnswerChallenge, None>({
    params: answerChallengeCodec,
    returns: noneCodec,
    run: answerChallenge,
  }),
  closeChallenge: method<OneChallenge, AttoFil>({
    params: oneChallengeCodec,
    returns: c.attoFil,
    run: closeChallenge,
  }),
  askOrder: method<OnePart, Epoch>({
    params: onePartCodec,
    returns: c.epoch,
    payable: true,
    run: askOrder,
  }),
  answerAsk: method<AnswerAsk, None>({ params: answerAskCodec, returns: noneCodec, run: answerAsk }),
  closeAsk: method<OnePart, number>({ params: onePartCodec, returns: c.uint(maxPinReplicas), run: closeAsk }),
  /** For the idle space actor only. */
  judgeVerifier: method<JudgeVerifier, SeenProgram>({
    ...judgeVerifierCall,
    access: { builtin: "idle" },
    run: judgeVerifier,
  }),
  getNode: method<OneNode, PinNode>({
    params: oneNodeCodec,
    returns: pinNodeCodec,
    run: (ctx, { node }) => new PinBook(ctx).node(node),
  }),
  /** Number of the node that has or had a key. `pinNodeNotFound`. */
  findNode: method<{ readonly key: Address }, number>({
    params: c.tuple("FindNode", { key: c.address }),
    returns: c.uint(),
    run(ctx, { key }) {
      const number = new PinBook(ctx).names.get(keyName(key));
      return number ?? ctx.fail(vmExitCodes.pinNodeNotFound, `no pinning node has the key ${key}`);
    },
  }),
  getPin: method<OnePin, Pin>({ params: onePinCodec, returns: pinCodec, run: getPin }),
  /** `programNotAllowed`. */
  getProgram: method<ProgramRef, PinProgram>({
    ...getProgramCall,
    run: (ctx, ref) => listedProgram(ctx, new PinBook(ctx), ref),
  }),
  /** attoFIL for one node and one slot. */
  getSlotPrice: method<{ readonly bytes: number; readonly price: AttoFil }, AttoFil>({
    params: c.tuple("GetSlotPrice", { bytes: c.uint(maxPinBytes), price: c.attoFil }),
    returns: c.attoFil,
    run: priceOf,
  }),
  /** attoFIL of all stakes, earnings, orders and deposits. */
  getHeld: getter<AttoFil>(c.attoFil, (ctx) => ctx.readState(pinsStateCodec).held),
} as const;

export const pinsActor = actorOf(codeNames.pins, pinsMethods);
