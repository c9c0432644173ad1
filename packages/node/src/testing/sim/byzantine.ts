/**
 * Nodes that break the rules. Each is a whole honest node whose wire and storage are tampered with: what it sends of
 * its own is held back, doubled, falsified; what others ask of it is answered with nothing or with rubbish; it floods;
 * some do not prove what they hold. All the time it forges blocks, with one lie each. What it forges is remembered:
 * no honest node may ever take anything of that in.
 */
import { type CID, concatBytes, encode, type Wire, type WireStream } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  blockCid,
  decodeBlock,
  encodeBlock,
  type FullBlock,
  messageCid,
  readMinerState,
  type SignedMessage,
  signedMessageCodec,
} from "@holdfast/consensus";
import type { Storage } from "@holdfast/storage";
import { simErrors } from "./errors.ts";
import { draftBlock, forgeBlock, forgeBody, lies, type Making } from "./forge.ts";
import { frauds, spending, theft } from "./frauds.ts";
import { Impostor } from "./impostor.ts";
import type { CheckedTipset, Oracle, TipsetCheck } from "./invariants.ts";
import type { SimNode, Tamper } from "./node.ts";
import type { World } from "./world.ts";

const moods = ["honest", "withhold", "late", "equivocate", "deaf", "rubbish", "flood", "cheat"] as const;
type Mood = (typeof moods)[number];
/** Blocks that were held back come out all at once, in the end. */
const mostHeldBack = 16;
const floodMessages = 40;
/** Forged blocks of one misdeed, if there is a round that was won. */
const mostForged = 5;
/** Rounds after which a forged block that nobody has taken in is not looked for at every head any more. */
const watchedRounds = 8;
/** Share of the forged blocks that are not published: they are told of as a head, and given to whoever asks. */
const greetedShare = 0.4;
/** Share of the time under faults before that: whoever is caught with a false chain is not heard any more. */
const quietShare = 0.5;
/** The same for who signs two blocks of a height, and loses everything. */
const lateShare = 0.75;
/** Share of the villains that hold sectors and do not prove them. */
const lazyShare = 0.4;

interface ForgedBlock {
  readonly cid: CID;
  readonly lie: string;
  readonly atMs: number;
}

/** Everything forged in one simulation, and who has earned a punishment. */
export class Crimes {
  readonly #world: () => World;
  readonly #blocks = new Map<string, ForgedBlock>();
  readonly messages = new Set<string>();
  /** Miner → its last double fork. */
  readonly forks = new Map<string, { readonly height: number; readonly cids: readonly CID[] }>();

  constructor(world: () => World) {
    this.#world = world;
  }

  forged({ header }: FullBlock, lie: string): void {
    const cid = blockCid(header);
    this.#blocks.set(cid.toString(), { cid, lie, atMs: this.#world().history.atMs });
  }

  /** Neither in its chain nor beside it has an honest node a block with a lie in it. */
  checkTaken({ name, identity, running }: SimNode, isLast = false): void {
    const { history, plan } = this.#world();
    if (identity.isByzantine || running === undefined) return;
    const fromMs = isLast ? 0 : history.atMs - watchedRounds * plan.roundMs;
    for (const { cid, lie, atMs } of this.#blocks.values()) {
      if (atMs >= fromMs && running.chain.hasBlock(cid))
        history.violate("no lie is taken in", name, `${lie}: the block ${cid}`);
    }
  }

  readonly noneInTheChain: TipsetCheck = ({ tipset, blocks, receipts }) => {
    const forged = tipset.cids.find((cid) => this.#blocks.has(cid.toString()));
    if (forged !== undefined)
      return `the forged block ${forged} is in the chain: ${this.#blocks.get(forged.toString())?.lie}`;
    for (const { messages } of blocks) {
      const stolen = messages
        .map((signed) => messageCid(signed).toString())
        .find((cid) => this.messages.has(cid));
      if (stolen !== undefined && receipts.has(stolen)) return `the forged message ${stolen} was executed`;
    }
    return undefined;
  };
}

/** Only those are slashed who have done what costs it. */
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
  readonly #isLazy: boolean;
  readonly #impostor: Impostor;
  #mood: Mood = "honest";
  #isReformed = false;
  #held: (() => Promise<void>)[] = [];
  /** Every kind of forgery in turn, in an order of its own. */
  #deck: string[] = [];
  /** The way out that is not tampered with, of the present life. */
  #wire: Wire | undefined;

