/**
 * The people of a simulation: transfers, payment channels, multisigs, prices, files stored and read back, and requests
 * that make no sense. Each honest node has one of them, who does something at times drawn from the seed.
 */
import {
  type Address,
  attoFil,
  channelId,
  encode,
  epoch,
  HoldfastError,
  type SectorId,
} from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import {
  builtinAddresses,
  methods,
  readMinerState,
  readPower,
  readSectors,
  type Voucher,
  voucherSigningBytes,
} from "@holdfast/consensus";
import { Deeds, plentyOfGas } from "./deeds.ts";
import { type FilesNeeds, getFile, putFile } from "./files.ts";
import { network, type SimNode } from "./node.ts";
import type { Forbidden } from "./pin-frauds.ts";
import { Pinning } from "./pinning.ts";
import { Savings } from "./savings.ts";
import { Space } from "./space.ts";
import { keepStore } from "./storekeepers.ts";
import type { World } from "./world.ts";

const { broker, init } = builtinAddresses(network);
const filUnit = 10n ** 18n;
/** A miner is taken out of service only with less than one part of so many of the power. */
const mostPowerDown = 3n;

interface OpenChannel {
  readonly payer: SimNode;
  readonly target: SimNode;
  readonly id: number;
  readonly amount: bigint;
  promised: bigint;
}

export interface Workload {
  readonly deeds: Deeds;
  readonly space: Space;
  readonly pinning: Pinning;
  /** Nothing new begins. */
  rest(): void;
}

export function putToWork(world: World, forbidden: Forbidden): Workload {
  const people = new People(world, forbidden);
  for (const node of people.honest) people.live(node);
  const { deeds, space, pinning } = people;
  if (world.plan.services.includes("pins")) pinning.begin();
  return { deeds, space, pinning, rest: () => people.rest() };
}

/** Of what an operator does, where there is idle space, the part that is about it. */
const spaceShare = 0.25;
/** The same of what anybody does, where there are pinning nodes. */
const pinningShare = 0.35;
/** Where miners have workers, what gives them work: files to store, and deeds with disks. */
const engineShare = 0.5;

class People {
  readonly deeds: Deeds;
  readonly space: Space;
  readonly pinning: Pinning;
  readonly honest: readonly SimNode[];
  readonly #world: World;
  readonly #stop = new AbortController();
  readonly #channels: OpenChannel[] = [];
  readonly #strangers: readonly Address[];
  readonly #savings: Savings;
  readonly #files: FilesNeeds;
  #count = 0;

  constructor(world: World, forbidden: Forbidden) {
    this.#world = world;
    this.deeds = new Deeds(world);
    this.honest = world.nodes.filter(({ identity }) => !identity.isByzantine);
    this.#strangers = world.nodes.map(({ identity }) => identity.account);
    this.space = new Space({ world, deeds: this.deeds, key: (node, what) => this.#key(node, what) });
    this.pinning = new Pinning({
      ...{ world, forbidden, deeds: this.deeds, honest: this.honest },
      key: (node, what) => this.#key(node, what),
    });
    this.#files = { world, deeds: this.deeds };
    this.#savings = new Savings({
      world,
      deeds: this.deeds,
      honest: this.honest,
      key: (node, what) => this.#key(node, what),
      reach: (node, height) => this.#reach(node, height),
    });
  }

  rest(): void {
    this.#stop.abort(new HoldfastError({ code: "sim/rest", message: "rest", fix: "none", exit: "internal" }));
  }

