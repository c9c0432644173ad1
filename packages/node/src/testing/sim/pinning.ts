/**
 * Attested pinning in a simulation: operators whose nodes join, leave and come again, lose blocks behind their node's
 * back, claim and settle; buyers who order, extend, remove, repair and challenge; and those who cheat (crooks.ts). What
 * must be true in the end is in pin-trial.ts.
 */
import { attoFil, type CID, encode } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  builtinAddresses,
  listPinNodes,
  listPins,
  methods,
  type PinNode,
  type PinReport,
  pinCost,
  readPin,
  readPinNode,
} from "@holdfast/consensus";
import { Crook, crookRoles, Store } from "./crooks.ts";
import { type Deeds, plentyOfGas } from "./deeds.ts";
import type { TipsetCheck } from "./invariants.ts";
import { network, type SimNode } from "./node.ts";
import { type Content, Library } from "./pin-content.ts";
import { type Forbidden, reportsOfOthers } from "./pin-frauds.ts";
import type { World } from "./world.ts";

const { pins: pinsAddress } = builtinAddresses(network);
const { pins } = methods;
/** All of a simulation. */
const page = { from: 0, limit: 1_000 };
/** Room that a node says it has. */
const capacityBytes = 2 ** 30;
/** Within this time of the beginning everybody who is honest wants in. */
const beginMs = 30_000;

export interface PinningNeeds {
  readonly world: World;
  readonly deeds: Deeds;
  readonly forbidden: Forbidden;
  readonly honest: readonly SimNode[];
  readonly key: (node: SimNode, what: string) => string;
}

export interface NumberedNode extends PinNode {
  readonly number: number;
}

export class Pinning {
  readonly #needs: PinningNeeds;
  readonly content = new Library();
  readonly crooks: readonly Crook[];
  /** Who has lost blocks: what it can show is less than what it has reported. */
  readonly forgetful: Set<string>;

  constructor(needs: PinningNeeds) {
    this.#needs = needs;
    this.forgetful = needs.world.forgetful;
    const { honest } = needs;
    const own = () => new Store(this.content);
    const shared = own();
    this.crooks = crookRoles.map(
      (role, index) =>
        new Crook(
          { ...needs, content: this.content },
          {
            ...{ role, index, store: role === "colluder" ? shared : own() },
            operator: honest[index % honest.length] as SimNode,
          },
        ),
    );
  }

  /** Everybody comes in, and cheats and people begin. */
  begin(): void {
    const { world, honest } = this.#needs;
    const random = world.random.fork("pinning");
    for (const crook of this.crooks) void crook.live();
    for (const node of honest) {
      void world.clock.sleep(random.between(1, beginMs)).then(() => this.join(node));
    }
    void world.clock.sleep(2 * beginMs).then(() => this.order(random.pick(honest), random));
  }

  async live(node: SimNode, random: SeededRandom): Promise<void> {
    const dice = random.below(100);
    if (dice < 25) await this.order(node, random);
    else if (dice < 35) await this.#orderCall(node, random, "extendPin");
    else if (dice < 42) await this.#orderCall(node, random, "removePin");
    else if (dice < 57) await this.settle(node, this.#orders(node));
    else if (dice < 64) await this.#orderCall(node, random, "repairPin");
    else if (dice < 76) await this.claim(node);
    else if (dice < 80) await this.#challengeSomebody(node);
    else if (dice < 85) await this.#askSomebody(node, random);
    else if (dice < 87) await this.#closeAsks(node);
    else if (dice < 89) await this.loseBlocks(node, random);
    else if (dice < 92) await this.leave(node);
    else if (dice < 95) await this.#loseStore(random);
    else await this.join(node);
  }

  async join(node: SimNode): Promise<void> {
    const { signal } = new AbortController();
    await this.#needs.deeds.ask(node, "pin node join", ({ handlers }) =>
      handlers["posc.join"]({ capacityBytes }, signal),
    );
  }

