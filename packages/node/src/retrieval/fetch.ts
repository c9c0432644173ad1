/**
 * Getting one file. The walk says which block comes next; it is taken from the local blocks or, verified, from
 * a provider whose CAR stream is read from that very place. So an interrupted fetch goes on where it stopped,
 * with whichever provider, and no provider can make this node keep a byte that does not belong to the file.
 */
import { type Cancel, type CID, HoldfastError, type PeerId } from "@holdfast/base";
import { limits } from "../limits.ts";
import { Settling } from "../settling.ts";
import type { ClientTools } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import type { LocalFiles } from "./local-files.ts";
import { type ProviderFailure, Providers } from "./providers.ts";
import { CarSession } from "./session.ts";
import { DagWalk, type WantedBlock } from "./walk.ts";

export interface FetchProgress {
  /** Bytes of the CAR stream that are here. */
  readonly doneCarBytes: number;
  /** Of the whole stream, as the provider in use claims it. */
  readonly carBytes: number | undefined;
  readonly fileBytes: number | undefined;
  /** Bytes that came over the network so far. */
  readonly receivedBytes: number;
  readonly peer: PeerId | undefined;
}

export interface FetchResult {
  readonly root: CID;
  readonly fileBytes: number;
  readonly carBytes: number;
  /** From whom how much came, in the order of their first use; empty if all of it was here. */
  readonly from: readonly { readonly peer: PeerId; readonly receivedBytes: number }[];
  /** What went wrong on the way. */
  readonly failures: readonly ProviderFailure[];
}

export interface FetchEvents {
  progress(progress: FetchProgress): void;
}

export class Fetch {
  readonly #tools: ClientTools;
  readonly #files: LocalFiles;
  readonly #events: FetchEvents;
  readonly #signal: Cancel;
  readonly #walk: DagWalk;
  readonly #providers: Providers;
  readonly #pendingPeers: PeerId[] = [];
  readonly #from = new Map<PeerId, number>();
  readonly #writes = new Set<Promise<void>>();
  #writeFailure: { readonly error: unknown } | undefined;
  readonly #settling: Settling;
  #session: CarSession | undefined;
  #begun = false;

  /** `retrieval/unsupported-cid`. The fetch runs until `signal` aborts, so that has to happen at some time. */
  constructor(tools: ClientTools, files: LocalFiles, root: CID, events: FetchEvents, signal: Cancel) {
    this.#tools = tools;
    this.#files = files;
    this.#events = events;
    this.#signal = signal;
    this.#walk = new DagWalk(root);
    this.#settling = new Settling(files.blocks);
    this.#providers = new Providers(tools, root, signal);
  }

