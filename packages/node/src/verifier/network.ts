/**
 * A miner's way to the chain and to verifiers with a seat. What is asked for may be asked for again with the same
 * message, by another life of the node too: every message has a key that names what it is about, and whoever comes
 * late sees on the chain that it is done. Without verifiers an answer still settles, by more openings.
 */
import {
  type Address,
  type AttoFil,
  addressBytes,
  type Cancel,
  type Codec,
  encode,
  epoch,
  equalBytes,
  HoldfastError,
  mulAtto,
  type PeerId,
  subAtto,
  toHex,
  zeroAtto,
} from "@holdfast/base";
import {
  builtinAddresses,
  exitCodeMeaning,
  type IdleMinerView,
  idleFreeAt,
  idlePledgeOfFiles,
  idleRandomnessTags,
  methods,
  readIdleMiner,
  readMinerState,
  type SignedIdleVerdict,
} from "@holdfast/consensus";
import {
  drawnIdleAnswers,
  type IdleAppend,
  type IdleAppendChallenge,
  type IdleAudit,
  type IdleProfile,
  type IdleRange,
  type IdleRelease,
  type IdleState,
  idleAppendDigest,
  idleAppendSeed,
  idleAppendStatement,
  idleAuditSeed,
  idleAuditTotal,
  idleProfiles,
  idleStateDigest,
  narrowIdleCommit,
  type SignedIdleCertificate,
} from "@holdfast/proofs";
import { limits } from "../limits.ts";
import { batchesOf, openedAnswers } from "./answers.ts";
import { verifierErrors } from "./errors.ts";
import { announcedOf, matterOf, seatsOf } from "./judge.ts";
import type { IdleNetworkNeeds } from "./needs.ts";
import { askCertificate, askVerdict } from "./protocol.ts";
import { isCertificateOf, isVerdictOn } from "./worth.ts";

type IdleMethods = typeof methods.idle;
type ParamsOf<Name extends keyof IdleMethods> =
  IdleMethods[Name]["params"] extends Codec<infer P> ? P : never;

/** Kept layers for which a deposit is made at once. */
const depositLayers = 8;

export class IdleNetworkOfChain {
  readonly #needs: IdleNetworkNeeds;

  constructor(needs: IdleNetworkNeeds) {
    this.#needs = needs;
  }

  /** Heights for which a request is good. */
  get patienceEpochs(): number {
    return this.#params.certifyEpochs;
  }