  async leave(node: SimNode): Promise<void> {
    const { signal } = new AbortController();
    await this.#needs.deeds.ask(node, "pin node leave", ({ handlers }) => handlers["posc.leave"]({}, signal));
  }

  /** By hand, whether or not it is time. */
  async withdraw(node: SimNode): Promise<void> {
    const number = this.nodeOf(node)?.number;
    if (number === undefined) return;
    await this.#send(node, "withdrawStake", encode(pins.withdrawStake.params, { node: number }));
  }

  /** The newest node of the chain that a machine runs. */
  nodeOf(node: SimNode): NumberedNode | undefined {
    const { running } = node;
    if (running === undefined) return undefined;
    const { chain } = running;
    const { entries } = listPinNodes(chain.store, chain.headState().state, page);
    return entries.filter(({ peerId }) => peerId === node.name).at(-1);
  }

  /** A node of the chain, by its number, as a machine sees it. */
  entryOf({ running }: SimNode, number: number): PinNode | undefined {
    return running && readPinNode(running.chain.store, running.chain.headState().state, number);
  }

  async order(
    node: SimNode,
    random: SeededRandom,
    terms: { readonly wanted?: number; readonly slots?: number } = {},
  ): Promise<Content | undefined> {
    const { deeds } = this.#needs;
    const content = await this.content.write(deeds, node, random);
    if (content === undefined) return undefined;
    const { wanted = random.between(1, 6), slots = random.between(2, 8) } = terms;
    const price = attoFil(BigInt(random.between(1, 1_000_000)) * 1_000_003n * 2n ** 20n);
    const params = { cid: content.root, bytes: content.carBytes, wanted, price, slots };
    const extra = BigInt(random.below(2) * random.below(1_000));
    await this.#send(node, "addPin", encode(pins.addPin.params, params), pinCost(params, slots) + extra);
    return content;
  }

  /** The number of the newest order of some content. */
  numberOf(node: SimNode, root: CID): number | undefined {
    return this.entries(node)
      .filter(({ cid }) => cid.equals(root))
      .at(-1)?.number;
  }

  async settle(node: SimNode, numbers: readonly number[]): Promise<void> {
    await this.#send(node, "settlePins", encode(pins.settlePins.params, { pins: numbers }));
  }
  async remove(node: SimNode, pin: number): Promise<void> {
    await this.#send(node, "removePin", encode(pins.removePin.params, { pin }));
  }

  /** Of one node, or of all that are its operator's. */
  async claim(node: SimNode): Promise<void> {
    const { running, identity } = node;
    if (running === undefined) return;
    const { chain } = running;
    const { entries } = listPinNodes(chain.store, chain.headState().state, page);
    for (const { number, operator } of entries) {
      if (operator !== identity.account) continue;
      await this.#send(node, "claimEarned", encode(pins.claimEarned.params, { node: number }));
    }
  }

  /** With the deposit that it takes; undefined if there is no such sample. */
  async challenge(node: SimNode, report: PinReport): Promise<boolean> {
    const sample = report.samples.findIndex(({ block }) => block !== null);
    if (sample < 0) return false;
    const { pinChallengeDeposit } = this.#needs.world.params;
    const params = encode(pins.challengeSample.params, { report, sample });
    await this.#send(node, "challengeSample", params, pinChallengeDeposit);
    return true;
  }

  /** Files of a folder go from its disk, as when somebody clears up; the folder itself stays. */
  async loseBlocks(node: SimNode, random: SeededRandom): Promise<void> {
    const { blocks, life } = node;
    if (blocks?.pins === undefined || life === undefined) return;
    const { pins: place } = blocks;
    this.forgetful.add(node.name);
    const lose = async (): Promise<void> => {
      let lost = 0;
      for await (const cid of place.list()) {
        if (cid.code !== rawCode || random.chance(0.4)) continue;
        await place.delete(cid);
        lost += 1;
      }
      this.#needs.world.history.record(node.name, "pinned blocks lost", { lost });
    };
    await Promise.race([lose().catch(() => undefined), life.end]);
  }