  /** They are asked when the first block is missing; a later call adds more. */
  addProviders(peers: readonly PeerId[]): void {
    if (this.#begun) this.#providers.add(peers);
    else this.#pendingPeers.push(...peers);
  }

  /**
   * Resolves when every block is stored. `retrieval/no-provider`, `retrieval/quota-full`, `disk/…`, what the
   * walk refuses (`retrieval/not-a-file`, `/dag-too-big`, `/unsupported-cid`), or the signal's reason.
   */
  async run(): Promise<FetchResult> {
    const { root } = this.#walk;
    const claim = this.#files.claim((key) => this.#walk.visited(key));
    try {
      for (let wanted = this.#walk.next(); wanted !== undefined; wanted = this.#walk.next()) {
        this.#signal.throwIfAborted();
        if (!(await this.#takeLocal(wanted))) await this.#takeRemote(wanted);
      }
      await this.#written();
      await this.#settling.done();
      const fileBytes = this.#walk.fileBytes ?? 0;
      const carBytes = this.#walk.carOffset;
      await claim.keep({ root, imported: false, fileBytes, carBytes });
      const from = [...this.#from].map(([peer, receivedBytes]) => ({ peer, receivedBytes }));
      return { root, fileBytes, carBytes, from, failures: this.#providers.failures };
    } catch (error) {
      await Promise.all(this.#writes);
      await this.#settling.ended();
      await claim.drop(this.#walk.visitedKeys(), root); // what came stays for next time
      throw error;
    } finally {
      this.#session?.[Symbol.dispose]();
    }
  }

  /** Whether the wanted block is here already. */
  async #takeLocal({ cid, claimedBytes }: WantedBlock): Promise<boolean> {
    const { blocks } = this.#files;
    if (claimedBytes !== undefined) {
      if ((await blocks.sizeBytes(cid)) !== claimedBytes) return false;
      this.#walk.skipLeaf();
    } else {
      const bytes = await blocks.get(cid);
      if (bytes === undefined) return false;
      this.#walk.accept(bytes);
    }
    this.#settling.add(cid); // it may be a copy
    return true;
  }

  async #takeRemote(wanted: WantedBlock): Promise<void> {
    const bytes = await this.#receive(wanted);
    this.#walk.accept(bytes);
    await this.#store(wanted.cid, bytes);
    this.#events.progress(this.#progress());
  }

  async #receive(wanted: WantedBlock): Promise<Uint8Array> {
    await this.#begin();
    for (;;) {
      this.#leaveFarSession(wanted);
      const session = this.#session ?? (await this.#open(wanted));
      if (session === undefined) throw this.#nobodyLeft();
      this.#session = session;
      const { car } = session;
      const before = car.receivedBytes;
      try {
        const bytes = await session.block(wanted);
        this.#providers.praise(car.peer);
        return bytes;
      } catch (error) {
        this.#drop(car.peer, error);
      } finally {
        this.#from.set(car.peer, (this.#from.get(car.peer) ?? 0) + car.receivedBytes - before);
      }
    }
  }

  /** A session at the place of the wanted block with the best provider; undefined when nobody is left. */
  async #open({ carOffset }: WantedBlock): Promise<CarSession | undefined> {
    const { root } = this.#walk;
    for (;;) {
      const offer = await this.#providers.next();
      if (offer === undefined) return undefined;
      const { peer } = offer;
      try {
        return await CarSession.open(this.#tools, { peer, root, carOffset }, this.#signal);
      } catch (error) {
        this.#drop(peer, error);
      }
    }
  }
  /** What lies between here and the wanted block is here already; if it is much, a new request skips it. */
  #leaveFarSession({ carOffset }: WantedBlock): void {
    const session = this.#session;
    if (session === undefined || carOffset - session.carOffset <= limits.retrievalGapBytes) return;
    session[Symbol.dispose]();
    this.#session = undefined;
  }
  #drop(peer: PeerId, error: unknown): void {
    this.#session = undefined;
    this.#signal.throwIfAborted();
    this.#providers.blame(peer, error);
    const detail = error instanceof HoldfastError ? error.code : String(error);
    this.#tools.logger.warn("retrieval failed", { root: this.#walk.root.toString(), peer, detail });
  }
  #nobodyLeft(): Error {
    const { failures } = this.#providers;
    const reasons = failures.slice(-limits.retrievalQuestions).map(({ message }) => message);
    return retrievalErrors.noProvider({
      cid: this.#walk.root.toString(),
      tried: this.#providers.count,
      reasons: reasons.join("; "),
    });
  }

  async #begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    this.#providers.add(this.#pendingPeers);
    if (this.#providers.count > 0) await this.#files.begin(this.#walk.root);
  }

  /** Several blocks are being written while the next ones arrive. */
  async #store(cid: CID, bytes: Uint8Array): Promise<void> {
    const write = this.#files.put(cid, bytes, { isCopy: true }).then(
      () => this.#settling.add(cid),
      (error: unknown) => {
        this.#writeFailure ??= { error };
      },
    );
    const tracked: Promise<void> = write.then(() => void this.#writes.delete(tracked));
    this.#writes.add(tracked);
    if (this.#writes.size >= limits.retrievalPendingWrites) await Promise.race(this.#writes);
    if (this.#writeFailure !== undefined) throw this.#writeFailure.error;
  }
  async #written(): Promise<void> {
    await Promise.all(this.#writes);
    if (this.#writeFailure !== undefined) throw this.#writeFailure.error;
  }

  #progress(): FetchProgress {
    return {
      doneCarBytes: this.#walk.carOffset,
      carBytes: this.#session?.car.carBytes,
      fileBytes: this.#walk.fileBytes,
      receivedBytes: [...this.#from.values()].reduce((sum, bytes) => sum + bytes, 0),
      peer: this.#session?.car.peer,
    };
  }
}
