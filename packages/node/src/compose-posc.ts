/**
 * Attested pinning with its neighbours: the chain's view of nodes and orders on one side, pinned content and the
 * evidence of the program that runs on the other; and the API's view of it.
 */
import { accountAddress, type CID, decode, HoldfastError, toHex } from "@holdfast/base";
import { builtinAddresses, exitCodeMeaning, methods, type PinReport, type Tipset } from "@holdfast/consensus";
import type { Attestation } from "./attestation/index.ts";
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import { type LedgerParts, openLedgerOf, openPinsOf, type PinParts } from "./compose-pins.ts";
import type { Sender } from "./mempool/index.ts";
import { pricePerSlot } from "./pin-price.ts";
import type { Pins } from "./pins/index.ts";
import {
  type Attesting,
  legacyRoute,
  openPosc,
  type Posc,
  type PoscChain,
  type PoscNeeds,
  type PoscView,
  poscErrors,
  type Terms,
} from "./posc/index.ts";
import { poscDoor } from "./posc-door.ts";
import { paramsOf, viewOf } from "./posc-view.ts";
import type { PinDoor, PoscDoor } from "./rpc/index.ts";

interface Rooms {
  readonly chain: Chain;
  readonly sender: Sender;
  readonly pins: Pins | undefined;
}

interface PoscRooms {
  readonly posc: Posc;
  readonly door: PoscDoor;
  readonly route: ReturnType<typeof legacyRoute>;
}

export interface PinningParts {
  /** Evidence of the program that runs, opened when it is needed; its errors say why there is none. */
  readonly attestation?: (chain: Pick<Chain, "networkId" | "params">) => Promise<Attestation>;
  /** Keeps pinned content. */
  readonly pins?: PinParts;
  /** Joins the network as a pinning node by itself, with these terms. */
  readonly pinsFor?: Terms;
  /** Asks nodes on the chain by itself that do not show what accounts of this node have bought, with deposits. */
  readonly pinsAsk?: boolean;
  /** Pins what a contract of another chain wants. */
  readonly ledger?: LedgerParts;
}

interface Pinning {
  readonly pins: Pins | undefined;
  readonly doors: { readonly pins: PinDoor | undefined; readonly posc: PoscDoor | undefined };
}

/** Pinned content for people, and for the chain's orders. */
export async function openPinning(
  parts: NodeParts,
  rooms: Omit<Rooms, "pins"> & Parameters<typeof openPinsOf>[1],
  stack: AsyncDisposableStack,
): Promise<Pinning> {
  const pinned = openPinsOf(parts, rooms, stack);
  if (pinned !== undefined) pinned.follow(openLedgerOf(parts, pinned.pins, stack));
  const random = parts.pins?.random;
  const { chain, sender } = rooms;
  const posc = random && openPoscOf({ ...parts, random }, { chain, sender, pins: pinned?.pins }, stack);
  await pinned?.serve(posc === undefined ? [] : [posc.route]);
  return { pins: pinned?.pins, doors: { pins: pinned?.door, posc: posc?.door } };
}

function openPoscOf(
  parts: Pick<
    NodeParts,
    "wire" | "clock" | "logger" | "database" | "wallet" | "version" | "attestation" | "pinsFor" | "pinsAsk"
  > & {
    readonly random: PoscNeeds["random"];
  },
  rooms: Rooms,
  stack: AsyncDisposableStack,
): PoscRooms {
  const { chain, sender, pins } = rooms;
  const { wire, clock, logger, database, random, version, attestation, pinsFor: joins } = parts;
  const view = () => viewOf(chain);
  const posc = stack.use(
    openPosc({
      chain: chainOf(chain),
      pins: pins && pinsOf(pins),
      sender: senderOf(parts, chain, sender),
      ...{ wire, database, clock, random, logger },
      program: `holdfast ${version}`.slice(0, 64),
      challengeDeposit: () => paramsOf(chain).pinChallengeDeposit,
      askDeposit: () => (parts.pinsAsk === true ? paramsOf(chain).pinChallengeDeposit : undefined),
      ...(joins === undefined ? {} : { joins: termsOf(joins, chain) }),
      ...(attestation === undefined
        ? {}
        : { attest: async () => attestingOf(await attestation(chain), chain, wire.self) }),
    }),
  );
  const route = legacyRoute({
    slotEpochs: () => paramsOf(chain).pinSlotEpochs,
    nodeOfPeer: (peerId) => nodeOfPeer(view(), peerId),
    report: (node, slot) =>
      slot === "latest" ? posc.reports({ node, limit: 1 })[0] : posc.report(node, slot),
    isPinned: posc.isPinned,
    info() {
      const { entry } = posc.status();
      const program = entry.attesting === undefined ? "" : toHex(entry.attesting.program);
      return { peerId: wire.self, program, nodes: view().nodeCount() };
    },
  });
  return { posc, door: poscDoor(posc, chain), route };
}

