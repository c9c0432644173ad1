/**
 * Nodes that break the rules. Each is a whole honest node whose wire is tampered with: what it sends of its own is
 * held back, doubled, falsified; what others ask of it is answered with nothing or with rubbish; and it floods. What
 * it forges is remembered: nothing of that may ever be in an honest node's chain.
 */
import { type CID, encode, type Wire, type WireStream } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  blockCid,
  decodeBlock,
  encodeBlock,
  type FullBlock,
  messageCid,
  messageSigningBytes,
  readMinerState,
  signedMessageCodec,
} from "@holdfast/consensus";
import { draftBlock, lieAbout, lies, theft } from "./forge.ts";
import type { CheckedTipset, Oracle, TipsetCheck } from "./invariants.ts";
import type { SimNode, Tamper } from "./node.ts";
import type { World } from "./world.ts";

const moods = [
  "honest",
  "withhold",
  "late",
  "equivocate",
  "lie",
  "usurp",
  "rob",
  "deaf",
  "rubbish",
  "flood",
] as const;
type Mood = (typeof moods)[number];
/** Blocks that were held back come out all at once, in the end. */
const mostHeldBack = 16;
const floodMessages = 40;

/** Everything forged in one simulation, and who has earned a punishment. */
export class Crimes {
  readonly blocks = new Set<string>();
  readonly messages = new Set<string>();
  /** Miner → its last double fork. */
  readonly forks = new Map<string, { readonly height: number; readonly cids: readonly CID[] }>();

  readonly noneInTheChain: TipsetCheck = ({ tipset, blocks, receipts }) => {
    const forged = tipset.cids.find((cid) => this.blocks.has(cid.toString()));
    if (forged !== undefined) return `the forged block ${forged} is in the chain`;
    for (const { messages } of blocks) {
      const stolen = messages
        .map((signed) => messageCid(signed).toString())
        .find((cid) => this.messages.has(cid));
      if (stolen !== undefined && receipts.has(stolen)) return `the forged message ${stolen} was executed`;
    }
    return undefined;
  };
}

/** Only those are slashed who have done what costs it, and each time once. */
export function onlyTheGuilty(world: () => World): TipsetCheck {
  return ({ state, parent }: CheckedTipset, { store }: Oracle) => {
    for (const { identity } of world().nodes) {
      if (identity.miner === undefined || identity.isByzantine) continue;
      const { slashedAt } = readMinerState(store, state, identity.miner);
      if (slashedAt !== null && parent !== undefined)
        return `the honest ${identity.name} was slashed at ${slashedAt}`;
    }
    return undefined;
  };
}

export class Villain {
  readonly #world: () => World;
  readonly #crimes: Crimes;
  readonly #random: SeededRandom;
  #mood: Mood = "honest";
  #isReformed = false;
  #held: (() => Promise<void>)[] = [];

  constructor(world: () => World, crimes: Crimes, random: SeededRandom) {
    this.#world = world;
    this.#crimes = crimes;
    this.#random = random;
  }