  view(): {
    readonly height: number;
    readonly state: IdleState | undefined;
    readonly audits: readonly {
      readonly audit: IdleAudit;
      readonly deadline: number;
      readonly isAnswered: boolean;
    }[];
  } {
    const { height, record } = this.#head();
    const challenge = record?.challenge ?? null;
    const deadline = challenge?.total === null ? challenge.answerBy : (challenge?.settleBy ?? 0);
    const audits = challenge === null ? [] : [{ audit: this.#auditOf(record), deadline, isAnswered: false }];
    return { height, state: record?.state, audits };
  }

  onChange(listener: () => void): () => void {
    return this.#needs.chain.onHead(listener);
  }

  async register(signal: AbortSignal): Promise<void> {
    if (this.#head().record !== undefined) return;
    const value = mulAtto(this.#layerPledge(), depositLayers);
    await this.#tell("register", { miner: this.#needs.miner }, { key: this.#registration(), value, signal });
  }

  /** Which one it is: what a registration that has taken effect began, this miner has left since. */
  #registration(): string {
    const { sender, miner } = this.#needs;
    for (let n = 0; ; n += 1) {
      const key = n === 0 ? "" : String(n);
      const sent = sender.sentAs(this.#freshKey(`idle ${miner} register ${key}`));
      const isPast = sent !== undefined && sender.find(sent.cid)?.mined !== undefined;
      if (!isPast) return key;
    }
  }

  async announce(
    append: IdleAppend,
    signal: AbortSignal,
  ): Promise<{ readonly challenge: IdleAppendChallenge; readonly randomness: Uint8Array }> {
    const { miner } = this.#needs;
    const digest = idleAppendDigest(append);
    const key = toHex(digest);
    const { record } = this.#head();
    const isOpen = record?.announcement !== null && record?.announcement !== undefined;
    if (isOpen && !equalBytes(record.announcement.digest, digest)) {
      await this.#tell("giveUp", { miner }, { key: toHex(record.announcement.digest), signal });
    }
    if (!isOpen || !equalBytes(record.announcement.digest, digest)) {
      await this.#coverPledge(signal);
      await this.#tell("announce", { miner, digest }, { key, signal });
    }
    for (;;) {
      const asked = this.#announced();
      if (!("refused" in asked)) return asked;
      if (asked.refused !== "not-drawn") throw verifierErrors.gone({ what: "this kept layer" });
      await this.#nextHead(signal);
    }
  }

  async certify(
    append: IdleAppend,
    challenge: IdleAppendChallenge,
    proof: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { miner } = this.#needs;
    const { record } = this.#head();
    const asked = this.#announced();
    if (record === undefined || "refused" in asked) throw verifierErrors.gone({ what: "this kept layer" });
    const certificate = await this.#certificate(append, proof, asked.randomness, signal);
    const seed = idleAppendSeed(challenge, asked.randomness);
    const statement = idleAppendStatement(record.state, this.#profile, append, seed);
    const shown = narrowIdleCommit(statement, proof, this.#params.commitOpenings);
    const given = { miner, append, certificate, proof: shown };
    await this.#tell("certify", given, { key: toHex(challenge.append), signal });
  }

  async release({ before, count }: IdleRelease, signal: AbortSignal): Promise<void> {
    const { record } = this.#head();
    if (record === undefined || !equalBytes(before, idleStateDigest(record.state))) return;
    await this.#tell("release", { miner: this.#needs.miner, count }, { key: toHex(before), signal });
  }

  async answer(
    audit: IdleAudit,
    answers: readonly Uint8Array[],
    range: IdleRange,
    signal: AbortSignal,
  ): Promise<void> {
    const { miner, chain } = this.#needs;
    const key = toHex(idleAuditSeed(audit));
    const total = idleAuditTotal(audit, answers);
    if (this.#challengeOf(audit).total === null)
      await this.#tell("answer", { miner, total }, { key, signal });
    const drawnAt = (): number => {
      const { answeredAt } = this.#challengeOf(audit);
      return answeredAt === null ? Number.POSITIVE_INFINITY : answeredAt + this.#params.drawDelayEpochs;
    };
    const verdict = await this.#verdict(audit, answers, range, signal);
    while (chain.headState().tipset.height < drawnAt()) await this.#nextHead(signal);
    const { openings: few, openingsAlone } = this.#params;
    const randomness = chain.randomnessBelow(chain.headState().tipset)(
      epoch(drawnAt()),
      idleRandomnessTags.openings,
      addressBytes(miner),
    );
    const drawn = drawnIdleAnswers(audit, total, randomness, verdict === null ? openingsAlone : few);
    const openings = openedAnswers(audit, answers, range, drawn);
    await this.#tell("settle", { miner, verdict, openings }, { key, signal });
  }

  get #params() {
    return this.#needs.chain.params.idle;
  }
  get #profile(): IdleProfile {
    const profile = idleProfiles.get(this.#params.profile);
    if (profile === undefined) throw verifierErrors.gone({ what: "idle space: the network counts none" });
    return profile;
  }

  #head(): { readonly height: number; readonly record: IdleMinerView | undefined } {
    const { chain, miner } = this.#needs;
    const { state, tipset } = chain.headState();
    return { height: tipset.height, record: readIdleMiner(chain.store, state, miner) };
  }

  #auditOf(record: IdleMinerView | undefined): IdleAudit {
    const challenge = record?.challenge ?? null;
    if (challenge === null) throw verifierErrors.gone({ what: "an answer" });
    const { state, randomness } = challenge;
    return { state, randomness, profile: this.#profile, files: this.#params.files };
  }

  /** The open challenge that this audit is of. */
  #challengeOf(audit: IdleAudit) {
    const { record } = this.#head();
    const challenge = record?.challenge ?? null;
    const isThis =
      challenge !== null && equalBytes(idleAuditSeed(this.#auditOf(record)), idleAuditSeed(audit));
    if (!isThis) throw verifierErrors.gone({ what: "this answer" });
    return challenge;
  }

  #announced() {
    const { chain, miner } = this.#needs;
    const matter = matterOf(chain, miner);
    return "refused" in matter ? matter : announcedOf(chain, matter);
  }

  #seats(seed: Uint8Array) {
    const { chain } = this.#needs;
    const { state, tipset } = chain.headState();
    return seatsOf(chain, { state, height: tipset.height }, seed);
  }

  async #certificate(
    append: IdleAppend,
    proof: Uint8Array,
    seed: Uint8Array,
    signal: AbortSignal,
  ): Promise<SignedIdleCertificate> {
    const { miner } = this.#needs;
    const seats = this.#seats(seed);
    let last = "nobody has a seat";
    for (const { key: address, peerId } of seats) {
      try {
        const signed = await askCertificate(
          { ...this.#needs, signal },
          peerId as PeerId,
          { miner, append },
          proof,
        );
        const { record, height } = this.#head();
        const about = record && { state: record.state, profile: this.#profile, append, height };
        const isWorth = about !== undefined && isCertificateOf(signed, about);
        if (signed.certificate.verifier === address && isWorth) return signed;
        last = "what it has signed is worth nothing";
      } catch (error) {
        last = this.#reasonOf(error, address, signal);
      }
    }
    throw verifierErrors.noneAnswered({ asked: seats.length, last });
  }

  /** Null: none has answered with one. */
  async #verdict(
    audit: IdleAudit,
    answers: readonly Uint8Array[],
    range: IdleRange,
    signal: AbortSignal,
  ): Promise<SignedIdleVerdict | null> {
    const { miner } = this.#needs;
    const batches = batchesOf(answers, range);
    const { networkId } = this.#needs.chain;
    const about = { networkId, audit: idleAuditSeed(audit), total: idleAuditTotal(audit, answers) };
    const { settleBy } = this.#challengeOf(audit);
    for (const { key: address, peerId } of this.#seats(audit.randomness)) {
      try {
        const signed = await askVerdict({ ...this.#needs, signal }, peerId as PeerId, miner, batches);
        if (signed.verdict.verifier === address && isVerdictOn(signed, { ...about, settleBy })) return signed;
      } catch (error) {
        this.#reasonOf(error, address, signal);
      }
    }
    return null;
  }

  #reasonOf(error: unknown, verifier: Address, signal: Cancel): string {
    if (signal.aborted || !(error instanceof HoldfastError)) throw error;
    this.#needs.logger.info("idle: a verifier has not answered", { verifier, code: error.code });
    return error.message;
  }

  #layerPledge(): AttoFil {
    return idlePledgeOfFiles(this.#profile, this.#params, this.#profile.files);
  }

  /** What is announced needs a pledge; a deposit covers some layers more. */
  async #coverPledge(signal: AbortSignal): Promise<void> {
    const { miner } = this.#needs;
    const { record, height } = this.#head();
    const free = record === undefined ? zeroAtto : idleFreeAt(record, height + 1);
    const missing = subAtto(this.#layerPledge(), free);
    if (missing <= 0n) return;
    const value = mulAtto(this.#layerPledge(), depositLayers);
    await this.#tell("deposit", { miner }, { key: String(height), value, signal });
  }

  /** Sends a message and waits until it has taken effect. Errors: `verifier/chain-refused`, as of the sender. */
  async #tell<Name extends keyof IdleMethods>(
    method: Name,
    params: ParamsOf<Name>,
    { key, value, signal }: { readonly key: string; readonly value?: AttoFil; readonly signal: AbortSignal },
  ): Promise<void> {
    const { chain, sender, miner } = this.#needs;
    const { state } = chain.headState();
    const { worker: from } = readMinerState(chain.store, state, miner);
    const { idle: to } = builtinAddresses(chain.params.networkByte);
    const bytes = encode(methods.idle[method].params as Codec<unknown>, params);
    const { cid } = await sender.send({
      from,
      to,
      method,
      params: bytes,
      ...(value === undefined ? {} : { value }),
      key: this.#freshKey(`idle ${miner} ${method} ${key}`),
    });
    const { receipt } = await sender.wait(cid, { signal });
    if (receipt.exitCode !== 0) {
      throw verifierErrors.chainRefused({ method, meaning: exitCodeMeaning(receipt.exitCode) });
    }
  }

  /** A message that the chain has refused is not sent again under its key. */
  #freshKey(key: string): string {
    const { sender } = this.#needs;
    for (let n = 0; n < limits.idleAttempts; n += 1) {
      const tried = n === 0 ? key : `${key} ${n}`;
      const sent = sender.sentAs(tried);
      const exitCode = sent && sender.find(sent.cid)?.mined?.receipt.exitCode;
      if (exitCode === undefined || exitCode === 0) return tried;
    }
    return `${key} ${this.#needs.chain.headState().tipset.height}`;
  }

  /** Resolves at the next block. */
  async #nextHead(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = this.#needs.chain.onHead(() => resolve());
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      end();
      signal.removeEventListener("abort", onAbort);
    }
  }
}

export function openIdleNetwork(needs: IdleNetworkNeeds): IdleNetworkOfChain {
  return new IdleNetworkOfChain(needs);
}
