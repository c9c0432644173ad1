/**
 * Makes the repo of a node that joins a network: with its genesis file in hand, or with an invitation, whose
 * peers are asked for that file. A repo is written only when the genesis has been checked.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { silentLogger } from "@holdfast/base";
import { blockCid, readNetworkParams } from "@holdfast/consensus";
import { checkpointText, memoryDatabase } from "./chain/index.ts";
import { realClock } from "./clock.ts";
import { decodeInvitation, fetchGenesis, type Invitation } from "./discovery/index.ts";
import { type Founder, founderOf, readNetworkFile } from "./founding/index.ts";
import { loadGenesis } from "./genesis.ts";
import { openKeys } from "./keys.ts";
import { limits } from "./limits.ts";
import { openLibp2pWire } from "./net/index.ts";
import { peerIdOfSeed } from "./peer-identity.ts";
import { checkVacant, defaultConfig, initRepo, type NodeConfig, repoPaths } from "./repo/index.ts";

export interface InitNodeOptions {
  readonly repo: string;
  /** Path of the network's file or of its genesis, or the text of an invitation. */
  readonly network:
    | { readonly genesis: string; readonly invitation?: never; readonly file?: never }
    | { readonly invitation: string; readonly genesis?: never; readonly file?: never }
    | { readonly file: string; readonly genesis?: never; readonly invitation?: never };
  readonly name: string;
  /** Peers to begin with, besides those of the invitation. */
  readonly bootstrap: readonly string[];
  /** Multiaddrs to listen on, and to tell others where those differ; the usual ones if left out. */
  readonly listen?: readonly string[];
  readonly announce?: readonly string[];
  readonly passphrase?: string;
  readonly signal?: AbortSignal;
}

export interface MadeNode {
  readonly repo: string;
  readonly network: string;
  readonly address: string;
  readonly peerId: string;
}

/** Errors: `repo/…`, `chain/bad-genesis`, `car/…`, `discovery/…`. */
export async function initNode(options: InitNodeOptions): Promise<MadeNode> {
  await checkVacant(options.repo);
  const { network } = options;
  const invitation = network.invitation === undefined ? undefined : decodeInvitation(network.invitation);
  const file = network.file === undefined ? undefined : await readNetworkFile(network.file);
  const car =
    file?.car ??
    (invitation === undefined
      ? new Uint8Array(await readFile(network.genesis ?? ""))
      : await invitedGenesis(invitation, options.signal));
  const founder = await founderOf(options.repo);
  const { params } = await checkGenesis(car);
  const base = defaultConfig();
  const net = {
    ...base.net,
    bootstrap: [
      ...new Set([...(invitation?.addresses ?? []), ...(file?.bootstrap ?? []), ...options.bootstrap]),
    ],
    ...(founder === undefined ? {} : promised(founder)),
    ...(options.listen === undefined ? {} : { listen: [...options.listen] }),
    ...(options.announce === undefined ? {} : { announce: [...options.announce] }),
  };
  const checkpoint = invitation?.checkpoint ?? null;
  const chain = checkpoint === null ? base.chain : { ...base.chain, checkpoint: checkpointText(checkpoint) };
  const config = { ...base, name: options.name, net, chain, mining: miningOf(base.mining, founder) };
  await initRepo(options.repo, { genesis: car, config });
  const keys = await openKeys({
    keystore: repoPaths(options.repo).keystore,
    network: params.networkByte,
    ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
  });
  const address = keys.wallet.defaultAddress() ?? (await keys.wallet.newAccount());
  const peerId = await peerIdOfSeed(keys.peerSeed);
  return { repo: options.repo, network: params.name, address, peerId };
}

/** The network's file tells everybody where a founder's node will be, so that is where it listens. */
function promised({ bootstrap }: Founder): Partial<NodeConfig["net"]> {
  const announce = bootstrap.map((address) => address.replace(/\/p2p\/[^/]+$/, ""));
  const listen = announce.map((address) => {
    if (/^\/ip4\/127\.|^\/ip6\/::1\//.test(address)) return address;
    const anywhere = address.startsWith("/ip6/") ? "/ip6/::" : "/ip4/0.0.0.0";
    return anywhere + address.slice(address.indexOf("/tcp/"));
  });
  return listen.length === 0 ? {} : { listen: [...new Set(listen)], announce };
}

/** A founder's node runs the miner whose sectors lie in its folder. */
function miningOf(mining: NodeConfig["mining"], founder: Founder | undefined): NodeConfig["mining"] {
  const [sector] = founder?.sectors ?? [];
  if (founder === undefined || sector === undefined) return mining;
  return { ...mining, miner: founder.miner, sectorBytes: sector.sectorBytes };
}

/** Asked under a name of its own: the node to come has none before its folder is there. */
async function invitedGenesis(invitation: Invitation, signal?: AbortSignal): Promise<Uint8Array> {
  const clock = realClock();
  await using wire = await openLibp2pWire(
    { clock, logger: silentLogger, limits },
    { privateKey: new Uint8Array(randomBytes(32)), listen: [] },
  );
  const check = async (file: Uint8Array) => {
    const { cid, params } = await checkGenesis(file);
    return { cid, network: params.name };
  };
  return await fetchGenesis({ wire, clock, check }, invitation, signal);
}

async function checkGenesis(car: Uint8Array) {
  const scratch = memoryDatabase();
  const { block, stateRoot } = await loadGenesis(car, scratch);
  return { cid: blockCid(block.header), params: readNetworkParams(scratch, stateRoot) };
}