  readonly tamper: Tamper = (wire: Wire, node: SimNode): Wire => ({
    ...wire,
    publish: (topic, bytes) =>
      topic.startsWith("/fil/blocks/")
        ? this.#publishBlock(wire, node, topic, bytes)
        : wire.publish(topic, bytes),
    handle: (protocol, handler) =>
      wire.handle(protocol, (stream) => {
        if (this.#mood === "deaf") return new Promise<never>(() => undefined);
        return handler(this.#mood === "rubbish" ? this.#garbled(stream) : stream);
      }),
  });

  /** Changes its mood until it is reformed. */
  async live(node: SimNode): Promise<void> {
    const { clock, plan, history } = this.#world();
    while (!this.#isReformed) {
      await clock.sleep(this.#random.between(Math.floor(plan.every.misdeedMs / 2), plan.every.misdeedMs * 2));
      if (this.#isReformed) return;
      this.#mood = this.#random.pick(moods);
      history.record(node.name, "mood", { mood: this.#mood });
      if (this.#mood !== "withhold") await this.#release();
      if (this.#mood === "flood") void this.#flood(node);
      if (this.#mood === "usurp") void this.#usurp(node);
    }
  }

  /** From now on it behaves, and shows what it held back. */
  async reform(): Promise<void> {
    this.#isReformed = true;
    this.#mood = "honest";
    await this.#release();
  }

  /** Signs two blocks at its next win, for everybody to see. */
  incite(): void {
    this.#mood = "equivocate";
  }

  async #release(): Promise<void> {
    for (const send of this.#held.splice(0)) await send();
  }

  async #publishBlock(wire: Wire, node: SimNode, topic: string, bytes: Uint8Array): Promise<void> {
    const block = decodeBlock(bytes);
    const { clock, plan, history } = this.#world();
    const send = (): Promise<void> => wire.publish(topic, bytes).catch(() => undefined);
    switch (this.#mood) {
      case "withhold":
        if (this.#held.length < mostHeldBack) this.#held.push(send);
        history.record(node.name, "withholds", { height: block.header.height });
        return;
      case "late":
        await clock.sleep(this.#random.between(1, 3 * plan.roundMs));
        return send();
      case "equivocate":
        await send();
        return this.#double(wire, node, topic, block);
      case "lie":
        return this.#lie(wire, node, topic, block);
      case "rob":
        await send();
        return this.#rob(wire, node, topic, block);
      default:
        return send();
    }
  }

  async #double(wire: Wire, node: SimNode, topic: string, block: FullBlock): Promise<void> {
    const { running } = node;
    const base = running?.chain.tipset(block.header.parents.map(String).join(","));
    if (running === undefined || base === undefined) return;
    const { verifier, history } = this.#world();
    const { height, miner } = block.header;
    const own = await this.#ownMessage(node);
    const messages = block.messages.length > 0 ? block.messages.slice(1) : own;
    const second = await draftBlock(node, running, verifier, { base, round: height, messages });
    if (second === undefined || blockCid(second.header).equals(blockCid(block.header))) return;
    if (second.header.stateRoot.equals(block.header.stateRoot) && messages.length === 0) return;
    history.record(node.name, "signs twice", { height });
    this.#crimes.forks.set(miner, { height, cids: [blockCid(block.header), blockCid(second.header)] });
    await wire.publish(topic, encodeBlock(second)).catch(() => undefined);
  }

  async #ownMessage(node: SimNode) {
    const { running } = node;
    if (running === undefined) return [];
    const stolen = theft(
      running,
      node.identity.account,
      node.identity.miner ?? node.identity.account,
      this.#random,
    );
    if (stolen === undefined) return [];
    const bytes = messageSigningBytes(stolen.message, running.chain.networkId);
    return [{ ...stolen, signature: running.wallet.sign(node.identity.account, bytes) }];
  }

  async #lie(wire: Wire, node: SimNode, topic: string, block: FullBlock): Promise<void> {
    const { running } = node;
    if (running === undefined) return;
    for (const lie of this.#random.shuffle(Object.keys(lies)).slice(0, 3)) {
      const forged = lieAbout(running, block, lie, this.#random);
      if (forged !== undefined) await this.#publishForged(wire, node, topic, forged, lie);
    }
  }

  async #rob(wire: Wire, node: SimNode, topic: string, block: FullBlock): Promise<void> {
    const { running } = node;
    const base = running?.chain.tipset(block.header.parents.map(String).join(","));
    const { nodes, verifier } = this.#world();
    const victim = this.#random.pick(nodes).identity.account;
    if (running === undefined || base === undefined) return;
    const stolen = theft(running, victim, node.identity.account, this.#random);
    if (stolen === undefined) return;
    this.#crimes.messages.add(messageCid(stolen).toString());
    const round = block.header.height;
    const forged = await draftBlock(node, running, verifier, { base, round, messages: [stolen] });
    if (forged !== undefined && forged.messages.length > 0) {
      await this.#publishForged(wire, node, topic, forged, "a stolen message");
    }
  }

  /** Blocks of rounds that were not won. */
  async #usurp(node: SimNode): Promise<void> {
    const { clock, plan, verifier } = this.#world();
    while (this.#mood === "usurp") {
      await clock.sleep(plan.roundMs);
      const { running } = node;
      if (running === undefined) continue;
      const { chain, wire } = running;
      const round = Math.floor((clock.nowMs() - chain.genesisTimestampMs) / plan.roundMs);
      const draft = { base: chain.head(), round, messages: [], isUnearned: true };
      const forged = await draftBlock(node, running, verifier, draft).catch(() => undefined);
      if (forged === undefined) continue;
      await this.#publishForged(
        wire,
        node,
        `/fil/blocks/${chain.params.name}`,
        forged,
        "a round that was not won",
      );
    }
  }

  async #publishForged(
    wire: Wire,
    node: SimNode,
    topic: string,
    forged: FullBlock,
    lie: string,
  ): Promise<void> {
    this.#crimes.blocks.add(blockCid(forged.header).toString());
    this.#world().history.record(node.name, "forges", { lie, height: forged.header.height });
    // Not through the tampered door: it would be falsified once more.
    await wire.publish(topic, encodeBlock(forged)).catch(() => undefined);
  }

  async #flood(node: SimNode): Promise<void> {
    const { clock, nodes } = this.#world();
    for (let sent = 0; sent < floodMessages && this.#mood === "flood"; sent += 1) {
      await clock.sleep(this.#random.between(10, 1_000));
      const { running } = node;
      if (running === undefined) return;
      const { chain, wire } = running;
      const victim = this.#random.pick(nodes).identity.account;
      const stolen = theft(running, victim, node.identity.account, this.#random);
      const kind = this.#random.below(3);
      if (kind === 0 && stolen !== undefined) {
        this.#crimes.messages.add(messageCid(stolen).toString());
        await wire
          .publish(`/fil/msgs/${chain.params.name}`, encode(signedMessageCodec, stolen))
          .catch(() => undefined);
      } else {
        const topic = this.#random.pick(["/fil/msgs/", "/fil/blocks/"]);
        const rubbish = this.#random.bytes(this.#random.between(1, 2_000));
        await wire.publish(`${topic}${chain.params.name}`, rubbish).catch(() => undefined);
      }
    }
  }

  /** Every second answer has a wrong byte in it. */
  #garbled(stream: WireStream): WireStream {
    return {
      peer: stream.peer,
      protocol: stream.protocol,
      read: (signal) => stream.read(signal),
      closeWrite: () => stream.closeWrite(),
      abort: (reason) => stream.abort(reason),
      write: (bytes, signal) => {
        const copy = bytes.slice();
        const at = this.#random.below(Math.max(1, copy.length));
        if (this.#random.chance(0.5)) copy[at] = (copy[at] ?? 0) ^ (1 + this.#random.below(255));
        return stream.write(copy, signal);
      },
    };
  }
}
