/**
 * Pinned content: who wants which roots kept, the queue that fetches them, the back end where they lie, the IPFS
 * Pinning Service API as server and as client. Invariants: content is its CID and nothing else; whoever has access sees
 * and changes the pins of its own name alone; tokens are kept as hashes.
 */
import { createHash } from "node:crypto";
import { type Cancel, type CID, parseCid, toHex } from "@holdfast/base";
import { limits } from "../limits.ts";
import type { PinBackend, PinSize, PinUsage } from "./backend.ts";
import { pinErrors } from "./errors.ts";
import type { PinNeeds } from "./needs.ts";
import { openPinQueue, type PinQueue } from "./queue.ts";
import { checkRemote, openRemote, type RemotePins } from "./remote.ts";
import { type Access, openPinStore, type PinStore, type Service } from "./store.ts";
import type { Account, NewPin, PinFilter, PinPage, PinState, PinView } from "./types.ts";

export type { PinBackend, PinOptions, PinSize, PinUsage } from "./backend.ts";
export { openEmbedded } from "./embedded.ts";
export { pinErrors } from "./errors.ts";
export { openKubo } from "./kubo.ts";
export { checkPinCid, linksOf } from "./links.ts";
export type { BlockFetch, EmbeddedNeeds, PinBlocks, PinNeeds } from "./needs.ts";
export type { RemotePin, RemotePins } from "./remote.ts";
export { type PinServer, type PinServerOptions, type Route, startPinServer } from "./server.ts";
export type { Access, Service } from "./store.ts";
export type { Account, NewPin, PinFilter, PinPage, PinState, PinView, TextMatch } from "./types.ts";

export interface PinStatus extends PinUsage {
  readonly backend: PinBackend["kind"];
  readonly counts: { readonly [State in PinState]: number };
}

export interface Pins extends AsyncDisposable {
  /** `pins/bad-request`, `pins/account-full`, `pins/too-many`, `cid/malformed`, `pins/unsupported`. */
  add(account: Account, pin: NewPin): PinView;
  /** Another root in the place of one: that goes when this is written down. Errors as `add`, `pins/not-found`. */
  replace(account: Account, id: string, pin: NewPin): Promise<PinView>;
  /** Resolves when it is given up. Without an account: anybody's. `pins/not-found`. */
  remove(id: string, account?: string): Promise<void>;
  /** `pins/not-found`. */
  find(id: string, account?: string): PinView;
  /** Newest first. */
  list(filter: PinFilter): PinPage;
  /** Looks for all blocks anew, now. `pins/not-found`. */
  retry(id: string): PinView;
  status(): Promise<PinStatus>;
  /** Removes what no pin needs. */
  collect(signal: Cancel): Promise<PinSize>;
  /** A block that is here, checked; no network is asked. */
  block(cid: CID): Promise<Uint8Array | undefined>;
  /** The length of a block that is here. */
  sizeBytes(cid: CID): Promise<number | undefined>;
  isPinned(root: CID): Promise<boolean>;
  delegates(): Promise<readonly string[]>;
  /** Whether pins can be kept where they are to lie. `pins/kubo`, `pins/kubo-taken`. */
  ready(): Promise<void>;
  /** Gives a name a token, which is shown this once. `pins/access-taken`. */
  grant(name: string, maxBytes?: number): { readonly access: Access; readonly token: string };
  /** Its pins stay. `pins/no-such-access`. */
  revoke(name: string): void;
  accesses(): readonly (Access & { readonly usedBytes: number })[];
  /** `pins/no-access`. */
  accountOf(token: string): Account;
  /** Other pinning services that this node knows. `pins/service-taken`, `pins/no-service`, `pins/bad-request`. */
  addService(service: Service): void;
  removeService(name: string): void;
  services(): readonly Service[];
  remote(name: string): RemotePins;
}

export function openPins(needs: PinNeeds): Pins {
  const store = openPinStore(needs.database);
  return new PinRoom(needs, store, openPinQueue(needs, store));
}

const hashOf = (token: string): Uint8Array => new Uint8Array(createHash("sha256").update(token).digest());
/** Of the node's owner, of the chain's orders, of a contract of another chain. */
const reservedNames: ReadonlySet<string> = new Set(["node", "orders", "ledger"]);
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

class PinRoom implements Pins {
  readonly #needs: PinNeeds;
  readonly #store: PinStore;
  readonly #queue: PinQueue;

  constructor(needs: PinNeeds, store: PinStore, queue: PinQueue) {
    this.#needs = needs;
    this.#store = store;
    this.#queue = queue;
  }

