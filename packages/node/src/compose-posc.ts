/**
 * Attested pinning with its neighbours: the chain's view of nodes and orders on one side, pinned content and the
 * evidence of the program that runs on the other; and the API's view of it.
 */
import type { MethodResult } from "@holdfast/api";
import {
  accountAddress,
  attoFil,
  type CID,
  decode,
  encode,
  epoch,
  filText,
  fromHex,
  HoldfastError,
  parseFil,
  toHex,
} from "@holdfast/base";
import {
  assignedPins,
  builtinAddresses,
  exitCodeMeaning,
  findPinNode,
  isPinReportSigned,
  listPinChallenges,
  listPinPrograms,
  methods,
  type PinChallenge,
  type PinPage,
  type PinReport,
  pinMarkOf,
  pinNonceTag,
  pinReportCodec,
  pinReportDigest,
  pinReportFacts,
  pinSlotAt,
  pinSlotTag,
  readNetworkParams,
  readPinNode,
  readPinsState,
  type Tipset,
} from "@holdfast/consensus";
import type { Attestation } from "./attestation/index.ts";
import type { Chain } from "./chain/index.ts";
import type { NodeParts } from "./compose.ts";
import { openPinsOf, type PinParts } from "./compose-pins.ts";
import type { Sender } from "./mempool/index.ts";
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
  type StoredReport,
} from "./posc/index.ts";
import type { PinDoor, PoscDoor } from "./rpc/index.ts";

interface Rooms {
  readonly chain: Chain;
  readonly sender: Sender;
  readonly pins: Pins | undefined;
}

const noEntropy = new Uint8Array(0);
const pageLimit = 256;

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
  const random = parts.pins?.random;
  const { chain, sender } = rooms;
  const posc = random && openPoscOf({ ...parts, random }, { chain, sender, pins: pinned?.pins }, stack);
  await pinned?.serve(posc === undefined ? [] : [posc.route]);
  return { pins: pinned?.pins, doors: { pins: pinned?.door, posc: posc?.door } };
}

