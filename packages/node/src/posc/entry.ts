/**
 * The way into the network, the seed's seven steps: the enclave makes a key; evidence is bound to key, peer, operator,
 * network and a fresh draw of the chain; it is judged, here by the list of programs and on the chain by everybody; a
 * program that may not run stops with the reason; the key lies sealed; from then on reports are heard and orders
 * followed. Evidence is renewed in the last third of its time, and before the collateral is over that it was judged by;
 * a new version of the program has a key of its own and renews the node under it, so that orders and pins stay.
 */
import { type CID, encode, epoch, equalBytes, HoldfastError, toHex } from "@holdfast/base";
import { methods, type PinNode, pinSlotAt } from "@holdfast/consensus";
import { poscErrors } from "./errors.ts";
import type { Attesting, PoscKey, PoscNeeds, PoscView, Terms } from "./needs.ts";
import type { PoscStore } from "./store.ts";

export interface EntryState {
  /** Undefined: this node has not tried to attest since it started. */
  readonly attesting: Attesting | undefined;
  readonly operator: string | undefined;
  /** Why it does not work as a pinning node; undefined if it does, or was not asked to. */
  readonly reason: { readonly code: string; readonly message: string } | undefined;
}

const settings = {
  ...{ node: "node", operator: "operator", leaving: "leaving", joining: "joining" },
  collateralEnd: "collateral end",
} as const;
/** What its evidence was judged by is over in less than this (seconds): newer can be had long before. */
const collateralSlackSeconds = 86_400;
/** Rounds between two tries of a renewal. */
const retryEpochs = 5;

/** Of the next block. */
const slotOf = ({ slotEpochs, height }: PoscView): number => pinSlotAt(slotEpochs, height + 1);

export class Entry {
  readonly #needs: PoscNeeds;
  readonly #store: PoscStore;
  readonly #use: (key: PoscKey) => void;
  #attesting: Promise<Attesting> | undefined;
  #opened: Attesting | undefined;
  #reason: EntryState["reason"];
  #triedAt = Number.NEGATIVE_INFINITY;
  readonly #stop = new AbortController();
  #joining: Promise<void> | undefined;

  constructor(needs: PoscNeeds, store: PoscStore, use: (key: PoscKey) => void) {
    this.#needs = needs;
    this.#store = store;
    this.#use = use;
  }

