/**
 * The gateway and the commands about IPFS with their neighbours: files on one side, bitswap and other gateways on
 * the other.
 */
import { type CID, HoldfastError, type PeerId, parseCid } from "@holdfast/base";
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import {
  type GatewayOptions,
  gatewayErrors,
  openRemoteGateway,
  type RunningGateway,
  startGateway,
} from "./gateway/index.ts";
import type { FetchWeb } from "./market/index.ts";
import type { Pins } from "./pins/index.ts";
import { defaultConfig, type NodeConfig } from "./repo/index.ts";
import type { Retrieval } from "./retrieval/index.ts";
import type { CarDoor, HandlerNeeds } from "./rpc/index.ts";
import type { BlockSwap } from "./swap/index.ts";

export interface IpfsRooms {
  readonly chain: Pick<Chain, "store">;
  readonly retrieval: Retrieval;
  readonly swap: BlockSwap;
  readonly pins?: Pick<Pins, "block"> | undefined;
}

/** A gateway that takes another port of loopback if its usual one is taken. */
export interface GatewayChoice extends GatewayOptions {
  readonly mayMove: boolean;
  /** Only this machine reaches it. */
  readonly isOwn: boolean;
  /** Under which others reach it; empty: under its own. */
  readonly publicUrl: string;
}

/** What of a node's parts is about the web. */
export interface WebParts {
  /** Files of web servers, for deals whose data lies there; undefined: none are fetched. */
  readonly fetchWeb?: FetchWeb;
  /** Files over plain HTTP, without a token. */
  readonly gateway?: GatewayChoice;
}

/** Whoever reaches a loopback address is on this machine: for others only what can be checked, unless told. */
export function gatewayOf({
  gateway: { listen, publicUrl, plain, fetch },
}: NodeConfig): Pick<NodeParts, "gateway"> {
  if (listen === "") return {};
  const isOwn = /^(127\.|\[::1\])/.test(listen);
  const unlessTold = (chosen: boolean | "auto"): boolean => (chosen === "auto" ? isOwn : chosen);
  const mayMove = listen === defaultConfig().gateway.listen;
  const offers = { plain: unlessTold(plain), fetch: unlessTold(fetch) };
  return { gateway: { listen, publicUrl: publicUrl.replace(/\/+$/, ""), ...offers, mayMove, isOwn } };
}

export async function openGateway(
  { logger, gateway: choice }: Pick<NodeParts, "logger" | "gateway">,
  { chain, retrieval, swap, pins }: IpfsRooms,
): Promise<RunningGateway | undefined> {
  if (choice === undefined) return undefined;
  const { mayMove, isOwn, publicUrl: _, ...options } = choice;
  // What has a price is no gift of the gateway either: to others it gives what anybody may have.
  const forOthers = !isOwn;
  const dag = (root: CID, { fetch, signal }: { readonly fetch: boolean; readonly signal: AbortSignal }) => {
    const session = swap.session();
    const get = async (cid: CID): Promise<Uint8Array | undefined> => {
      const here =
        chain.store.get(cid) ??
        (await retrieval.gifts.find(cid)) ??
        (await pins?.block(cid).catch(() => undefined));
      if (here !== undefined || !fetch) return here;
      const bytes = await session.get(cid, signal);
      if (bytes === undefined) throw gatewayErrors.notHad({ cid: cid.toString() });
      return bytes;
    };
    return retrieval.dag(root, { get, forOthers });
  };
  try {
    return await startGateway({ logger, dag }, options);
  } catch (error) {
    const isTaken = error instanceof HoldfastError && error.data.detail === "EADDRINUSE";
    if (!mayMove || !isTaken) throw error;
    logger.warn("the gateway's port is taken: it listens on another", { address: options.listen });
    return startGateway({ logger, dag }, { ...options, listen: "127.0.0.1:0" });
  }
}

/** What `holdfast ipfs` asks of a node. */
export function ipfsDoorOf(
  { wire }: Pick<NodeParts, "wire">,
  { retrieval, swap }: IpfsRooms,
  gateway: RunningGateway | undefined,
): HandlerNeeds["ipfs"] {
  return {
    status: () => ({
      peerId: wire.self,
      addresses: [...wire.addresses()],
      gateway:
        gateway === undefined
          ? null
          : { url: gateway.url, plain: gateway.plain, fetch: gateway.fetch, ...gateway.counts() },
      swap: swap.counts(),
    }),
    async pull(cid, from, progress, signal) {
      const urls = from.filter((place) => !place.startsWith("/")).map((url) => openRemoteGateway(url));
      const peers: PeerId[] = [];
      for (const address of from.filter((place) => place.startsWith("/")))
        peers.push(await wire.connect(address, signal));
      // Named places and no others; without names, whoever is connected.
      const session =
        urls.length > 0 && peers.length === 0 ? undefined : swap.session(peers.length > 0 ? { peers } : {});
      const made = await retrieval.pull(parseCid(cid), {
        async get(block, inner) {
          const found = await session?.get(block, inner);
          if (found !== undefined) return found;
          for (const url of urls) {
            const bytes = await url.block(block, inner);
            if (bytes !== undefined) return bytes;
          }
          return undefined;
        },
        isVerified: urls.length === 0, // the blocks of a session are
        signal,
        progress,
      });
      return { ...made, root: made.root.toString() };
    },
  };
}

export function carDoorOf(
  retrieval: Retrieval,
  peersOf: () => readonly PeerId[],
): Omit<CarDoor, "bringData"> {
  return {
    async importCar(bytes, signal) {
      const { roots, ...made } = await retrieval.importCar(bytes, { signal });
      return {
        ...made,
        roots: roots.map(({ root, sizeBytes, carBytes }) => ({ cid: root.toString(), sizeBytes, carBytes })),
      };
    },
    async openCar(text, version, signal) {
      const cid = parseCid(text);
      const { carBytes } = await retrieval.ensureLocal(cid, peersOf(), { signal });
      if (version === 1) return { sizeBytes: carBytes, bytes: retrieval.carStream(cid) };
      return { sizeBytes: null, bytes: retrieval.carV2Stream(cid) };
    },
  };
}