  async #loseStore(random: SeededRandom): Promise<void> {
    const crook = random.pick(this.crooks.filter(({ role }) => role !== "free rider"));
    crook.store.isLost = !crook.store.isLost;
    this.#needs.world.history.record(crook.name, "store", { isLost: crook.store.isLost });
  }

  async #challengeSomebody(node: SimNode): Promise<void> {
    const { running } = node;
    if (running === undefined) return;
    const [report] = reportsOfOthers(running, this.nodeOf(node)?.number);
    if (report !== undefined) await this.challenge(node, report);
  }

  /** The buyer of an order has a node of it show a walk, which the chain draws. */
  async ask(node: SimNode, pin: number, asked: number): Promise<void> {
    const { pinChallengeDeposit } = this.#needs.world.params;
    const params = encode(pins.askOrder.params, { pin, node: asked });
    await this.#send(node, "askOrder", params, pinChallengeDeposit);
  }
  async #askSomebody(node: SimNode, random: SeededRandom): Promise<void> {
    const own = this.entries(node).filter(({ buyer }) => buyer === node.identity.account);
    const parts = own.flatMap(({ number, replicas }) =>
      replicas.filter(({ fromSlot }) => fromSlot !== null).map((part) => ({ number, asked: part.node })),
    );
    if (parts.length === 0) return;
    const { number, asked } = random.pick(parts);
    await this.ask(node, number, asked);
  }
  /** Whatever is asked and was not answered; too early, too. */
  async #closeAsks(node: SimNode): Promise<void> {
    for (const { number: pin, replicas } of this.entries(node)) {
      for (const { node: asked, ask } of replicas) {
        if (ask === null) continue;
        await this.#send(node, "closeAsk", encode(pins.closeAsk.params, { pin, node: asked }));
      }
    }
  }

  /** All orders, as a node sees them. */
  entries({ running }: SimNode) {
    if (running === undefined) return [];
    const { chain } = running;
    return listPins(chain.store, chain.headState().state, page).entries;
  }
  #orders(node: SimNode): readonly number[] {
    return this.entries(node).map(({ number }) => number);
  }

  async #orderCall(
    node: SimNode,
    random: SeededRandom,
    method: "extendPin" | "removePin" | "repairPin",
  ): Promise<void> {
    const { running } = node;
    const numbers = this.#orders(node);
    if (running === undefined || numbers.length === 0) return;
    const pin = random.pick(numbers);
    const { chain } = running;
    const order = readPin(chain.store, chain.headState().state, pin);
    const slots = random.between(1, 3);
    if (method !== "extendPin" || order === undefined)
      return this.#send(node, method, encode(pins.repairPin.params, { pin }));
    await this.#send(node, method, encode(pins.extendPin.params, { pin, slots }), pinCost(order, slots));
  }

  async #send(node: SimNode, method: string, params: Uint8Array, value = 0n): Promise<void> {
    const { deeds, key } = this.#needs;
    const call = { to: pinsAddress, method, params, value: attoFil(value), gasLimit: plentyOfGas };
    await deeds.send(node, key(node, method), call);
  }
}

const rawCode = 0x55;

/** Who has kept all that it said is never expelled, whatever happens to it. */
export function honestPinnersStay(world: () => World): TipsetCheck {
  return ({ state }, { store }) => {
    const { plan, nodes, forgetful } = world();
    if (!plan.services.includes("pins")) return undefined;
    for (const { number, peerId, status } of listPinNodes(store, state, page).entries) {
      if (status !== "expelled" || forgetful.has(peerId)) continue;
      const machine = nodes.find(({ name }) => name === peerId);
      if (machine !== undefined && !machine.identity.isByzantine)
        return `node ${number} of ${peerId} is expelled`;
    }
    return undefined;
  };
}
