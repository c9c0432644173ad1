/** Pinned content with its neighbours: bitswap and files on one side, the API and the pinning service on the other. */
import type { MethodResult } from "@holdfast/api";
import { type CID, HoldfastError, type Random } from "@holdfast/base";
import type { NodeParts } from "./compose.ts";
import {
  type JsonRpc,
  type LedgerFeed,
  type LedgerFeedOptions,
  type LedgerPins,
  openLedgerFeed,
} from "./ledgers/index.ts";
import {
  type Account,
  openEmbedded,
  openKubo,
  openPins,
  type PinBackend,
  type PinServer,
  type Pins,
  type PinView,
  type RemotePin,
  type Route,
  startPinServer,
} from "./pins/index.ts";
import type { FileBlocks, Retrieval } from "./retrieval/index.ts";
import type { PinDoor } from "./rpc/index.ts";
import type { BlockSwap } from "./swap/index.ts";

export interface KuboPlace {
  readonly kubo: string;
  /** Other nodes may keep pins there too. */
  readonly isShared: boolean;
}

export interface PinParts {
  /** Where pinned blocks lie: a place of this node, or the URL of a Kubo daemon's RPC. */
  readonly place: { readonly blocks: FileBlocks } | KuboPlace;
  /** Address of the pinning service; empty: none. */
  readonly listen: string;
  readonly mayMove: boolean;
  readonly random: Random;
}

export interface LedgerParts {
  readonly rpc: JsonRpc;
  readonly options: LedgerFeedOptions;
}

export interface PinRooms {
  readonly pins: Pins;
  readonly door: PinDoor;
  /** Names the contract that is followed, for the status. */
  follow(feed: LedgerFeed | undefined): void;
  /** Opens the pinning service, with what else is asked for there. */
  serve(routes: readonly Route[]): Promise<void>;
}

/** Whose pins they are that a contract of another chain asks for. */
const ledgerAccount: Account = { name: "ledger", maxBytes: undefined };

export function ledgerPinsOf(pins: Pins): LedgerPins {
  const { name: account } = ledgerAccount;
  // A kill may have come between a pin and the note of it.
  const known = (cid: string) => pins.list({ account, cids: [cid], limit: 1 }).pins[0];
  const port: LedgerPins = {
    add: (cid, maxBytes) => (known(cid) ?? pins.add(ledgerAccount, { cid, maxBytes })).id,
    async grow(id, cid, maxBytes) {
      const wanted = { cid, maxBytes };
      const newest = known(cid)?.id ?? id;
      const grown = await pins.replace(ledgerAccount, newest, wanted).catch(ignoreMissing);
      // A kill may have come before the pin in whose place that one was had gone.
      if (newest !== id) await port.remove(id);
      return grown?.id ?? port.add(cid, maxBytes);
    },
    remove: (id) => pins.remove(id, account).catch(ignoreMissing),
  };
  return port;
}

export function openLedgerOf(
  { ledger, database, clock, logger }: Pick<NodeParts, "ledger" | "database" | "clock" | "logger">,
  pins: Pins,
  stack: AsyncDisposableStack,
): LedgerFeed | undefined {
  if (ledger === undefined) return undefined;
  const needs = { rpc: ledger.rpc, pins: ledgerPinsOf(pins), database, clock, logger };
  return stack.use(openLedgerFeed(needs, ledger.options));
}

/** The owner may have removed it. */
function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof HoldfastError && error.code === "pins/not-found")) throw error;
}

/** Whose pins they are that this node's owner asks for. */
const owner: Account = { name: "node", maxBytes: undefined };

export function openPinsOf(
  parts: Pick<NodeParts, "pins" | "wire" | "clock" | "logger" | "database">,
  { swap, retrieval }: { readonly swap: BlockSwap; readonly retrieval: Pick<Retrieval, "gifts"> },
  stack: AsyncDisposableStack,
): PinRooms | undefined {
  const { pins: choice, wire, clock, logger, database } = parts;
  if (choice === undefined) return undefined;
  const { place } = choice;
  const backend =
    "kubo" in place
      ? openKubo(place.kubo, place.isShared ? undefined : wire.self)
      : embeddedOf(parts, place.blocks, { swap, retrieval });
  const pins = stack.use(openPins({ backend, database, clock, logger, random: choice.random }));
  // A daemon gives its blocks itself.
  if (backend.kind === "embedded") stack.defer(swap.serve({ find: (cid: CID) => pins.block(cid) }));
  const { listen, mayMove } = choice;
  let server: PinServer | undefined;
  const serverNow = () => server;
  let feed: LedgerFeed | undefined;
  return {
    pins,
    door: doorOf(pins, { server: serverNow, feed: () => feed, addresses: () => wire.addresses() }, clock),
    follow(followed) {
      feed = followed;
    },
    async serve(routes) {
      if (listen === "") return;
      server = stack.use(await startPinServer(pins, logger, { listen, mayMove, routes }));
    },
  };
}

