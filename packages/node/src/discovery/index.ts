/**
 * Finding peers and keeping them: a few known addresses first, then whom those know, then whom this node knew
 * before. It dials until it has its quota of connections of its own choice, dials again with growing pauses
 * whom it lost, and asks its peers for others as long as it wants more. Quiet once there are enough.
 */
import type { PeerId, WirePeer } from "@holdfast/base";
import { Bounded } from "../bounded.ts";
import { withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { type Known, PeerBook } from "./book.ts";
import { chooseDials } from "./choose.ts";
import { discoveryErrors } from "./errors.ts";
import { askPeers, servePeers } from "./exchange.ts";
import { serveGenesis } from "./genesis-exchange.ts";
import { believable } from "./hearsay.ts";
import type { DiscoveryNeeds } from "./needs.ts";
import type { KeptPeer } from "./store.ts";

export { discoveryErrors } from "./errors.ts";
export { peersProtocol } from "./exchange.ts";
export { fetchGenesis, genesisProtocol } from "./genesis-exchange.ts";
export {
  type Checkpoint,
  checkInvitationTime,
  decodeInvitation,
  encodeInvitation,
  type Invitation,
} from "./invitation.ts";
export { createInvitation, type InviteOptions, type Inviting } from "./invite.ts";
export type { DiscoveryNeeds, GenesisNeeds, JoinNeeds } from "./needs.ts";
export { type KeptPeer, openPeerStore, type PeerStore } from "./store.ts";

/** With this many peers a node asks for no more. */
const enoughPeers = 16;
/** The first questions come in quick succession. */
const firstAskMs = 250;
/** A connection that ended before counts as none: the other side did not want it. */
const shortMs = 5_000;
const saveEveryMs = 60_000;
/** Who has not been written down yet is soon: a node that is killed dials it when it is back. */
const saveNewMs = 5_000;

export interface Discovery extends AsyncDisposable {
  /** Where a peer may be dialled, as far as is known. */
  addressesOf(peer: PeerId): readonly string[];
}

export function openDiscovery(needs: DiscoveryNeeds): Discovery {
  return new PeerSearch(needs);
}

class PeerSearch implements Discovery {
  readonly #needs: DiscoveryNeeds;
  readonly #book = new PeerBook();
  readonly #stop = new AbortController();
  readonly #endings: (() => void)[];
  readonly #since = new Map<PeerId, number>();
  readonly #dialling = new Map<string, Promise<void>>();
  readonly #asking = new Map<PeerId, Promise<void>>();
  /** Peers that were written down. */
  #saved = new Set<string>();
  readonly #mostMs: number;
  #wake = new AbortController();
  #askAtMs = 0;
  #askPauseMs = firstAskMs;
  /** Peers whose last connection ended at once. */
  readonly #brief = new Bounded<true>(limits.knownPeers);
  #saveAtMs: number;
  readonly #loop: Promise<void>;

  constructor(needs: DiscoveryNeeds) {
    this.#needs = needs;
    const { wire, clock, genesis, bootstrap, store } = needs;
    this.#mostMs = needs.redialMaxMs ?? limits.redialMaxMs;
    this.#saveAtMs = clock.nowMs() + saveEveryMs;
    for (const address of bootstrap) this.#book.learn(address, "bootstrap");
    for (const kept of store?.load() ?? []) this.#recall(kept);
    this.#endings = [servePeers(wire, clock)];
    if (genesis !== undefined) this.#endings.push(serveGenesis(genesis, wire, clock));
    this.#endings.push(wire.onPeer((event, peer) => this.#onPeer(event, peer)));
    for (const { id } of wire.peers()) this.#since.set(id, clock.nowMs());
    this.#loop = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#save();
    this.#stop.abort(discoveryErrors.stopped({}));
    for (const end of this.#endings.splice(0)) end();
    await this.#loop;
    await Promise.all([...this.#dialling.values(), ...this.#asking.values()]);
  }

  addressesOf(peer: PeerId): readonly string[] {
    return this.#book.get(peer)?.addresses ?? [];
  }

  async #run(): Promise<void> {
    const { clock } = this.#needs;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      if (clock.nowMs() >= this.#askAtMs) this.#ask();
      this.#dial();
      if (clock.nowMs() >= this.#saveAtMs) this.#save();
      const either = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      await clock.sleep(Math.max(1, this.#nextMs() - clock.nowMs()), either).catch(() => undefined);
    }
  }

  /** When there is something to do, if nobody comes or goes before. */
  #nextMs(): number {
    const { wire, clock } = this.#needs;
    const here = new Set<string>(wire.peers().map(({ id }) => id));
    let next = Math.min(this.#askAtMs, this.#saveAtMs, clock.nowMs() + this.#mostMs);
    for (const { id, nextMs } of this.#book.all()) {
      if (!here.has(id) && !this.#dialling.has(id) && nextMs > clock.nowMs()) next = Math.min(next, nextMs);
    }
    return next;
  }

  #dial(): void {
    const { wire, clock, random } = this.#needs;
    const chosen = chooseDials({
      known: [...this.#book.all()].filter(({ id }) => !this.#dialling.has(id)),
      connected: wire.peers(),
      self: wire.self,
      nowMs: clock.nowMs(),
      longestPauseMs: this.#mostMs,
      outboundPeers: limits.outboundPeers - this.#dialling.size,
      most: limits.parallelDials - this.#dialling.size,
      draw: (limit) => drawBelow(random, limit),
    });
    for (const known of chosen) {
      const dialled = this.#tryConnect(known).finally(() => {
        this.#dialling.delete(known.id);
        this.#wake.abort();
      });
      this.#dialling.set(known.id, dialled);
    }
  }

  async #tryConnect(known: Known): Promise<void> {
    const { wire, clock, logger } = this.#needs;
    const options = { timeoutMs: limits.requestTimeoutMs, protocol: "dial", outer: this.#stop.signal };
    for (const address of known.addresses) {
      try {
        await withDeadline(clock, options, (signal) => wire.connect(address, signal));
        return;
      } catch (error) {
        logger.debug("peer not reached", { address, detail: String(error) });
        if (this.#stop.signal.aborted) return;
      }
    }
    this.#failed(known.id);
  }
  #failed(id: string): void {
    const { clock, random } = this.#needs;
    this.#book.failed(id, clock.nowMs(), this.#mostMs, drawBelow(random, 1000) / 1000);
  }

  #onPeer(event: "connect" | "disconnect", peer: PeerId): void {
    const { clock } = this.#needs;
    const nowMs = clock.nowMs();
    // Who comes and goes at once, cut off for its lies perhaps, is no news that everybody has to be asked about.
    let isNews = this.#brief.get(peer) === undefined;
    if (event === "connect") {
      this.#since.set(peer, nowMs);
      if (!this.#saved.has(peer)) this.#saveAtMs = Math.min(this.#saveAtMs, nowMs + saveNewMs);
    } else {
      const sinceMs = this.#since.get(peer) ?? nowMs;
      this.#since.delete(peer);
      isNews = nowMs - sinceMs >= shortMs;
      if (isNews) {
        this.#brief.delete(peer);
        this.#book.lost(peer, nowMs);
      } else this.#brief.set(peer, true);
      this.#failed(peer);
    }
    if (isNews) {
      this.#askPauseMs = firstAskMs;
      this.#askAtMs = Math.min(this.#askAtMs, nowMs + firstAskMs);
    }
    this.#wake.abort();
  }

  /** Peers tell where they listen and whom they know. One that is slow to answer keeps nobody waiting. */
  #ask(): void {
    const { wire, clock } = this.#needs;
    this.#listen();
    const peers = wire.peers().length;
    this.#askPauseMs = peers === 0 ? firstAskMs : Math.min(limits.peerQuestionMs, this.#askPauseMs * 2);
    this.#askAtMs = clock.nowMs() + this.#askPauseMs;
    if (peers >= enoughPeers) return;
    for (const { id } of this.#asked()) {
      const asked = this.#learnFrom(id).finally(() => {
        this.#asking.delete(id);
        this.#wake.abort();
      });
      this.#asking.set(id, asked);
    }
  }
  async #learnFrom(peer: PeerId): Promise<void> {
    const teller = this.#needs.remoteOf?.(peer);
    const named = await askPeers(this.#needs, peer, this.#stop.signal);
    for (const address of believable(named, teller)) this.#book.learn(address, "heard");
  }
  /** Each says where it listens itself. */
  #listen(): void {
    const { wire, clock, remoteOf } = this.#needs;
    for (const { id, addresses } of wire.peers())
      this.#book.told(id, believable(addresses, remoteOf?.(id)), clock.nowMs());
  }
  #asked(): readonly WirePeer[] {
    const peers = this.#needs.wire.peers().filter(({ id }) => !this.#asking.has(id));
    const first = drawBelow(this.#needs.random, Math.max(1, peers.length));
    return [...peers.slice(first), ...peers.slice(0, first)].slice(0, limits.parallelDials);
  }

  #recall({ id, addresses, seenMs, isAnchor }: KeptPeer): void {
    this.#saved.add(id);
    for (const address of addresses) {
      const known = this.#book.learn(address, isAnchor ? "anchor" : "kept");
      if (known?.id === id) known.seenMs = seenMs;
    }
  }
  /** Anchors are those of our own choice that have been here the longest. */
  #save(): void {
    const { wire, clock, store } = this.#needs;
    this.#saveAtMs = clock.nowMs() + saveEveryMs;
    if (store === undefined) return;
    const peers = wire.peers();
    this.#listen();
    const anchors = new Set<string>(
      peers
        .filter(({ direction }) => direction === "outbound")
        .map(({ id }) => ({ id, sinceMs: this.#since.get(id) ?? clock.nowMs() }))
        .sort((a, b) => a.sinceMs - b.sinceMs)
        .slice(0, limits.anchorPeers)
        .map(({ id }) => id),
    );
    const kept = [...this.#book.all()]
      .filter(({ seenMs, addresses }) => seenMs > 0 && addresses.length > 0)
      .map(({ id, addresses, seenMs }) => ({ id, addresses, seenMs, isAnchor: anchors.has(id) }));
    store.save(kept);
    this.#saved = new Set(kept.map(({ id }) => id));
  }
}

/** Even enough for the choice of peers. */
function drawBelow(random: DiscoveryNeeds["random"], limit: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4);
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % limit;
}
