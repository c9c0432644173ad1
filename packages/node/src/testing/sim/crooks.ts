/**
 * Pinning nodes that cheat: each has a key of its own in an enclave that runs what it should, and a wire of its own,
 * and looks at the chain through the node of its operator. A liar has lost what it pins and answers all the same; a
 * free rider holds nothing and fetches what it is asked for; two colluders have one store between them, and when that
 * is gone they lie and vouch for each other. All of them accuse the honest and try what is not allowed
 * (pin-frauds.ts). Who is caught comes back under another key.
 */
import { type Address, accountAddress, attoFil, type CID, encode, epoch } from "@holdfast/base";
import { type SeededRandom, SimDisk, type SimWire } from "@holdfast/base/testing";
import {
  askEntropy,
  askStart,
  assignedPins,
  builtinAddresses,
  methods,
  type PinNode,
  type PinReport,
  type PinSample,
  pinAskTag,
  pinReportSigningBytes,
  readGapEnd,
  type UnsignedPinReport,
} from "@holdfast/consensus";
import type { SealedIdentity } from "../../attestation/index.ts";
import type { RunningNode } from "../../compose.ts";
import { makeReport, reportDueEpoch, serveWalks, walkLocally } from "../../posc/index.ts";
import { viewOf } from "../../posc-view.ts";
import { memoryBlocks } from "../../retrieval/index.ts";
import { pinKit } from "../pinning.ts";
import { type Deeds, plentyOfGas } from "./deeds.ts";
import { network, type SimNode } from "./node.ts";
import type { Library } from "./pin-content.ts";
import { type Forbidden, Frauds, seedOf } from "./pin-frauds.ts";
import { simPinning, type World } from "./world.ts";

const { pins } = builtinAddresses(network);

export const crookRoles = ["liar", "free rider", "colluder", "colluder"] as const;
export type CrookRole = (typeof crookRoles)[number];

/** Bytes that it says it has room for. */
const capacityBytes = 2 ** 30;

export interface CrookNeeds {
  readonly world: World;
  readonly deeds: Deeds;
  readonly content: Library;
  readonly forbidden: Forbidden;
  readonly key: (node: SimNode, what: string) => string;
}

/** What crooks of one kind share: blocks, by the text of their CIDs. */
export class Store {
  readonly #library: Library;
  isLost = false;
  constructor(library: Library) {
    this.#library = library;
  }
  get(cid: CID): Uint8Array | undefined {
    return this.isLost ? undefined : this.#library.block(cid);
  }
}

/** One key's life. */
interface Identity {
  readonly key: SealedIdentity;
  readonly address: Address;
  readonly attestation: Awaited<ReturnType<ReturnType<typeof pinKit>["attest"]>>;
}

export class Crook {
  readonly name: string;
  readonly role: CrookRole;
  readonly operator: SimNode;
  readonly store: Store;
  readonly #needs: CrookNeeds;
  readonly #random: SeededRandom;
  readonly #frauds: Frauds;
  #wire: SimWire | undefined;
  #identity: Identity | undefined;
  #keys = 0;
  #joinedFor = "";
  #reported = -1;
  readonly #answered = new Set<string>();
  readonly #reports = new Map<number, PinReport>();
  #isBusy = false;
  /** It lies wherever it can, and takes part in nothing else. */
  isBold = false;
  /** It says nothing and answers nothing. */
  isMute = false;
  /** It does nothing any more. */
  isRetired = false;
  /** Numbers of its nodes that were expelled. */
  readonly caught = new Set<number>();
  /** Slots of reports with a lie in them, by the node's number. */
  readonly lies = new Map<number, number[]>();

  constructor(
    needs: CrookNeeds,
    given: {
      readonly role: CrookRole;
      readonly index: number;
      readonly operator: SimNode;
      readonly store: Store;
    },
  ) {
    this.#needs = needs;
    this.role = given.role;
    this.operator = given.operator;
    this.store = given.store;
    this.name = `crook-${given.index}`;
    this.#random = needs.world.random.fork(this.name);
    this.#frauds = new Frauds(needs, this, this.#random.fork("frauds"));
  }

  get number(): number | undefined {
    const { running } = this.operator;
    const address = this.#identity?.address;
    return running && address && viewOf(running.chain).nodeOfKey(address);
  }
  get key(): SealedIdentity | undefined {
    return this.#identity?.key;
  }
  /** What it has reported under its present key. */
  get reports(): ReadonlyMap<number, PinReport> {
    return this.#reports;
  }