  add(account: Account, wanted: NewPin): PinView {
    const pin = this.#newPin(account, wanted);
    this.#store.insert(pin);
    this.#queue.wake();
    return pin;
  }
  async replace(account: Account, id: string, wanted: NewPin): Promise<PinView> {
    this.find(id, account.name);
    const pin = this.add(account, wanted);
    await this.#queue.remove(id);
    return pin;
  }
  async remove(id: string, account?: string): Promise<void> {
    this.find(id, account);
    await this.#queue.remove(id);
  }
  find(id: string, account?: string): PinView {
    const pin = this.#store.find(id);
    if (pin === undefined || (account !== undefined && pin.account !== account))
      throw pinErrors.notFound({ id: id.slice(0, 64) });
    return this.#live(pin);
  }
  list(filter: PinFilter): PinPage {
    const { count, pins } = this.#store.page(filter);
    return { count, pins: pins.map((pin) => this.#live(pin)) };
  }
  retry(id: string): PinView {
    const pin = this.find(id);
    if (pin.state !== "pinning") this.#queue.again(id);
    return this.find(id);
  }

  async status(): Promise<PinStatus> {
    const { backend } = this.#needs;
    return { backend: backend.kind, ...(await backend.usage()), counts: this.#store.counts() };
  }
  collect(signal: Cancel): Promise<PinSize> {
    return this.#needs.backend.collect(signal);
  }
  block(cid: CID): Promise<Uint8Array | undefined> {
    return this.#needs.backend.block(cid);
  }
  sizeBytes(cid: CID): Promise<number | undefined> {
    return this.#needs.backend.sizeBytes(cid);
  }
  isPinned(root: CID): Promise<boolean> {
    return this.#needs.backend.isPinned(root);
  }
  delegates(): Promise<readonly string[]> {
    return this.#needs.backend.delegates();
  }
  ready(): Promise<void> {
    return this.#needs.backend.ready();
  }

  grant(name: string, maxBytes?: number): { readonly access: Access; readonly token: string } {
    if (!namePattern.test(name)) throw pinErrors.badRequest({ problem: "a name has letters, digits, . _ -" });
    if (reservedNames.has(name) || this.#store.access.named(name) !== undefined)
      throw pinErrors.accessTaken({ name });
    const { random, clock } = this.#needs;
    const token = Buffer.from(random.bytes(32)).toString("base64url");
    const access = { name, maxBytes, createdMs: clock.nowMs() };
    this.#store.access.insert(access, hashOf(token));
    return { access, token };
  }
  revoke(name: string): void {
    if (this.#store.access.named(name) === undefined) throw pinErrors.noSuchAccess({ name });
    this.#store.access.remove(name);
  }
  accesses(): readonly (Access & { readonly usedBytes: number })[] {
    return this.#store.access
      .all()
      .map((access) => ({ ...access, usedBytes: this.#store.bytesOf(access.name) }));
  }
  accountOf(token: string): Account {
    const access = token === "" ? undefined : this.#store.access.find(hashOf(token));
    if (access === undefined) throw pinErrors.noAccess({});
    return { name: access.name, maxBytes: access.maxBytes };
  }

  addService(service: Service): void {
    const { name } = service;
    if (!namePattern.test(name)) throw pinErrors.badRequest({ problem: "a name has letters, digits, . _ -" });
    checkRemote(service);
    if (this.#store.services.named(name) !== undefined) throw pinErrors.serviceTaken({ name });
    this.#store.services.insert(service);
  }
  removeService(name: string): void {
    this.#service(name);
    this.#store.services.remove(name);
  }
  services(): readonly Service[] {
    return this.#store.services.all();
  }
  remote(name: string): RemotePins {
    return openRemote(this.#service(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue[Symbol.asyncDispose]();
    await this.#needs.backend[Symbol.asyncDispose]();
  }

  #service(name: string): Service {
    const service = this.#store.services.named(name);
    if (service === undefined) throw pinErrors.noService({ name: name.slice(0, 64) });
    return service;
  }

  /** What is under way says how far it is. */
  #live(pin: PinView): PinView {
    const size = pin.state === "pinning" ? this.#queue.progress(pin.id) : undefined;
    return size === undefined ? pin : { ...pin, ...size };
  }

  #newPin({ name: account, maxBytes: room }: Account, wanted: NewPin): PinView {
    const { random, clock, backend } = this.#needs;
    const { cid, name, origins = [], meta = {}, priority = 0, expiresMs, maxBytes } = wanted;
    const root = parseCid(cid);
    backend.check?.(root);
    // Only where there is a bound: the sum goes over all pins of the account.
    const usedBytes = room === undefined ? 0 : this.#store.bytesOf(account);
    if (room !== undefined && usedBytes + (maxBytes ?? 1) > room)
      throw pinErrors.accountFull({ account, usedBytes, maxBytes: room });
    if (this.#store.waiting() >= limits.pinsWaiting) throw pinErrors.tooMany({ limit: limits.pinsWaiting });
    // Pages end between two instants.
    const createdMs = Math.max(clock.nowMs(), (this.#store.newestMs(account) ?? 0) + 1);
    return {
      id: toHex(random.bytes(16)),
      ...{ account, cid, name, origins, meta, priority, createdMs, expiresMs, maxBytes },
      state: "queued",
      blocks: 0,
      bytes: 0,
      attempts: 0,
      retryMs: undefined,
      error: undefined,
    };
  }
}
