/**
 * Asks peers for a range of the chain, the best first and one after the other until one has it, and judges each by
 * its answer. One that does not keep to the protocol is a liar: it is cut off and not asked for a while. Requests
 * that run at the same time are spread over the peers.
 */
import { type Cancel, type Clock, HoldfastError, type Logger, type PeerId, type Wire } from "@holdfast/base";
import { type BlockHeader, tipsetKey } from "@holdfast/consensus";
import { limits } from "../limits.ts";
import { syncErrors } from "./errors.ts";
import { type RangeAnswer, type RangeRequest, requestRange } from "./exchange.ts";
import type { PeerScores, PeerVerdict } from "./scores.ts";

export interface AskNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly scores: PeerScores;
  /** Told of every verdict. Must not throw. */
  readonly onVerdict?: (peer: PeerId, verdict: PeerVerdict, detail: string) => void;
}

export interface AskRange {
  readonly signal: Cancel;
  /** Asked before all others. */
  readonly first?: PeerId;
  /** Asked after all others. */
  readonly last?: PeerId;
  readonly headers?: readonly (readonly BlockHeader[])[];
}

/** An answer that comes this slowly counts as late, whatever is in it: nobody is kept waiting by drops. */
const slowMs = limits.exchangeProbeMs / 2;
const slowBytesPerSecond = 16_384;

/** Codes of answers that no honest peer gives. */
const lies: ReadonlySet<string> = new Set(["sync/bad-answer", "net/frame-too-large"]);

export class Asker {
  readonly #needs: AskNeeds;
  readonly #underWay = new Map<PeerId, number>();

  constructor(needs: AskNeeds) {
    this.#needs = needs;
  }

  /** A range of at least one tipset. Errors: `sync/ancestors-missing` if nobody has it, those of the signal. */
  async ask(request: RangeRequest, options: AskRange): Promise<RangeAnswer> {
    const asked = new Set<PeerId>();
    for (;;) {
      options.signal.throwIfAborted();
      const peer = this.#next(options, asked);
      if (peer === undefined)
        throw syncErrors.ancestorsMissing({ key: tipsetKey(request.from), tried: asked.size });
      asked.add(peer);
      const answer = await this.#askOne(peer, request, options);
      if (answer !== undefined && answer.tipsets.length > 0) return answer;
    }
  }

  /** A lie that somebody else has found out. */
  lied(peer: PeerId, detail: string): void {
    const { wire, logger, scores } = this.#needs;
    logger.warn("a peer lied about the chain", { peer, detail });
    this.judge(peer, "lying", { detail });
    if (!scores.isBanned(peer)) return;
    wire.disconnect(peer).catch((error: unknown) => {
      logger.debug("a liar is not cut off", { peer, detail: String(error) });
    });
  }

  judge(
    peer: PeerId,
    verdict: PeerVerdict,
    { detail, tookMs }: { readonly detail: string; readonly tookMs?: number },
  ): void {
    this.#needs.scores.note(peer, verdict, tookMs);
    this.#needs.onVerdict?.(peer, verdict, detail);
  }

  /** The best that was not asked yet, of those with the fewest questions under way. */
  #next({ first, last }: AskRange, asked: ReadonlySet<PeerId>): PeerId | undefined {
    const { wire, scores } = this.#needs;
    const left = scores.rank(wire.peers().map(({ id }) => id)).filter((id) => !asked.has(id));
    if (first !== undefined && left.includes(first)) return first;
    const busy = (peer: PeerId): number => (peer === last ? limits.connections : 0) + this.#busy(peer);
    return left.toSorted((a, b) => busy(a) - busy(b))[0];
  }

  /** Two at a time are no reason to take a worse one. */
  #busy(peer: PeerId): number {
    return Math.floor((this.#underWay.get(peer) ?? 0) / 2);
  }

  async #askOne(
    peer: PeerId,
    request: RangeRequest,
    { signal, headers }: AskRange,
  ): Promise<RangeAnswer | undefined> {
    const { clock, scores, logger } = this.#needs;
    const timeoutMs = scores.isProven(peer) ? limits.requestTimeoutMs : limits.exchangeProbeMs;
    this.#underWay.set(peer, (this.#underWay.get(peer) ?? 0) + 1);
    const startedMs = clock.nowMs();
    try {
      const answer = await requestRange(this.#needs, peer, request, {
        timeoutMs,
        signal,
        ...(headers === undefined ? {} : { headers }),
      });
      this.#judgeAnswer(peer, answer, clock.nowMs() - startedMs);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      logger.debug("chain request failed", { peer, detail: String(error) });
      this.#judgeFailure(peer, error);
      return undefined;
    } finally {
      const left = (this.#underWay.get(peer) ?? 1) - 1;
      if (left > 0) this.#underWay.set(peer, left);
      else this.#underWay.delete(peer);
    }
  }

  #judgeAnswer(peer: PeerId, { state, tipsets, bytes }: RangeAnswer, tookMs: number): void {
    if (state === "busy") return;
    const isSlow = tookMs > slowMs && (bytes * 1000) / tookMs < slowBytesPerSecond;
    if (tipsets.length === 0) this.judge(peer, "useless", { detail: "it does not have what was asked for" });
    else if (isSlow) this.judge(peer, "late", { detail: `${bytes} bytes in ${tookMs} ms` });
    else this.judge(peer, "useful", { detail: `${tipsets.length} tipsets`, tookMs });
  }

  #judgeFailure(peer: PeerId, error: unknown): void {
    const code = error instanceof HoldfastError ? error.code : "";
    const detail = error instanceof Error ? error.message : String(error);
    if (lies.has(code) || code.startsWith("tipset/")) this.lied(peer, detail);
    else this.judge(peer, code === "net/timeout" ? "late" : "useless", { detail });
  }
}