  state(): EntryState {
    const operator = this.#store.setting(settings.operator);
    return { attesting: this.#opened, operator, reason: this.#reason };
  }
  /** The number that the chain gave this node, also under another key. */
  node(): number | undefined {
    const number = this.#store.setting(settings.node);
    return number === undefined ? undefined : Number(number);
  }

  /** A reorganisation can number nodes anew: the key's number is right, and the one before is somebody else's. */
  #numberOn(view: PoscView): number | undefined {
    const key = this.#opened?.key.address;
    const known = this.node();
    const found = key === undefined ? undefined : view.nodeOfKey(key);
    if (known === undefined || found === undefined || found === known) return known;
    this.#store.set(settings.node, String(found));
    this.#needs.logger.info("this node has another number now", { node: found, before: known });
    return found;
  }
  /** Undefined while the chain has given the number to another. */
  #own(view: PoscView, number: number): PinNode | undefined {
    const node = view.node(number);
    return node?.peerId === this.#needs.wire.self ? node : undefined;
  }

  stop(): void {
    this.#stop.abort(poscErrors.stopped({}));
  }

  /** Resolves when it joins no more. */
  async settled(): Promise<void> {
    await this.#joining;
  }

  /** A node that had joined goes on. */
  async resume(): Promise<void> {
    if (this.node() === undefined) return;
    try {
      this.#use((await this.#attest()).key);
    } catch (error) {
      this.#stopped(error);
    }
  }

  /** Resolves with the node's number when it is admitted. `posc/…`, `pins/…`, `attestation/…`, `sender/…`. */
  async join(terms: Terms, signal?: AbortSignal): Promise<number> {
    const { sender, chain, pins } = this.#needs;
    if (pins === undefined) throw poscErrors.noPins({});
    await pins.ready();
    const attesting = await this.#attest();
    const view = chain.view();
    this.#checkProgram(view, attesting);
    const known = view.nodeOfKey(attesting.key.address);
    if (known !== undefined && view.node(known)?.status === "active")
      throw poscErrors.alreadyJoined({ node: known });
    const operator = sender.operator();
    const { proof, collateralEnd } = await this.#proof(view, attesting, operator, signal);
    const { publicKey } = attesting.key;
    const peerId = this.#needs.wire.self;
    const key = `pin join:${toHex(publicKey.subarray(0, 8))}:${proof.nonceEpoch}`;
    const params = encode(methods.pins.admitNode.params, { ...terms, publicKey, peerId, proof });
    this.#store.set(settings.operator, operator);
    const leaving = this.#store.setting(settings.leaving) ?? "";
    this.#store.set(settings.leaving, "");
    this.#store.set(settings.collateralEnd, String(collateralEnd));
    // Before it is sent: a node that is killed now finds itself on the chain later.
    this.#store.set(settings.joining, "yes");
    const message = await sender
      .send({ method: "admitNode", key, params, value: view.stake })
      .catch((error: unknown) => {
        // The stake of before is still bound, and is to come back all the same.
        this.#store.set(settings.leaving, leaving);
        throw error;
      });
    await sender.wait(message, "admitNode", signal);
    const node = chain.view().nodeOfKey(attesting.key.address);
    if (node === undefined) throw poscErrors.notJoined({});
    this.#admitted(node, attesting);
    return node;
  }

  #admitted(node: number, { kind, key }: Attesting): void {
    this.#store.set(settings.node, String(node));
    this.#store.set(settings.joining, "");
    this.#reason = undefined;
    this.#needs.logger.info("this node pins for the network", { node, kind });
    this.#use(key);
  }

  /** A node that is to join by itself, or was killed while it did. */
  async #enter(view: PoscView): Promise<void> {
    const { joins } = this.#needs;
    if (this.#joining !== undefined || this.#store.setting(settings.leaving) === "yes") return;
    if (joins === undefined && this.#store.setting(settings.joining) !== "yes") return;
    const attesting = await this.#attest();
    const known = view.nodeOfKey(attesting.key.address);
    if (known !== undefined && view.node(known)?.status === "active") this.#admitted(known, attesting);
    else if (joins !== undefined && view.height >= this.#triedAt + retryEpochs) {
      this.#triedAt = view.height;
      // Not waited for: the answer comes with a head, and heads wait for this look.
      this.#joining = this.join(joins, this.#stop.signal)
        .then(() => undefined)
        .catch((error: unknown) => this.#stopped(error))
        .finally(() => {
          this.#joining = undefined;
        });
    }
  }

  /** The node takes no more orders; its stake comes back by itself when nothing can be disputed any more. */
  async leave(signal?: AbortSignal): Promise<number> {
    const { sender, chain } = this.#needs;
    const view = chain.view();
    const node = this.#numberOn(view);
    const found = node === undefined ? undefined : this.#own(view, node);
    if (node === undefined || found === undefined) throw poscErrors.notJoined({});
    const message = found.status === "active" ? await this.#sendLeave(view, node) : undefined;
    // Before it is waited for: what a branch of the chain does not take is sent again.
    this.#store.set(settings.leaving, "yes");
    if (message !== undefined) await sender.wait(message, "leave", signal);
    return node;
  }

  /** In another slot as another message: one that came too early in a branch of the chain has failed for good. */
  #sendLeave(view: PoscView, node: number): Promise<CID> {
    const params = encode(methods.pins.leave.params, { node });
    const key = `pin leave:${node}:${slotOf(view)}`;
    return this.#needs.sender.send({ method: "leave", key, params });
  }

  /** What time brings: renewal, the way out. Never fails. */
  async look(view: PoscView): Promise<void> {
    const number = this.#numberOn(view);
    const node = number === undefined ? undefined : this.#own(view, number);
    try {
      if (number === undefined) await this.#enter(view);
      if (number === undefined || node === undefined) return;
      const isLeaving = this.#store.setting(settings.leaving) === "yes";
      if (node.status === "active" && isLeaving) await this.#sendLeave(view, number);
      else if (node.status === "active") await this.#renew(view, number, node);
      else if (node.status === "expelled")
        this.#reason = { code: "expelled", message: "the chain has expelled this node for a lie" };
      else await this.#withdraw(view, number, node);
    } catch (error) {
      this.#stopped(error);
    }
  }

  async #renew(view: PoscView, number: number, node: PinNode): Promise<void> {
    const attesting = await this.#attest();
    this.#checkProgram(view, attesting);
    const isSame = node.key === attesting.key.address && equalBytes(node.program, attesting.program);
    const isFresh = node.validUntil - view.height > view.evidenceEpochs / 3;
    const isEnding = this.#isCollateralEnding();
    if (isSame && isFresh && !isEnding) {
      this.#reason = undefined;
      return;
    }
    if (view.height < this.#triedAt + retryEpochs || this.#hasReportUnderWay(view, number, node)) return;
    this.#triedAt = view.height;
    const { sender, logger } = this.#needs;
    const { proof, collateralEnd } = await this.#proof(view, attesting, node.operator);
    // Where nothing newer is to be had nothing is gained by sending the same again.
    if (isSame && isFresh && collateralEnd <= this.#collateralEnd()) return;
    const params = encode(methods.pins.renewNode.params, {
      ...{ node: number, publicKey: attesting.key.publicKey, proof },
    });
    await sender.send({ method: "renewNode", key: `pin renew:${number}:${proof.nonceEpoch}`, params });
    logger.info("evidence is renewed", { node: number, isUpgrade: !isSame, isEnding });
    this.#store.set(settings.collateralEnd, String(collateralEnd));
    this.#use(attesting.key);
    this.#reason = undefined;
  }

  /** What the key before has signed for this slot counts only while the chain has that key. */
  #hasReportUnderWay(view: PoscView, number: number, node: PinNode): boolean {
    const slot = slotOf(view);
    const isTaken = node.lastSlot !== null && node.lastSlot >= slot;
    return !isTaken && this.#store.of(number, slot).some(({ report }) => report.key === node.key);
  }

  async #withdraw(view: PoscView, node: number, { endedIn, stake, openChallenges }: PinNode): Promise<void> {
    const slot = slotOf(view);
    const isFree = endedIn !== null && slot > endedIn + view.disputeSlots && openChallenges === 0;
    if (stake === 0n || !isFree || this.#store.setting(settings.leaving) !== "yes") return;
    const params = encode(methods.pins.withdrawStake.params, { node });
    const key = `pin withdraw:${node}:${slot}`;
    await this.#needs.sender.send({ method: "withdrawStake", key, params });
  }

  async #proof(view: PoscView, attesting: Attesting, operator: PinNode["operator"], signal?: AbortSignal) {
    const nonceEpoch = Math.max(0, view.height - 1);
    const nonce = view.draw(nonceEpoch);
    if (nonce === undefined) throw poscErrors.chainTooYoung({});
    const bound = { operator, epoch: nonceEpoch, nonce };
    const { evidence, collateralEndSeconds: collateralEnd } = await attesting.evidence(bound, signal);
    return { proof: { program: attesting.program, nonceEpoch: epoch(nonceEpoch), evidence }, collateralEnd };
  }

  /** Seconds since 1970; a node that joined before this was written down knows none. */
  #collateralEnd(): number {
    return Number(this.#store.setting(settings.collateralEnd) ?? Number.POSITIVE_INFINITY);
  }
  #isCollateralEnding(): boolean {
    return this.#needs.clock.nowMs() / 1000 > this.#collateralEnd() - collateralSlackSeconds;
  }

  #checkProgram(view: PoscView, { kind, program }: Attesting): void {
    const ends = view.programEnds(kind, program);
    if (ends === undefined || view.height + 1 >= ends)
      throw poscErrors.programNotAllowed({ kind, program: toHex(program) });
  }

  async #attest(): Promise<Attesting> {
    const { attest } = this.#needs;
    if (attest === undefined) throw poscErrors.notAttesting({ reason: "it has no means to" });
    this.#attesting ??= attest();
    try {
      this.#opened = await this.#attesting;
      return this.#opened;
    } catch (error) {
      this.#attesting = undefined;
      throw error;
    }
  }

  #stopped(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const code = error instanceof HoldfastError ? error.code : "posc/internal";
    const message = error instanceof Error ? error.message : String(error);
    if (this.#reason?.code !== code)
      this.#needs.logger.warn("this node does not work as a pinning node", { code, detail: message });
    this.#reason = { code, message };
  }
}
