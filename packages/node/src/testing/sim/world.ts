/**
 * The network of a simulation before anything happens: keys, a genesis whose miners have a sealed sector each, and a
 * machine for every node. Everything is a function of the plan.
 */
import { type Address, type NetworkByte, sectorId } from "@holdfast/base";
import { SeededRandom, SimClock, SimDisk, SimNet } from "@holdfast/base/testing";
import {
  genesisMinerAddress,
  genesisSectorTicket,
  type IdleParams,
  type NetworkParams,
  networkIdOf,
  vanillaClasses,
} from "@holdfast/consensus";
import { createProver, layoutPieces, type Prover } from "@holdfast/proofs";
import { createVerifier, type Verifier } from "@holdfast/proofs/verify";
import { openStorage } from "@holdfast/storage";
import { memoryDatabase } from "../../chain/index.ts";
import {
  clientFunds,
  genesisMinerOf,
  genesisVerifierOf,
  importGenesisSector,
  localIdle,
  localParams,
  ownerFunds,
  ownPinProgram,
  type Presealed,
} from "../../devnet-genesis.ts";
import { loadGenesis, makeGenesis } from "../../genesis.ts";
import { openSignedHeights } from "../../mine/index.ts";
import { openWallet } from "../../wallet/index.ts";
import type { PinningOptions } from "../pinning.ts";
import { History, type SimEvent } from "./history.ts";
import { type Identity, machinePlace, network, SimNode, type Surroundings, type Tamper } from "./node.ts";
import type { Plan } from "./plan.ts";
import { createSimulatedProver, createSimulatedVerifier } from "./proofs.ts";
import { installSimulationKernels } from "./remembered.ts";
import { openSharedDatabase } from "./stores.ts";

export interface World {
  readonly plan: Plan;
  readonly clock: SimClock;
  readonly net: SimNet;
  readonly history: History;
  readonly random: SeededRandom;
  readonly params: NetworkParams;
  readonly verifier: Verifier;
  /** The genesis file, for whoever wants to check the chain from its beginning. */
  readonly genesisCar: Uint8Array;
  readonly nodes: readonly SimNode[];
  /** Pinning nodes that have lost blocks, by their machine's name. */
  readonly forgetful: Set<string>;
}

export interface WorldHooks {
  readonly onEvent?: (event: SimEvent) => void;
  /** What a byzantine node does to its wire. */
  readonly tamper: (identity: Identity) => Tamper | undefined;
  readonly onStart: (node: SimNode) => void;
}

let simulations = 0;
const genesisSectorId = 0;

export async function buildWorld(plan: Plan, hooks: WorldHooks): Promise<World> {
  await installSimulationKernels();
  simulations += 1;
  const random = new SeededRandom(`sim ${plan.seed}`);
  const clock = new SimClock();
  const history = new History(clock, hooks.onEvent);
  const { delayMs, jitterMs, breakRatio, gossipLossRatio, gossipRepeatRatio, gossipSpreadMs } = plan.wire;
  const net = new SimNet({
    seed: `sim ${plan.seed}`,
    clock,
    delayMs,
    onItem: (from, to) => history.tick("wire", `${from} ${to}`),
  });
  net.setWeather({ jitterMs, lossRatio: breakRatio, gossipLossRatio, gossipRepeatRatio, gossipSpreadMs });
  const params = paramsOf(plan);
  const prover = plan.proofs === "real" ? createProver() : createSimulatedProver();
  const verifier = plan.proofs === "real" ? createVerifier() : createSimulatedVerifier();
  const planned = await Promise.all(
    Array.from({ length: plan.nodes }, (_, index) => planNode(plan, index, random.fork(`node ${index}`))),
  );
  const sealed = await Promise.all(
    minersAmong(planned).map(({ identity }) => preseal(params, prover, identity.miner ?? identity.account)),
  );
  const pinning = plan.services.includes("pins") ? simPinning : undefined;
  const { car } = genesisOf(params, planned, { sealed, pinning, timestampMs: clock.nowMs() });
  const around: Surroundings = {
    clock,
    net,
    history,
    params,
    sectorBytes: plan.sectorBytes,
    prover,
    verifier,
    bootstrap: planned.slice(0, 2).map(({ identity }) => `/sim/${identity.name}`),
    pinning,
    workers: plan.services.includes("workers") ? { isSteady: plan.every.diskMs === 0 } : undefined,
    onStart: hooks.onStart,
  };
  const nodes: SimNode[] = [];
  for (const [index, { identity, disk }] of planned.entries()) {
    const machine = await buildMachine(car, disk, `sim-${simulations}-${index}`);
    const presealed = sealed[index];
    if (identity.miner !== undefined && presealed !== undefined) {
      await storeGenesisSector(machine, params, plan, prover, identity.miner, presealed, clock);
      openSignedHeights(machine.database).adopt(identity.miner, machinePlace, 0);
    }
    const tamper = hooks.tamper(identity);
    nodes.push(
      new SimNode(identity, machine, around, {
        random: random.fork(`lives of ${identity.name}`),
        ...(tamper === undefined ? {} : { tamper }),
      }),
    );
  }
  return {
    plan,
    clock,
    net,
    history,
    random,
    params,
    verifier,
    genesisCar: car,
    nodes,
    forgetful: new Set(),
  };
}