function embeddedOf(
  { wire, database }: Pick<NodeParts, "wire" | "database">,
  blocks: FileBlocks,
  { swap, retrieval }: { readonly swap: BlockSwap; readonly retrieval: Pick<Retrieval, "gifts"> },
): PinBackend {
  return openEmbedded({
    blocks,
    database,
    addresses: () => wire.addresses(),
    async fetch(_root, origins, signal) {
      // Who cannot be reached now may be connected by the next try.
      await Promise.allSettled(origins.map((origin) => wire.connect(origin, signal)));
      signal.throwIfAborted();
      const session = swap.session();
      return {
        get: async (cid, inner) => (await retrieval.gifts.find(cid)) ?? (await session.get(cid, inner)),
      };
    },
  });
}

const viewOf = (pin: PinView): MethodResult<"localPin.show"> => ({
  ...pin,
  name: pin.name ?? null,
  expiresMs: pin.expiresMs ?? null,
  maxBytes: pin.maxBytes ?? null,
  retryMs: pin.retryMs ?? null,
  error: pin.error ?? null,
  origins: [...pin.origins],
});

const remoteView = (service: string, pin: RemotePin): MethodResult<"remotePin.show"> => ({
  ...pin,
  service,
  name: pin.name ?? null,
  details: pin.details ?? null,
  delegates: [...pin.delegates],
});

interface Beside {
  readonly server: () => PinServer | undefined;
  readonly feed: () => LedgerFeed | undefined;
  readonly addresses: () => readonly string[];
}

function doorOf(
  pins: Pins,
  { server, feed, addresses }: Beside,
  clock: Pick<NodeParts["clock"], "nowMs">,
): PinDoor {
  return {
    "localPin.add": ({ forMs, ...wanted }) => {
      const expiresMs = forMs === undefined ? undefined : clock.nowMs() + forMs;
      return viewOf(pins.add(owner, { ...wanted, expiresMs }));
    },
    "localPin.ls": ({ cid, ...filter }) => {
      const cids = cid === undefined ? undefined : [cid];
      const { count, pins: found } = pins.list({ ...filter, cids, match: "ipartial" });
      return { count, pins: found.map(viewOf) };
    },
    "localPin.show": ({ id }) => viewOf(pins.find(id)),
    async "localPin.rm"({ id }) {
      const pin = pins.find(id);
      await pins.remove(id);
      return viewOf(pin);
    },
    "localPin.retry": ({ id }) => viewOf(pins.retry(id)),
    "localPin.gc": (_params, signal) => pins.collect(signal),
    async "localPin.status"() {
      const { quotaBytes, ...status } = await pins.status();
      return {
        ...status,
        quotaBytes: quotaBytes ?? null,
        serviceUrl: server()?.url ?? null,
        ledger: feed()?.status() ?? null,
      };
    },
    ...servicesOf(pins, server, addresses),
  };
}

type ServiceCalls = Exclude<keyof PinDoor, `localPin.${string}`>;

function servicesOf(
  pins: Pins,
  server: () => PinServer | undefined,
  addresses: () => readonly string[],
): Pick<PinDoor, ServiceCalls> {
  return {
    "pinAccess.new"({ name, maxBytes }) {
      const { token } = pins.grant(name, maxBytes);
      return { name, token, maxBytes: maxBytes ?? null, url: server()?.url ?? null };
    },
    "pinAccess.ls": () =>
      pins.accesses().map(({ maxBytes, ...access }) => ({ ...access, maxBytes: maxBytes ?? null })),
    "pinAccess.rm"({ name }) {
      pins.revoke(name);
      return {};
    },
    "pinService.add"(service) {
      pins.addService(service);
      return { name: service.name, url: service.url };
    },
    "pinService.ls": () => pins.services().map(({ name, url }) => ({ name, url })),
    "pinService.rm"({ name }) {
      pins.removeService(name);
      return {};
    },
    "remotePin.add": async ({ service, cid, name }, signal) =>
      remoteView(
        service,
        await pins.remote(service).add({ cid, name, origins: addresses().slice(0, 20) }, signal),
      ),
    async "remotePin.ls"({ service, ...filter }, signal) {
      const { count, pins: found } = await pins.remote(service).list(filter, signal);
      return { count, pins: found.map((pin) => remoteView(service, pin)) };
    },
    "remotePin.show": async ({ service, id }, signal) =>
      remoteView(service, await pins.remote(service).find(id, signal)),
    async "remotePin.rm"({ service, id }, signal) {
      await pins.remote(service).remove(id, signal);
      return {};
    },
  };
}
