/**
 * The people of a simulation: transfers, payment channels, multisigs, prices, files stored and read back, and requests
 * that make no sense. Each honest node has one of them, who does something at times drawn from the seed.
 */
import { type Address, attoFil, channelId, encode, epoch, HoldfastError, parseCid } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import { builtinAddresses, methods, type Voucher, voucherSigningBytes } from "@holdfast/consensus";
import type { RunningNode } from "../../compose.ts";
import { Deeds } from "./deeds.ts";
import { network, type SimNode } from "./node.ts";
import type { World } from "./world.ts";

const { broker, init } = builtinAddresses(network);
/** Gas for any call of a client: then no dry run says beforehand that it will fail. */
const plentyOfGas = 3_000_000;
const filUnit = 10n ** 18n;

interface OpenChannel {
  readonly payer: SimNode;
  readonly target: SimNode;
  readonly id: number;
  readonly amount: bigint;
  promised: bigint;
}

export interface Workload {
  readonly deeds: Deeds;
  /** Nothing new begins. */
  rest(): void;
}

export function putToWork(world: World): Workload {
  const people = new People(world);
  for (const node of people.honest) people.live(node);
  return { deeds: people.deeds, rest: () => people.rest() };
}

class People {
  readonly deeds: Deeds;
  readonly honest: readonly SimNode[];
  readonly #world: World;
  readonly #stop = new AbortController();
  readonly #channels: OpenChannel[] = [];
  readonly #strangers: readonly Address[];
  #count = 0;

  constructor(world: World) {
    this.#world = world;
    this.deeds = new Deeds(world);
    this.honest = world.nodes.filter(({ identity }) => !identity.isByzantine);
    this.#strangers = world.nodes.map(({ identity }) => identity.account);
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
    const dice = random.below(100);
    if (dice < 40) await this.#transfer(node, random);
    else if (dice < 50) await this.#openChannel(node, random);
    else if (dice < 70) await this.#useChannel(node, random);
    else if (dice < 78) await this.#put(node, random);
    else if (dice < 84) await this.#get(node, random);
    else if (dice < 89) await this.#ask(node, random);
    else if (dice < 94) await this.#multisig(node, random);
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

  async #openChannel(node: SimNode, random: SeededRandom): Promise<void> {
    const others = this.honest.filter((other) => other !== node);
    if (others.length === 0) return;
    const target = random.pick(others);
    const amount = BigInt(random.between(1, 1_000)) * 10n ** 15n;
    const length = random.between(5, 60);
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
    if (sent !== undefined)
      this.#channels.push({ payer: node, target, id: sent.nonce, amount, promised: 0n });
  }

  async #useChannel(node: SimNode, random: SeededRandom): Promise<void> {
    const own = this.#channels.filter(({ payer, target }) => payer === node || target === node);
    if (own.length === 0) return this.#openChannel(node, random);
    const channel = random.pick(own);
    const call = (
      method: "extend" | "cancel" | "reclaim" | "redeem" | "close",
      params: Uint8Array,
      value = 0n,
    ) =>
      this.deeds.send(node, this.#key(node, method), {
        to: broker,
        method,
        params,
        value: attoFil(value),
        gasLimit: plentyOfGas,
      });
    const id = channelId(channel.id);
    if (channel.payer === node) {
      const deed = random.pick(["extend", "cancel", "reclaim", "reclaim"] as const);
      if (deed === "extend") {
        const eol = epoch(heightOf(node) + random.between(5, 80));
        const params = encode(methods.broker.extend.params, { channel: id, eol });
        await call("extend", params, BigInt(random.below(1_000)) * 10n ** 12n);
      } else {
        await call(deed, encode(methods.broker[deed].params, { channel: id }));
      }
      return;
    }
    const voucher = this.#voucher(channel, random);
    if (voucher === undefined) return;
    const method = random.pick(["redeem", "redeem", "close"] as const);
    await call(method, encode(methods.broker[method].params, { voucher, redeemerParams: new Uint8Array(0) }));
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

  async #put(node: SimNode, random: SeededRandom): Promise<void> {
    const { plan, history } = this.#world;
    const bytes = random.bytes(random.between(100, plan.sectorBytes + 500));
    const started = await this.deeds.ask(node, "put", async ({ files, handlers }) => {
      const { signal } = new AbortController();
      const { cid } = await files.importFile(once(bytes), signal);
      const copies = random.between(1, 2);
      const forMs = random.between(60, 120) * plan.roundMs;
      return handlers["put.start"]({ cid, copies, forMs }, signal);
    });
    if (started === undefined) return;
    const { jobId, cid, state } = started;
    if (this.deeds.puts.some((put) => put.jobId === jobId)) return;
    this.deeds.puts.push({ node, jobId, cid, bytes, state });
    history.record(node.name, "put started", { jobId, cid });
  }

  async #get(node: SimNode, random: SeededRandom): Promise<void> {
    const done = this.deeds.puts.filter(({ state }) => state === "done");
    if (done.length === 0) return;
    const put = random.pick(done);
    const bytes = await this.deeds.ask(node, "get", (running) => readFile(running, put.cid));
    if (bytes !== undefined) checkSame(this.#world, node, put.cid, bytes, put.bytes);
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

  async #multisig(node: SimNode, random: SeededRandom): Promise<void> {
    const signers = random.shuffle(this.#strangers).slice(0, random.between(1, 3));
    await this.deeds.send(node, this.#key(node, "multisig"), {
      to: init,
      value: attoFil(BigInt(random.between(1, 1_000)) * 10n ** 12n),
      method: "createMultisig",
      params: encode(methods.init.createMultisig.params, {
        signers,
        threshold: random.between(1, 3),
        unlockEpochs: random.pick([0, 20]),
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

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

export async function readFile({ files }: RunningNode, cid: string): Promise<Uint8Array> {
  const { bytes } = await files.openFile(parseCid(cid).toString(), 0, new AbortController().signal);
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

export function checkSame(
  { history }: World,
  node: SimNode,
  cid: string,
  found: Uint8Array,
  expected: Uint8Array,
): void {
  const isSame = Buffer.compare(found, expected) === 0;
  history.record(node.name, "read back", { cid, isSame });
  if (!isSame)
    history.violate("a file reads as it was stored", node.name, `${cid}: ${found.length} bytes, others`);
}