type Planned = Awaited<ReturnType<typeof planNode>>;

const minersAmong = (planned: readonly Planned[]): readonly Planned[] =>
  planned.filter(({ identity }) => identity.miner !== undefined);

function genesisOf(
  params: NetworkParams,
  planned: readonly Planned[],
  given: {
    readonly sealed: readonly Presealed[];
    readonly pinning: PinningOptions | undefined;
    readonly timestampMs: number;
  },
) {
  const { sealed, pinning, timestampMs } = given;
  return makeGenesis({
    ...{ params, timestampMs },
    accounts: planned.map(({ identity }) => ({
      address: identity.account,
      balance: identity.miner === undefined ? clientFunds : ownerFunds,
    })),
    miners: minersAmong(planned).map(({ identity, blsKey }, index) =>
      genesisMinerOf({ account: identity.account, blsKey, peerId: identity.name }, sealed[index]),
    ),
    idleVerifiers: verifiersOf(planned.map(({ identity }) => identity)),
    ...(pinning === undefined ? {} : { pinPrograms: [ownPinProgram(pinning.program)] }),
  });
}

/** Lots and terms so short that there are several in a simulation. */
const simIdle: IdleParams = {
  ...localIdle,
  profile: "idle-32KiB",
  lotEpochs: 6,
  answerEpochs: 6,
  settleEpochs: 8,
  certifyEpochs: 30,
};

/** What all pinning nodes run. */
export const simPinning: PinningOptions = { program: new Uint8Array(32).fill(0x51) };

/** A challenge lasts longer than anything that keeps an honest node away, so that silence is a decision. */
const simPins: Partial<NetworkParams> = {
  pinSlotEpochs: 5,
  pinSamples: 4,
  pinAnswerEpochs: 45,
  pinDisputeSlots: 3,
  pinPenaltySlots: 2,
};

function paramsOf({ seed, roundMs, sectorBytes, finalityEpochs, services }: Plan): NetworkParams {
  const classes = vanillaClasses([...new Set([1_024, sectorBytes])]);
  const local = { ...localParams(`sim-${seed}`, roundMs, classes), finalityEpochs };
  const idle = services.includes("idle") ? { idle: simIdle } : {};
  return { ...local, ...idle, ...(services.includes("pins") ? simPins : {}) };
}

/** The genesis vouches for them: they have nothing to attest with. */
function verifiersOf(identities: readonly Identity[]) {
  const verifiers = identities.filter(({ isVerifier }) => isVerifier);
  return verifiers.map(({ account, name }) => ({
    ...genesisVerifierOf({ account, peerId: name }),
    key: account,
  }));
}

async function planNode({ miners, byzantine, services }: Plan, index: number, random: SeededRandom) {
  const disk = new SimDisk({ random: random.fork("disk") });
  const secret = random.bytes(32);
  const wallet = await openWallet({ disk, secret, random, network });
  const account = await wallet.newAccount();
  const isMiner = index < miners;
  const blsKey = isMiner ? await wallet.newBlsKey() : undefined;
  const identity: Identity = {
    name: isMiner ? `miner-${index}` : `client-${index}`,
    index,
    account,
    miner: isMiner ? genesisMinerAddress(network as NetworkByte, index) : undefined,
    secret,
    isByzantine: byzantine.includes(index),
    isVerifier: services.includes("idle") && !isMiner && !byzantine.includes(index),
  };
  return { identity, disk, blsKey };
}

async function buildMachine(car: Uint8Array, disk: SimDisk, name: string) {
  const chain = memoryDatabase();
  const genesis = await loadGenesis(car, chain);
  const inMemory = (what: string): string => `file:${name}${what}?mode=memory&cache=shared`;
  const paths = { storagePath: inMemory(""), jobsPath: inMemory("-jobs") };
  return { disk, chain, database: openSharedDatabase(), ...paths, genesis };
}

/** A sealed empty sector, for the miner's first power. */
export async function preseal(params: NetworkParams, prover: Prover, miner: Address): Promise<Presealed> {
  const [{ sectorBytes } = { sectorBytes: 1_024 }] = params.sectorClasses;
  const { commD } = layoutPieces([], sectorBytes);
  const identity = {
    networkId: networkIdOf(params),
    miner,
    sectorId: sectorId(genesisSectorId),
    ticket: genesisSectorTicket,
    commD,
  };
  const data = new Uint8Array(sectorBytes);
  const sealed = await prover.replicate({ classes: params.sectorClasses, sectorBytes, identity, data });
  return { sectorBytes, identity, sealed };
}

async function storeGenesisSector(
  machine: { readonly disk: SimDisk; readonly storagePath: string },
  params: NetworkParams,
  { sectorBytes }: Plan,
  prover: Prover,
  miner: Address,
  presealed: Presealed,
  clock: SimClock,
): Promise<void> {
  const storage = await openStorage({
    sectorBytes,
    classes: params.sectorClasses,
    disk: machine.disk,
    dbPath: machine.storagePath,
    prover,
    clock,
  });
  await importGenesisSector(storage, params, miner, presealed);
  // Its connection keeps the database in memory; whoever opens it next takes it over.
}