function openPoscOf(
  parts: Pick<NodeParts, "wire" | "clock" | "logger" | "database" | "wallet" | "version" | "attestation"> & {
    readonly random: PoscNeeds["random"];
  },
  rooms: Rooms,
  stack: AsyncDisposableStack,
): PoscRooms {
  const { chain, sender, pins } = rooms;
  const { wire, clock, logger, database, random, version, attestation } = parts;
  const view = () => viewOf(chain);
  const posc = stack.use(
    openPosc({
      chain: chainOf(chain),
      pins: pins && pinsOf(pins),
      sender: senderOf(parts, chain, sender),
      ...{ wire, database, clock, random, logger },
      program: `holdfast ${version}`.slice(0, 64),
      challengeDeposit: () => paramsOf(chain).pinChallengeDeposit,
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
  return { posc, door: doorOf(posc, chain), route };
}

const paramsOf = (chain: Chain) => readNetworkParams(chain.store, chain.headState().state);

export function viewOf(chain: Chain): PoscView {
  const { state, tipset: head } = chain.headState();
  const { store, networkId } = chain;
  const params = readNetworkParams(store, state);
  const rand = chain.randomnessBelow(head);
  const height = head.height;
  return {
    height,
    slotEpochs: params.pinSlotEpochs,
    disputeSlots: params.pinDisputeSlots,
    evidenceEpochs: params.pinEvidenceEpochs,
    stake: params.pinStake,
    facts(node) {
      const start = pinSlotAt(params.pinSlotEpochs, height + 1) * params.pinSlotEpochs;
      if (start > height) return undefined;
      const slotHash = rand(epoch(start), pinSlotTag, noEntropy);
      return pinReportFacts(store, state, { node, height: epoch(height + 1), slotHash, networkId });
    },
    node: (number) => readPinNode(store, state, number),
    nodeOfKey: (key) => findPinNode(store, state, key),
    assigned: (number) => assignedPins(store, state, number),
    markOf: (node, slot) => pinMarkOf(store, node, slot),
    challenges: () => challengesOf(chain, state),
    nodeCount: () => readPinsState(store, state).nextNode,
    programEnds: (kind, program) =>
      listPinPrograms(store, state).find(
        (one) => one.kind === kind && Buffer.compare(one.program, program) === 0,
      )?.expires,
    draw: (at) => (at > height ? undefined : rand(epoch(at), pinNonceTag, noEntropy)),
  };
}

function* challengesOf(
  { store }: Chain,
  state: CID,
): IterableIterator<PinChallenge & { readonly number: number }> {
  for (let from: number | null = 0; from !== null; ) {
    const page: PinPage<PinChallenge> = listPinChallenges(store, state, { from, limit: pageLimit });
    yield* page.entries;
    from = page.next;
  }
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
    onHead: (listener) => chain.onHead(({ to }) => listener(reportsIn(chain, to))),
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
    isPinned: (cid: CID) => pins.isPinned(cid),
  };
}

function senderOf({ wallet }: Pick<NodeParts, "wallet">, chain: Chain, sender: Sender): PoscNeeds["sender"] {
  const to = builtinAddresses(chain.params.networkByte).pins;
  return {
    operator: () => wallet.payer(),
    send: async (request) => (await sender.send({ ...request, from: wallet.payer(), to })).cid,
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
      return (await attestation.attest(identity, signal)).evidence;
    },
  };
}

function reportView({
  report,
  digest,
  accuracy,
  check,
  receivedMs,
}: StoredReport): MethodResult<"pinReport.show"> {
  const { node, key, slot, count, added, samples, program } = report;
  return {
    ...{ node, key, slot, count, program, check, receivedMs },
    digestHex: toHex(digest),
    previousHex: toHex(report.previous),
    accuracyPercent: accuracy / 10_000,
    added: [...added],
    samples: samples.map(({ pin, root, block, bytes, elapsedMs }) => ({
      ...{ pin, bytes, elapsedMs },
      root: root.toString(),
      block: block?.toString() ?? null,
    })),
    bytesHex: toHex(encode(pinReportCodec, report)),
  };
}

function doorOf(posc: Posc, chain: Chain): PoscDoor {
  return {
    async "posc.join"({ capacityBytes, leastPriceFil }, signal) {
      const leastPrice = leastPriceFil === undefined ? attoFil(0n) : parseFil(`${leastPriceFil}FIL`);
      const node = await posc.join({ capacityBytes, leastPrice }, signal as AbortSignal);
      return { node };
    },
    "posc.leave": async (_params, signal) => ({ node: await posc.leave(signal as AbortSignal) }),
    "posc.status"() {
      const { node, entry, slot, lastReport, orders, reports, refused } = posc.status();
      const found = node === undefined ? undefined : viewOf(chain).node(node);
      const { attesting, reason } = entry;
      return {
        node: node ?? null,
        status: found?.status ?? null,
        kind: found?.kind ?? attesting?.kind ?? null,
        programHex: attesting === undefined ? null : toHex(attesting.program),
        keyBoundTo: attesting?.boundTo ?? null,
        validUntil: found?.validUntil ?? null,
        stakeFil: found === undefined ? null : filText(found.stake),
        earnedFil: found === undefined ? null : filText(found.earned),
        ...{ slot, reports, refused },
        lastSlot: found?.lastSlot ?? null,
        lastAccuracyPercent: lastReport === undefined ? null : lastReport.accuracy / 10_000,
        orders: orders.all,
        holds: found?.setCount ?? 0,
        openChallenges: found?.openChallenges ?? 0,
        reason: reason ?? null,
      };
    },
    "pinReport.ls": (page) => posc.reports(page).map(reportView),
    "pinReport.show"({ node, slot }) {
      const found = posc.report(node, slot);
      if (found === undefined) throw poscErrors.noReport({ what: `of node ${node} for slot ${slot}` });
      return reportView(found);
    },
    "pinReport.verify": ({ bytesHex }) => verified(chain, bytesHex),
  };
}

/** What can be said of a report's bytes by anybody who has the chain. */
function verified(chain: Chain, bytesHex: string): MethodResult<"pinReport.verify"> {
  let report: PinReport;
  try {
    report = decode(pinReportCodec, fromHex(bytesHex));
  } catch (error) {
    throw poscErrors.badReport({ problem: error instanceof Error ? error.message : String(error) });
  }
  const node = viewOf(chain).node(report.node);
  const mark = node && viewOf(chain).markOf(node, report.slot);
  const digest = toHex(pinReportDigest(report));
  const onChain = mark === undefined ? "none" : toHex(mark.report) === digest ? "this" : "another";
  const checks = [
    { name: "node", ok: node !== undefined },
    { name: "key", ok: node?.key === report.key },
    { name: "signature", ok: isPinReportSigned(report, chain.networkId) },
    { name: "chain", ok: onChain === "this" },
  ];
  return {
    ok: checks.every(({ ok }) => ok),
    ...{ node: report.node, slot: report.slot, digestHex: digest, onChain, checks },
  };
}
