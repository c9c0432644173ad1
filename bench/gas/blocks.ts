/**
 * The dearest blocks that fit: as many messages of one kind as the gas, the number and the bytes of a block allow,
 * each with a gas limit of what it uses. They come as bytes over the wire, no signature is known, and the state lies
 * on disk.
 */
import { attoFil, encode, gasUnits } from "@holdfast/base";
import {
  genesisMinerAddress,
  type Message,
  maxBlockBytes,
  messageBytes,
  methods,
  type SignedMessage,
} from "@holdfast/consensus";
import { measureInTurns } from "../measure.ts";
import { freshOf, strangerOf } from "./actor.ts";
import { blockOf } from "./probes.ts";
import type { GasWorld } from "./world.ts";

interface Kind {
  readonly name: string;
  readonly fields: (index: number, world: GasWorld) => Partial<Message>;
}

export interface BlockCost {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  readonly gas: number;
  readonly ms: number;
}

/** What a message has beside its parameters (bytes, generous). */
const envelopeBytes = 320;

const kinds: readonly Kind[] = [
  { name: "signatures", fields: () => ({}) },
  {
    name: "payments to strangers",
    fields: (index) => ({ to: strangerOf(index * 41), value: attoFil(1n) }),
  },
  { name: "payments to new addresses", fields: (index) => ({ to: freshOf(index), value: attoFil(1n) }) },
  {
    name: "the longest messages",
    fields: (_index, { params }) => ({
      params: new Uint8Array(params.maxMessageBytes - envelopeBytes).fill(0xa5),
    }),
  },
  {
    name: "lists of numbers",
    fields: (_index, { params }) => ({
      to: genesisMinerAddress(1, 0),
      method: "declareFaults",
      params: numbers(Math.min(60_000, params.maxMessageBytes - envelopeBytes)),
    }),
  },
];

/** Parameters whose every byte is a number. */
function numbers(count: number): Uint8Array {
  const sectorIds = Array.from({ length: count }, (_, i) => i % 24);
  return encode(methods.miner.declareFaults.params, { sectorIds: sectorIds as never });
}

/** One message decides about all of its kind: what it uses is their limit. */
function fill(world: GasWorld, { fields }: Kind): readonly SignedMessage[] {
  const { params } = world;
  // The first is the owner of the miner.
  const senders = world.senders.slice(1);
  const [first] = senders;
  if (first === undefined) throw new RangeError("the world has senders");
  const probe = world.sign(first, { gasLimit: gasUnits(params.blockGasLimit), ...fields(0, world) });
  const used = world.run([probe]).gasUsed;
  const most = Math.min(
    senders.length,
    params.maxBlockMessages,
    Math.floor(params.blockGasLimit / used),
    Math.floor(maxBlockBytes / messageBytes(probe)),
  );
  // A number that is a little longer in its encoding costs a byte more.
  const gasLimit = gasUnits(used + 16);
  return senders
    .slice(0, most)
    .map((sender, index) => world.sign(sender, { gasLimit, ...fields(index, world) }));
}

export async function worstBlocks(world: GasWorld, isQuick: boolean): Promise<readonly BlockCost[]> {
  const costs: BlockCost[] = [];
  for (const kind of kinds) {
    const messages = fill(world, kind);
    const { gasUsed } = world.run(messages);
    const { it } = await measureInTurns(
      { it: blockOf(world, messages, false) },
      isQuick ? { samples: 3, sampleMs: 10 } : { samples: 5, sampleMs: 40 },
    );
    costs.push({
      name: kind.name,
      messages: messages.length,
      bytes: messages.reduce((sum, signed) => sum + messageBytes(signed), 0),
      gas: gasUsed,
      ms: 1_000 / it.rate,
    });
  }
  return costs;
}