  constructor(world: () => World, crimes: Crimes, random: SeededRandom) {
    this.#world = world;
    this.#crimes = crimes;
    this.#random = random;
    this.#isLazy = random.chance(lazyShare);
    this.#impostor = new Impostor(random.fork("impostor"));
  }

  readonly tamper: Tamper = {
    wire: (wire: Wire, node: SimNode): Wire => {
      this.#wire = wire;
      return {
        ...wire,
        publish: (topic, bytes) =>
          topic.startsWith("/fil/blocks/")
            ? this.#publishBlock(wire, node, topic, bytes)
            : wire.publish(topic, bytes),
        handle: (protocol, handler) =>
          wire.handle(protocol, (stream) => {
            if (this.#mood === "deaf") return new Promise<never>(() => undefined);
            if (this.#mood === "rubbish") return handler(this.#garbled(stream));
            return this.#impostor.instead(protocol, node, handler)(stream);
          }),
      };
    },
    storage: (storage: Storage): Storage => ({
      ...storage,
      generatePost: async (kind, seed, sectorIds) => {
        if (this.#isLazy && kind === "window") throw simErrors.unwilling({ deed: "a proof of spacetime" });
        return storage.generatePost(kind, seed, sectorIds);
      },
    }),
  };

  /** Changes its mood, and forges, until it is reformed. */
  async live(node: SimNode): Promise<void> {
    const { clock, plan, history } = this.#world();
    const { misdeedMs } = plan.every;
    void this.#forgeOften(node);
    while (!this.#isReformed) {
      await clock.sleep(this.#random.between(misdeedMs, misdeedMs * 4));
      if (this.#isReformed) return;
      const mood = this.#random.pick(moods);
      // Who has lost its power forges no more.
      const isEarly = history.atMs < lateShare * plan.faultMs;
      this.#mood = mood === "equivocate" && isEarly ? "honest" : mood;
      this.#impostor.cheats = this.#mood === "cheat";
      history.record(node.name, "mood", { mood: this.#mood });
      if (this.#mood !== "withhold") await this.#release();
      if (this.#mood === "flood") void this.#flood(node);
    }
  }

  /** From now on it behaves, and shows what it held back. */
  async reform(): Promise<void> {
    this.#isReformed = true;
    this.#mood = "honest";
    this.#impostor.cheats = false;
    await this.#release();
  }

  /** Signs two blocks at its next win, for everybody to see. */
  incite(): void {
    this.#mood = "equivocate";
  }

  get #making(): Making {
    return { verifier: this.#world().verifier, random: this.#random };
  }

  async #forgeOften(node: SimNode): Promise<void> {
    const { clock, plan } = this.#world();
    const { misdeedMs } = plan.every;
    for (;;) {
      await clock.sleep(this.#random.between(Math.floor(misdeedMs / 2), Math.floor((misdeedMs * 3) / 2)));
      if (this.#isReformed) return;
      const count = this.#random.between(2, mostForged);
      for (let made = 0; made < count; made += 1) await this.#forge(node);
    }
  }

  async #forge(node: SimNode): Promise<void> {
    const { clock, plan } = this.#world();
    const { running } = node;
    if (running === undefined || node.identity.miner === undefined) return;
    if (this.#deck.length === 0)
      this.#deck = this.#random.shuffle([...Object.keys(lies), ...Object.keys(frauds)]);
    const kind = this.#deck.pop() ?? "";
    const latest = Math.floor((clock.nowMs() - running.chain.genesisTimestampMs) / plan.roundMs);
    try {
      const forged = await this.#forgedBlock(node, kind, latest);
      if (forged === undefined) this.#deck.unshift(kind);
      else await this.#publishForged(node, forged, kind);
    } catch {
      // It died meanwhile, or its disk failed: no crime today.
    }
  }

  async #forgedBlock(node: SimNode, kind: string, latest: number): Promise<FullBlock | undefined> {
    const { running } = node;
    if (running === undefined) return undefined;
    const lie = lies[kind];
    const victim = this.#random.pick(this.#world().nodes).identity.account;
    const fraud = { thief: node.identity.account, victim, random: this.#random };
    if (lie !== undefined) {
      const base = running.chain.head();
      const spent = spending(running, { ...fraud, base });
      const messages = spent === undefined ? [] : [spent];
      return forgeBlock(node, running, this.#making, { lie, latest, messages });
    }
    return forgeBody(node, running, this.#making, {
      latest,
      fraud: (base) => frauds[kind]?.(running, { ...fraud, base }),
    });
  }

  async #publishForged(node: SimNode, forged: FullBlock, lie: string): Promise<void> {
    const { history, params, plan } = this.#world();
    this.#crimes.forged(forged, lie);
    const isLate = history.atMs > quietShare * plan.faultMs;
    const isGreeted = isLate && this.#random.chance(greetedShare);
    history.record(node.name, "forges", { lie, height: forged.header.height, isGreeted });
    if (isGreeted && this.#wire !== undefined) return this.#impostor.greet(this.#wire, node, forged);
    // Not through the tampered door: it would be falsified once more.
    await this.#wire?.publish(`/fil/blocks/${params.name}`, encodeBlock(forged)).catch(() => undefined);
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
      default:
        return send();
    }
  }

  async #double(wire: Wire, node: SimNode, topic: string, block: FullBlock): Promise<void> {
    const { running } = node;
    const base = running?.chain.tipset(block.header.parents.map(String).join(","));
    if (running === undefined || base === undefined) return;
    const { history } = this.#world();
    const { height, miner } = block.header;
    const messages = block.messages.length > 0 ? block.messages.slice(1) : this.#ownMessage(node);
    const second = await draftBlock(node, running, this.#making, { base, round: height, messages });
    if (second === undefined || blockCid(second.header).equals(blockCid(block.header))) return;
    if (second.header.stateRoot.equals(block.header.stateRoot) && messages.length === 0) return;
    history.record(node.name, "signs twice", { height });
    this.#crimes.forks.set(miner, { height, cids: [blockCid(block.header), blockCid(second.header)] });
    await wire.publish(topic, encodeBlock(second)).catch(() => undefined);
  }

  #ownMessage({ identity, running }: SimNode): readonly SignedMessage[] {
    if (running === undefined) return [];
    const fraud = { thief: identity.account, victim: identity.miner ?? identity.account };
    const spent = spending(running, { ...fraud, random: this.#random, base: running.chain.head() });
    return spent === undefined ? [] : [spent];
  }

  async #flood(node: SimNode): Promise<void> {
    const { clock, nodes } = this.#world();
    for (let sent = 0; sent < floodMessages && this.#mood === "flood"; sent += 1) {
      await clock.sleep(this.#random.between(10, 1_000));
      const { running } = node;
      if (running === undefined) return;
      const { chain, wire } = running;
      const victim = this.#random.pick(nodes).identity.account;
      const fraud = { victim, thief: node.identity.account, random: this.#random, base: chain.head() };
      const stolen = theft(running, fraud);
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
        const copy = bytes instanceof Uint8Array ? bytes.slice() : concatBytes(...bytes);
        const at = this.#random.below(Math.max(1, copy.length));
        if (this.#random.chance(0.5)) copy[at] = (copy[at] ?? 0) ^ (1 + this.#random.below(255));
        return stream.write(copy, signal);
      },
    };
  }
}