  live(node: SimNode): void {
    const { random, clock, plan } = this.#world;
    const own = random.fork(`people of ${node.name}`);
    const day = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(own.between(1, 2 * plan.workMs), this.#stop.signal);
        void this.#act(node, own);
      }
    };
    day().catch(() => undefined);
  }

  async #act(node: SimNode, random: SeededRandom): Promise<void> {
    const { services } = this.#world.plan;
    const hasSpace = services.includes("idle") && node.identity.miner !== undefined;
    if (hasSpace && random.chance(spaceShare)) return this.space.live(node, random);
    const hasPins = services.includes("pins");
    if (hasPins && random.chance(pinningShare)) return this.pinning.live(node, random);
    if (services.includes("workers") && random.chance(engineShare))
      return node.engine === undefined
        ? putFile(this.#files, node, random)
        : keepStore(this.#files, node, random);
    const dice = random.below(100);
    if (dice < 37) await this.#transfer(node, random);
    else if (dice < 39) await this.#burst(node, random);
    else if (dice < 47) await this.#openChannel(node, random);
    else if (dice < 59) await this.#useChannel(node, random);
    else if (dice < 74) await this.#channelLife(node, random);
    else if (dice < 77) await putFile(this.#files, node, random);
    else if (dice < 80) await getFile(this.#files, node, random);
    else if (dice < 84) await this.#ask(node, random);
    else if (dice < 89) await this.#maintain(node, random);
    else if (dice < 94) await this.#savings.live(node, random);
    else await this.#nonsense(node, random);
  }

  #key(node: SimNode, what: string): string {
    this.#count += 1;
    return `sim/${node.name}/${what}/${this.#count}`;
  }

  async #transfer(node: SimNode, random: SeededRandom): Promise<void> {
    const to = random.pick(this.#strangers.filter((address) => address !== node.identity.account));
    const value = attoFil(BigInt(random.below(1_000_000)) * 1_000_000n + BigInt(this.#count));
    const key = this.#key(node, "transfer");
    const gasPrice = attoFil(BigInt(random.between(1, 100)));
    const sent = await this.deeds.send(node, key, { to, value, gasPrice });
    // A program that did not trust the answer asks again.
    if (sent === undefined || !random.chance(0.2)) return;
    const again = await this.deeds.ask(node, "send again", ({ sender }) =>
      sender.send({ to, value, gasPrice, key }),
    );
    if (again !== undefined && again.nonce !== sent.nonce) {
      this.#world.history.violate(
        "one key, one message",
        node.name,
        `${key}: ${sent.nonce} and ${again.nonce}`,
      );
    }
  }

  /** More messages of one sender than a round or two take. */
  async #burst(node: SimNode, random: SeededRandom): Promise<void> {
    const count = random.between(5, 20);
    await Promise.all(Array.from({ length: count }, () => this.#transfer(node, random)));
  }

  async #openChannel(
    node: SimNode,
    random: SeededRandom,
    length = random.between(5, 60),
  ): Promise<OpenChannel | undefined> {
    const others = this.honest.filter((other) => other !== node);
    if (others.length === 0) return undefined;
    const target = random.pick(others);
    const amount = BigInt(random.between(1, 1_000)) * 10n ** 15n;
    const sent = await this.deeds.send(node, this.#key(node, "channel"), {
      to: broker,
      value: attoFil(amount),
      method: "createChannel",
      params: encode(methods.broker.createChannel.params, {
        target: target.identity.account,
        eol: epoch(heightOf(node) + length),
      }),
      gasLimit: plentyOfGas,
    });
    if (sent === undefined) return undefined;
    const channel = { payer: node, target, id: sent.nonce, amount, promised: 0n };
    this.#channels.push(channel);
    return channel;
  }

  /** A channel from its beginning to its end, each step as soon as the chain allows it. */
  async #channelLife(node: SimNode, random: SeededRandom): Promise<void> {
    const length = random.between(2, 4);
    const end = heightOf(node) + length;
    const channel = await this.#openChannel(node, random, length);
    if (channel === undefined) return;
    try {
      await this.#reach(node, heightOf(node) + 1);
      await this.#redeem(channel, random, "redeem");
      if (random.chance(0.3)) await this.#extend(channel, random);
      await this.#reach(node, end);
      await this.#pay(channel, "reclaim");
    } catch {
      // The day is over.
    }
  }

  /** Errors: the signal's, when nothing new begins. */
  async #reach(node: SimNode, height: number): Promise<void> {
    const { clock, plan } = this.#world;
    while (heightOf(node) < height) await clock.sleep(plan.roundMs, this.#stop.signal);
  }

  async #useChannel(node: SimNode, random: SeededRandom): Promise<void> {
    const own = this.#channels.filter(({ payer, target }) => payer === node || target === node);
    if (own.length === 0) return void (await this.#openChannel(node, random));
    const channel = random.pick(own);
    if (channel.target === node)
      return this.#redeem(channel, random, random.pick(["redeem", "redeem", "close"] as const));
    const deed = random.pick(["extend", "cancel", "reclaim", "reclaim"] as const);
    if (deed === "extend") await this.#extend(channel, random);
    else await this.#pay(channel, deed);
  }

  #callBroker(node: SimNode, method: string, params: Uint8Array, value = 0n) {
    const call = { to: broker, method, params, value: attoFil(value), gasLimit: plentyOfGas };
    return this.deeds.send(node, this.#key(node, method), call);
  }

  async #pay({ payer, id }: OpenChannel, method: "cancel" | "reclaim"): Promise<void> {
    const params = encode(methods.broker[method].params, { channel: channelId(id) });
    await this.#callBroker(payer, method, params);
  }

  async #extend({ payer, id }: OpenChannel, random: SeededRandom): Promise<void> {
    const eol = epoch(heightOf(payer) + random.between(3, 30));
    const params = encode(methods.broker.extend.params, { channel: channelId(id), eol });
    await this.#callBroker(payer, "extend", params, BigInt(random.below(1_000)) * 10n ** 12n);
  }

  async #redeem(channel: OpenChannel, random: SeededRandom, method: "redeem" | "close"): Promise<void> {
    const voucher = this.#voucher(channel, random);
    if (voucher === undefined) return;
    const params = encode(methods.broker[method].params, { voucher, redeemerParams: new Uint8Array(0) });
    await this.#callBroker(channel.target, method, params);
  }

  /** What an operator does: takes a sector out of service, announces new keys, takes money out, lets sectors live. */
  async #maintain(node: SimNode, random: SeededRandom): Promise<void> {
    const { miner } = node.identity;
    const { running } = node;
    if (miner === undefined || running === undefined) return this.#transfer(node, random);
    const { store } = running.chain;
    const { state } = running.chain.headState();
    const healthy = readSectors(store, state, miner).filter(({ faultySince }) => faultySince === null);
    const { signal } = this.#stop;
    const deed = random.pick(["fault", "fault", "worker", "withdraw", "extend"] as const);
    if (healthy.length === 0) return;
    const { sectorId, expiration } = random.pick(healthy);
    if (deed === "fault") await this.#declareFault(node, sectorId);
    else
      await this.deeds.ask(node, deed, async ({ handlers }) => {
        if (deed === "worker") return handlers["mine.workerSet"]({}, signal);
        if (deed === "withdraw") return handlers["mine.withdraw"]({ amount: "0.1FIL" }, signal);
        return handlers["mine.extend"]({ sectorIds: [sectorId], untilHeight: expiration + 10 }, signal);
      });
  }

  /** The miner itself brings the sector back. */
  async #declareFault(node: SimNode, id: SectorId): Promise<void> {
    const { miner } = node.identity;
    const { running } = node;
    if (miner === undefined || running === undefined) return;
    const { store } = running.chain;
    const { state } = running.chain.headState();
    const { power, worker } = readMinerState(store, state, miner);
    // The others must be able to go on without this one.
    if (power * mostPowerDown > readPower(store, state)) return;
    await this.deeds.send(node, this.#key(node, "fault"), {
      from: worker,
      to: miner,
      method: "declareFaults",
      params: encode(methods.miner.declareFaults.params, { sectorIds: [id] }),
      gasLimit: plentyOfGas,
    });
  }

  /** Signed by the payer's own keys, mostly for more than the last one, sometimes for more than there is. */
  #voucher(channel: OpenChannel, random: SeededRandom): Voucher | undefined {
    const { running } = channel.payer;
    if (running === undefined) return undefined;
    const share = BigInt(random.between(1, 110));
    channel.promised = random.chance(0.2) ? channel.promised : (channel.amount * share) / 100n;
    const draft = {
      payer: channel.payer.identity.account,
      channel: channelId(channel.id),
      target: channel.target.identity.account,
      amount: attoFil(channel.promised),
      validAt: epoch(random.chance(0.1) ? heightOf(channel.payer) + 10 : 0),
      condition: null,
    };
    const bytes = voucherSigningBytes(draft, running.chain.networkId);
    return { ...draft, signature: running.wallet.sign(draft.payer, bytes) };
  }

  async #ask(node: SimNode, random: SeededRandom): Promise<void> {
    const { miner } = node.identity;
    if (miner === undefined) return this.#transfer(node, random);
    await this.deeds.send(node, this.#key(node, "ask"), {
      to: miner,
      method: "addAsk",
      params: encode(methods.miner.addAsk.params, {
        pricePerBytePerEpoch: attoFil(BigInt(random.between(1, 3_000))),
        minBytes: 1,
        maxBytes: 2 ** 40,
        providerCollateralPercent: 20,
        clientCollateralPercent: 5,
        expiresAfterEpochs: random.between(20, 10_000),
      }),
      gasLimit: plentyOfGas,
    });
  }

  /** Refused at once, or mined and failed: never anything else. */
  async #nonsense(node: SimNode, random: SeededRandom): Promise<void> {
    const to = random.pick([node.identity.account, broker, init, ...this.#strangers]);
    const value = attoFil(random.chance(0.5) ? filUnit * 10n ** 9n : 0n);
    const method = random.pick(["", "cancel", "noSuchMethod", "redeem"]);
    const gasLimit = random.pick([1, plentyOfGas, 10 ** 15]);
    await this.deeds.send(node, this.#key(node, "nonsense"), {
      to,
      value,
      method,
      params: random.bytes(random.below(64)),
      gasLimit,
    });
  }
}

const heightOf = (node: SimNode): number => node.running?.chain.head().height ?? 0;