  statusOf(number: number): PinNode["status"] | undefined {
    const { running } = this.operator;
    return running && viewOf(running.chain).node(number)?.status;
  }

  /** Looks at the chain some times in each round. */
  async live(): Promise<void> {
    const { clock, plan } = this.#needs.world;
    for (;;) {
      await clock.sleep(this.#random.between(Math.floor(plan.roundMs / 3), plan.roundMs));
      const { running, life } = this.operator;
      if (this.isRetired || this.isMute || running === undefined || life === undefined || this.#isBusy)
        continue;
      this.#isBusy = true;
      // What waits for a node that dies never comes back.
      void Promise.race([this.#turn(running), life.end])
        .catch((error: unknown) => {
          if (life.alive && !String(error).includes("sim/killed")) {
            this.#needs.world.history.record(this.name, "stumbles", { detail: String(error) });
          }
        })
        .finally(() => {
          this.#isBusy = false;
        });
    }
  }

  async #turn(running: RunningNode): Promise<void> {
    const identity = await this.#present(running);
    this.#connect(running);
    const view = viewOf(running.chain);
    const number = view.nodeOfKey(identity.address);
    if (number === undefined) return this.#join(running, identity);
    const facts = view.facts(number);
    if (facts?.node.status === "expelled") return this.#isCaught(number);
    if (facts === undefined || facts.node.status !== "active") return;
    await this.#answer(view, number);
    await this.#answerAsks(running, number);
    const { slot } = facts;
    const isDue = facts.height > slot * view.slotEpochs + reportDueEpoch(view.slotEpochs, number);
    if (!isDue || this.#reported >= slot || (facts.node.lastSlot ?? -1) >= slot) return;
    this.#reported = slot;
    const added = [...view.assigned(number)].filter((one) => !one.isConfirmed).map((one) => one.number);
    const { address, publicKey, sign } = { ...identity.key, address: identity.address };
    const key = { address, publicKey, sign };
    const read = (cid: CID) => this.#read(cid);
    const { clock } = this.#needs.world;
    const made = await makeReport({ node: number, facts, key, added, program: "crook", read, clock });
    const report = this.#distorted(running, made);
    if (!this.isBold) await this.#frauds.commit(running, number, report);
    this.#reports.set(slot, report);
    const params = encode(methods.pins.submitReport.params, { report });
    await this.send(`report ${number} ${slot}`, "submitReport", params);
  }

  /** A message of its operator. */
  send(what: string, method: string, params: Uint8Array, value = 0n) {
    const { deeds, key } = this.#needs;
    const call = { to: pins, method, params, value: attoFil(value), gasLimit: plentyOfGas };
    return deeds.send(this.operator, key(this.operator, `${this.name} ${what}`), call);
  }

  signed({ chain }: RunningNode, unsigned: UnsignedPinReport): PinReport {
    const { key } = this;
    if (key === undefined) throw new RangeError("who signs has a key");
    return { ...unsigned, signature: key.sign(pinReportSigningBytes(unsigned, chain.networkId)) };
  }

  /** What it says instead of the truth: it cannot read a block, and claims one out of nothing. */
  #distorted(running: RunningNode, report: PinReport): PinReport {
    if (this.role === "free rider") return report;
    const isLie = (sample: PinSample): boolean => sample.block === null || this.isBold;
    const places = report.samples.filter(isLie).length;
    if (places === 0) return report;
    const { signature: _, ...rest } = report;
    const samples = report.samples.map(
      (sample): PinSample =>
        isLie(sample) ? { ...sample, block: sample.root, answer: this.#random.bytes(32), bytes: 7 } : sample,
    );
    const { node, slot } = report;
    this.lies.set(node, [...(this.lies.get(node) ?? []), slot]);
    this.#needs.world.history.record(this.name, "lies", { node, slot, places, of: samples.length });
    return this.signed(running, { ...rest, samples });
  }

  async #read(cid: CID): Promise<Uint8Array | undefined> {
    if (this.role !== "free rider") return this.store.get(cid);
    const peers = new Set(this.#wire?.peers().map(({ id }) => `${id}`));
    for (const { name, identity, blocks, life } of this.#needs.world.nodes) {
      if (identity.isByzantine || blocks?.pins === undefined || life === undefined || !peers.has(name))
        continue;
      const found = await Promise.race([blocks.pins.get(cid).catch(() => undefined), life.end]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Challenges on the chain, if it can. */
  async #answer(view: ReturnType<typeof viewOf>, number: number): Promise<void> {
    for (const { number: challenge, node, seed, root } of view.challenges()) {
      if (node !== number || this.#answered.has(`${challenge} ${seed.join()}`)) continue;
      const walk = await walkLocally(seed, root, (cid) => this.#read(cid));
      if (walk === undefined) continue;
      this.#answered.add(`${challenge} ${seed.join()}`);
      const params = encode(methods.pins.answerChallenge.params, { challenge, blocks: walk.blocks });
      void this.send(`answer ${challenge}`, "answerChallenge", params);
    }
  }

  /** What buyers ask, if it can; each question once. */
  async #answerAsks({ chain }: RunningNode, number: number): Promise<void> {
    const { state, tipset } = chain.headState();
    const gapEnd = readGapEnd(chain.store, state);
    for (const { number: pin, pin: order } of assignedPins(chain.store, state, number)) {
      const ask = order.replicas.find(({ node }) => node === number)?.ask;
      if (ask === undefined || ask === null) continue;
      const drawnAt = askStart(ask, gapEnd) + 1;
      const name = `ask ${pin} ${drawnAt}`;
      if (drawnAt > tipset.height || this.#answered.has(name)) continue;
      const seed = chain.randomnessBelow(tipset)(epoch(drawnAt), pinAskTag, askEntropy(pin, number));
      const walk = await walkLocally(seed, order.cid, (cid) => this.#read(cid));
      if (walk === undefined) continue;
      this.#answered.add(name);
      const params = encode(methods.pins.answerAsk.params, { pin, node: number, blocks: walk.blocks });
      void this.send(`answer ${name}`, "answerAsk", params);
    }
  }

  async #present(running: RunningNode): Promise<Identity> {
    if (this.#identity !== undefined) return this.#identity;
    const { clock } = this.#needs.world;
    this.#keys += 1;
    const random = this.#random.fork(`key ${this.#keys}`);
    const kept = { blocks: memoryBlocks(), disk: new SimDisk(), random };
    const attestation = await pinKit(this.name, simPinning, { clock, kept }).attest(running.chain);
    const key = await attestation.identity("pin-node");
    this.#identity = { key, address: accountAddress(network, key.publicKey), attestation };
    return this.#identity;
  }

  async #join(running: RunningNode, { key, attestation, address }: Identity): Promise<void> {
    const view = viewOf(running.chain);
    const nonceEpoch = Math.max(0, view.height - 1);
    const nonce = view.draw(nonceEpoch);
    if (this.#joinedFor === address || nonce === undefined) return;
    this.#joinedFor = address;
    const { publicKey } = key;
    const peerId = `${this.name}-${this.#keys}`;
    const operator = this.operator.identity.account;
    const bound = { use: "pin-node", networkId: running.chain.networkId, nodeKey: publicKey } as const;
    const { evidence } = await attestation.attest({ ...bound, peerId, operator, epoch: nonceEpoch, nonce });
    const proof = { program: attestation.program, nonceEpoch: epoch(nonceEpoch), evidence };
    const terms = { publicKey, peerId, capacityBytes, leastPrice: attoFil(0n), proof };
    const params = encode(methods.pins.admitNode.params, terms);
    await this.send(`join ${this.#keys}`, "admitNode", params, view.stake);
  }

  #isCaught(number: number): void {
    this.caught.add(number);
    this.#needs.world.history.record(this.name, "caught", { node: number, role: this.role });
    this.#identity = undefined;
    this.#reported = -1;
    this.#reports.clear();
    if (this.role === "liar") this.store.isLost = false;
    this.isRetired = this.isBold;
    void this.#wire?.[Symbol.asyncDispose]();
    this.#wire = undefined;
  }

  /** Whoever asks for its blocks gets those that it has. */
  #connect(running: RunningNode): void {
    const { net, nodes, clock } = this.#needs.world;
    if (this.#wire === undefined) {
      this.#wire = net.createWire(`${this.name}-${this.#keys}`);
      serveWalks({ wire: this.#wire, clock }, async ({ slot, sample: place }) => {
        const report = this.#reports.get(slot);
        const sample = report?.samples[place];
        if (report === undefined || sample === undefined || sample.block === null) return undefined;
        const seed = seedOf(running, report, place);
        return (await walkLocally(seed, sample.root, (cid) => this.#read(cid)))?.blocks;
      });
    }
    const wire = this.#wire;
    const known = new Set(wire.peers().map(({ id }) => `${id}`));
    for (const { name, running: up } of nodes)
      if (up !== undefined && !known.has(name)) void wire.connect(`/sim/${name}`).catch(() => undefined);
  }
}
