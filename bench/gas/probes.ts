/**
 * What a block of messages costs, price by price. A probe is a thing done little and done much; the difference in
 * processor time over the difference in gas is what a unit of gas stands for there. Everything that both have in common
 * (the tick, the reward, loading the state) falls out.
 */
import { attoFil, c, decode, encode, gasUnits } from "@holdfast/base";
import { type GasPrice, type Message, type SignedMessage, signedMessageCodec } from "@holdfast/consensus";
import { type Measured, measureInTurns } from "../measure.ts";
import { type BenchMethod, freshOf, numbersCodec, strangerOf } from "./actor.ts";
import { benchAddress, type GasWorld } from "./world.ts";

export interface Probe {
  readonly name: string;
  /** The price that pays for most of it. */
  readonly price: GasPrice;
  /** So many of it. */
  readonly low: number;
  readonly high: number;
  readonly messages: (world: GasWorld, count: number) => readonly SignedMessage[];
  /** Signatures are checked as well. */
  readonly isSigned?: boolean;
}

/** Processor time and gas of one of it. */
export interface Cost {
  readonly name: string;
  readonly price: GasPrice;
  readonly ns: number;
  readonly gas: number;
  readonly spread: number;
}

export const nsPerGasOf = ({ ns, gas }: Pick<Cost, "ns" | "gas">): number => ns / gas;

/** One message of the first sender that tells the bench actor to do it so often. */
const told =
  (method: BenchMethod, paramsOf: (count: number) => Uint8Array = (count) => encode(c.uint(), count)) =>
  (world: GasWorld, count: number): readonly SignedMessage[] =>
    world.senders
      .slice(0, 1)
      .map((sender) => world.sign(sender, { to: benchAddress, method, params: paramsOf(count) }));

/** One message of each of so many senders. */
const each =
  (fieldsOf: (index: number) => Partial<Message>) =>
  (world: GasWorld, count: number): readonly SignedMessage[] =>
    world.senders
      .slice(0, count)
      .map((sender, index) => world.sign(sender, { gasLimit: gasUnits(100_000_000), ...fieldsOf(index) }));

const one = attoFil(1n);
const junk = (bytes: number): Partial<Message> => ({ params: new Uint8Array(bytes).fill(0xa5) });

export const probes: readonly Probe[] = [
  {
    name: "message, its signature checked",
    price: "message",
    low: 10,
    high: 210,
    messages: each(() => ({})),
    isSigned: true,
  },
  { name: "message, its signature known", price: "message", low: 10, high: 210, messages: each(() => ({})) },
  {
    name: "transfer to one of many",
    price: "transfer",
    low: 10,
    high: 210,
    messages: each((index) => ({ to: strangerOf(index * 37), value: one })),
    isSigned: true,
  },
  {
    name: "transfer to a new address",
    price: "newActor",
    low: 10,
    high: 210,
    messages: each((index) => ({ to: freshOf(index), value: one })),
    isSigned: true,
  },
  {
    name: "KiB of a message",
    price: "messageByte",
    low: 1,
    high: 400,
    messages: (world, count) => each(() => junk(count * 1_024))(world, 1),
    isSigned: true,
  },
  {
    name: "KiB of numbers as parameters",
    price: "paramByte",
    low: 1,
    high: 400,
    messages: told("numbersIn", (kib) => encode(numbersCodec, new Array<number>(kib * 1_024).fill(7))),
  },
  { name: "number in a result", price: "returnByte", low: 100, high: 200_100, messages: told("numbersOut") },
  { name: "send of nothing", price: "nestedSend", low: 10, high: 20_010, messages: told("sendNothing") },
  { name: "call of another actor", price: "call", low: 10, high: 20_010, messages: told("callOther") },
  { name: "call of one of many", price: "nestedSend", low: 10, high: 5_010, messages: told("callMissing") },
  { name: "look-up of one of many", price: "actorLookup", low: 10, high: 5_010, messages: told("lookUp") },
  { name: "payment to one of many", price: "transfer", low: 10, high: 5_010, messages: told("pay") },
  { name: "payment to a new address", price: "newActor", low: 10, high: 5_010, messages: told("payFresh") },
  { name: "creation of an actor", price: "newActor", low: 10, high: 5_010, messages: told("create") },
  { name: "draw of randomness", price: "randomness", low: 10, high: 20_010, messages: told("draw") },
  { name: "sector of a list", price: "sector", low: 10, high: 20_010, messages: told("sectors") },
  {
    name: "read of a small object",
    price: "stateReadObject",
    low: 10,
    high: 20_010,
    messages: told("readSmall"),
  },
  { name: "read of 100 kB of bytes", price: "stateReadByte", low: 1, high: 101, messages: told("readBytes") },
  {
    name: "read of 30 kB of numbers",
    price: "stateReadByte",
    low: 1,
    high: 31,
    messages: told("readNumbers"),
  },
  {
    name: "write of a small object",
    price: "stateWriteObject",
    low: 10,
    high: 20_010,
    messages: told("writeSmall"),
  },
  {
    name: "write of 16 KiB of bytes",
    price: "stateWriteByte",
    low: 1,
    high: 101,
    messages: told("writeLarge"),
  },
  {
    name: "write of 4 kB of numbers",
    price: "stateWriteByte",
    low: 1,
    high: 101,
    messages: told("writeNumbers"),
  },
  {
    name: "get of a HAMT of 10,000",
    price: "stateReadObject",
    low: 10,
    high: 1_010,
    messages: told("hamtGet"),
  },
  {
    name: "set of a HAMT of 10,000",
    price: "stateWriteObject",
    low: 10,
    high: 1_010,
    messages: told("hamtSet"),
  },
  {
    name: "get of an AMT of 10,000",
    price: "stateReadObject",
    low: 10,
    high: 1_010,
    messages: told("amtGet"),
  },
  {
    name: "set of an AMT of 10,000",
    price: "stateWriteObject",
    low: 10,
    high: 1_010,
    messages: told("amtSet"),
  },
];

/** Processor time of the thread, as the difference of two blocks. */
export async function costOf(world: GasWorld, probe: Probe, isQuick: boolean): Promise<Cost> {
  const { name, price, low, high, isSigned = false } = probe;
  const little = probe.messages(world, low);
  const much = probe.messages(world, high);
  const known = !isSigned;
  const gas = gasOf(world, much, known) - gasOf(world, little, known);
  const works = { little: blockOf(world, little, known), much: blockOf(world, much, known) };
  const measured = await measureInTurns(works, isQuick ? { samples: 3, sampleMs: 15 } : {});
  const ns = nsOf(measured.much) - nsOf(measured.little);
  const count = high - low;
  return { name, price, ns: ns / count, gas: gas / count, spread: measured.much.spread };
}

/** Checked and run as a block that has come over the wire; of a message that was known before, the rest. */
export function blockOf(world: GasWorld, messages: readonly SignedMessage[], known: boolean): () => unknown {
  if (known) return () => world.run(messages, { known });
  const wire = messages.map((signed) => encode(signedMessageCodec, signed));
  return () => world.run(wire.map((bytes) => decode(signedMessageCodec, bytes)));
}

const nsOf = ({ rate }: Measured): number => 1e9 / rate;

function gasOf(world: GasWorld, messages: readonly SignedMessage[], known: boolean): number {
  const { receipts, texts, gasUsed } = world.run(messages, { known });
  const failed = receipts.findIndex(({ exitCode }) => exitCode !== 0);
  if (failed >= 0) throw new RangeError(`a message of the benchmark failed: ${texts[failed]}`);
  return gasUsed;
}