/** The configuration names a price for a day, as people do everywhere. */
function termsOf(joins: Terms, chain: Chain): Terms {
  return { ...joins, leastPrice: pricePerSlot(joins.leastPrice, paramsOf(chain)) };
}

function nodeOfPeer(view: PoscView, peerId: string): number | undefined {
  for (let number = 0; number < view.nodeCount(); number += 1)
    if (view.node(number)?.peerId === peerId) return number;
  return undefined;
}

function chainOf(chain: Chain): PoscChain {
  return {
    network: chain.params.name,
    networkId: chain.networkId,
    view: () => viewOf(chain),
    onHead: (listener) =>
      chain.onHead(({ to, reverted }) =>
        listener({ reports: reportsIn(chain, to), changedFrom: reverted.at(-1)?.height }),
      ),
  };
}

function reportsIn(chain: Chain, tipset: Tipset): readonly PinReport[] {
  const { pins } = builtinAddresses(chain.params.networkByte);
  // What a tipset's messages did is in the state of the next head; its parent's have been executed.
  const executed = chain.parentOf(tipset) ?? tipset;
  return [tipset, executed].flatMap((one) =>
    chain.messagesOf(one).flatMap(({ message }) => {
      if (message.to !== pins || message.method !== "submitReport") return [];
      try {
        return [decode(methods.pins.submitReport.params, message.params).report];
      } catch (error) {
        if (error instanceof HoldfastError) return [];
        throw error;
      }
    }),
  );
}

/** Whose pins they are that the chain asks for; before those of people. */
const ordersAccount = { name: "orders", maxBytes: undefined };
const ordersPriority = 10;

function pinsOf(pins: Pins): PoscNeeds["pins"] {
  return {
    ready: () => pins.ready(),
    add: (order, cid, maxBytes) =>
      pins.add(ordersAccount, {
        cid: cid.toString(),
        name: `order ${order}`,
        priority: ordersPriority,
        maxBytes,
      }).id,
    find(id) {
      try {
        return pins.find(id);
      } catch (error) {
        if (error instanceof HoldfastError && error.code === "pins/not-found") return undefined;
        throw error;
      }
    },
    retry: (id) => void pins.retry(id),
    remove: (id) => pins.remove(id),
    block: (cid) => pins.block(cid),
    sizeBytes: (cid) => pins.sizeBytes(cid),
    isPinned: (cid: CID) => pins.isPinned(cid),
  };
}

function senderOf({ wallet }: Pick<NodeParts, "wallet">, chain: Chain, sender: Sender): PoscNeeds["sender"] {
  const to = builtinAddresses(chain.params.networkByte).pins;
  return {
    operator: () => wallet.payer(),
    accounts: () => wallet.addresses(),
    isOwn: (account) => wallet.has(account),
    send: async (request) => (await sender.send({ from: wallet.payer(), ...request, to })).cid,
    isRefused(key) {
      const sent = sender.sentAs(key);
      return sent !== undefined && (sender.find(sent.cid)?.mined?.receipt.exitCode ?? 0) !== 0;
    },
    async wait(cid, method, signal) {
      const { receipt } = await sender.wait(cid, signal === undefined ? {} : { signal });
      const { exitCode } = receipt;
      if (exitCode !== 0) throw poscErrors.failed({ method, exitCode, meaning: exitCodeMeaning(exitCode) });
    },
  };
}

async function attestingOf(attestation: Attestation, chain: Chain, peerId: string): Promise<Attesting> {
  const use = "pin-node" as const;
  const { kind, program } = attestation;
  const { publicKey, sign, boundTo } = await attestation.identity(use);
  return {
    ...{ kind, program, boundTo },
    key: { address: accountAddress(chain.params.networkByte, publicKey), publicKey, sign },
    async evidence(bound, signal) {
      const identity = { use, networkId: chain.networkId, nodeKey: publicKey, peerId, ...bound };
      return attestation.attest(identity, signal);
    },
  };
}
