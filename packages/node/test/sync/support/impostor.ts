/**
 * Peers that lie about the chain, on the simulated wire: each says hello with a head of its choice and answers range
 * requests as it likes. And a node that has been away and meets them before anybody else.
 */
import { type CID, encode, epoch } from "@holdfast/base";
import {
  type BlockHeader,
  blockCid,
  type FullBlock,
  type SignedMessage,
  signBlock,
  type Tipset,
  tipsetKey,
} from "@holdfast/consensus";
import { createNetwork, type NetworkOptions, type TestNetwork } from "@holdfast/node/testing";
import { expect } from "vitest";
import { FrameReader, sendFrame, sendMessage } from "../../../src/framing.ts";
import type { NetControl } from "../../../src/net/index.ts";
import { decodeSwap, emptyMessage, encodeSwap, swapBlock, swapProtocol } from "../../../src/swap/index.ts";
import {
  exchangeProtocol,
  type RangeBlock,
  type RangeRequest,
  rangeBlockCodec,
  rangeParts,
  rangeRequestCodec,
  rangeStartCodec,
} from "../../../src/sync/exchange.ts";
import { helloCodec, helloProtocol } from "../../../src/sync/hello.ts";
import type { SyncChain } from "../../../src/sync/needs.ts";
import { partOfChain } from "../../../src/sync/singles.ts";

export type Chain = TestNetwork["client"]["node"]["chain"];

/** The client has slept while the others went on, and is alone with whoever is made by `meet`. */
export async function sleeper(
  options: NetworkOptions & { readonly netControl?: NetControl },
  strangers: readonly string[],
  height = 40,
) {
  const net = await createNetwork({ miners: 2, ...options });
  await net.advance("4s");
  await net.settle(net.client.stop());
  const [bootstrap] = net.nodes;
  if (bootstrap === undefined) throw new TypeError("a network has a first node");
  const { chain } = bootstrap.node;
  expect(await net.advanceUntil(() => chain.head().height >= height, 120_000)).toBe(true);
  for (const miner of net.miners) await net.settle(miner.stop());
  await net.advance(1_000);
  net.wire.partition([["client", ...strangers]]);
  if (options.netControl !== undefined) net.client.prepare({ netControl: options.netControl });
  await net.settle(net.client.start());
  const own = net.client.node.chain;
  /** The honest peer is reached after all. */
  const reachHonest = async (limitMs = 120_000): Promise<boolean> => {
    net.wire.heal();
    return net.advanceUntil(() => own.head().key === chain.head().key, limitMs);
  };
  return { net, honest: chain, own, sync: () => net.client.node.sync, reachHonest };
}

export interface Served {
  readonly header: BlockHeader;
  readonly messages: readonly SignedMessage[];
}

/** What is asked of an impostor, and what it answers: tipsets from the one asked for down, or nothing at all. */
export type Answering = (request: RangeRequest) => readonly (readonly RangeBlock[])[] | "silence" | "unknown";

export class Impostor {
  readonly asked: RangeRequest[] = [];
  readonly #net: TestNetwork;
  /** The node that it meets. */
  readonly #met: string;
  readonly #wire: ReturnType<TestNetwork["wire"]["createWire"]>;

  private constructor(net: TestNetwork, name: string, met: string) {
    this.#net = net;
    this.#met = met;
    this.#wire = net.wire.createWire(name);
  }

  static async meet(net: TestNetwork, name: string, answering: Answering, met = "client"): Promise<Impostor> {
    const impostor = new Impostor(net, name, met);
    impostor.#wire.handle(exchangeProtocol, async (stream) => {
      const request = await new FrameReader(stream).readMessage(rangeRequestCodec);
      if (request === undefined) return stream.closeWrite();
      impostor.asked.push(request);
      const answer = answering(request);
      if (answer === "silence") return new Promise<void>(() => undefined);
      await sendMessage(stream, rangeStartCodec, { state: answer === "unknown" ? "unknown" : "found" });
      if (answer !== "unknown")
        for (const block of answer.flat()) await sendFrame(stream, encode(rangeBlockCodec, block));
      await stream.closeWrite();
    });
    await impostor.meetAgain();
    return impostor;
  }
  async meetAgain(): Promise<void> {
    await this.#net.settle(this.#wire.connect(`/sim/${this.#met}`));
  }

  /** Gives single blocks of this chain to whoever asks. */
  serveBlocks(chain: SyncChain): void {
    this.#wire.handle(swapProtocol, async (stream) => {
      const bytes = await new FrameReader(stream).read();
      await stream.closeWrite();
      if (bytes === undefined) return;
      const { wants } = decodeSwap(bytes, stream.peer);
      const blocks = wants.flatMap(({ cid }) => {
        const found = partOfChain(chain, cid);
        return found === undefined ? [] : [swapBlock(cid, found)];
      });
      const answer = await this.#wire.open(stream.peer, swapProtocol);
      await sendFrame(answer, encodeSwap({ ...emptyMessage, blocks }));
      await answer.closeWrite();
    });
  }

  get isConnected(): boolean {
    return this.#wire.peers().some(({ id }) => id === this.#met);
  }
  /** How many tipsets it was asked for with their messages. */
  get bodiesAsked(): number {
    return this.asked.filter(({ parts }) => (parts & rangeParts.messages) !== 0).length;
  }

  async hello(genesis: CID, head: { readonly cids: readonly CID[]; readonly height: number }): Promise<void> {
    const stream = await this.#net.settle(this.#wire.open(this.#met as never, helloProtocol));
    const hello = { genesisHash: genesis, heaviestTipSetCids: head.cids, heaviestTipSetHeight: head.height };
    await this.#net.settle(sendMessage(stream, helloCodec, hello));
    await this.#net.settle(stream.closeWrite());
  }
  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    await this.#net.settle(this.#wire.publish(topic, bytes));
  }
  async end(): Promise<void> {
    await this.#net.settle(this.#wire[Symbol.asyncDispose]());
  }
}

/** Answers as an honest node with this chain does. */
export function honestly(chain: Chain, request: RangeRequest): RangeBlock[][] {
  const tipsets: RangeBlock[][] = [];
  let at: Tipset | undefined = chain.tipset(tipsetKey(request.from));
  for (; at !== undefined && tipsets.length < request.count; at = chain.parentOf(at)) {
    const blocks = at.cids.map((cid) => chain.fullBlock(cid) as FullBlock);
    tipsets.push(blocks.map((block) => part(block, request)));
  }
  return tipsets;
}

export function part({ header, messages }: Served, { parts }: RangeRequest): RangeBlock {
  return {
    header: (parts & rangeParts.headers) === 0 ? null : header,
    messages: (parts & rangeParts.messages) === 0 ? null : messages,
  };
}

/** A chain of single blocks that nobody mined, bottom up on a tipset: signed with a key that means nothing. */
export function forge(
  chain: Chain,
  on: Pick<Tipset, "cids" | "height" | "parentState">,
  { count, change }: { readonly count: number; readonly change?: (header: Header, at: number) => Header },
): Served[] {
  const [model] = chain.head().blocks;
  if (model === undefined) throw new TypeError("a tipset has blocks");
  const made: Served[] = [];
  let parents = on.cids;
  let parentState = on.parentState;
  const first = chain.tipset(tipsetKey(on.cids));
  let parentWeight = (first === undefined ? undefined : chain.weightOf(first.key)) ?? 0n;
  for (let at = 0; at < count; at += 1) {
    const height = epoch(on.height + 1 + at);
    const { signature: _, ...rest } = model;
    const timestampMs = chain.genesisTimestampMs + height * chain.params.roundMs;
    const plain = { ...rest, height, parents, parentState, parentWeight, timestampMs };
    const header = signBlock(someKey, chain.networkId, change?.(plain, at) ?? plain);
    made.push({ header, messages: [] });
    parents = [blockCid(header)];
    parentState = header.stateRoot;
    parentWeight = header.parentWeight + 100_000n;
  }
  return made;
}
type Header = Omit<BlockHeader, "signature">;
const someKey = new Uint8Array(32).fill(9);

/** Serves forged blocks, and below them what an honest node would. */
export function forgedAbove(chain: Chain, forged: readonly Served[], request: RangeRequest): RangeBlock[][] {
  const byCid = new Map(forged.map((one) => [blockCid(one.header).toString(), one]));
  const tipsets: RangeBlock[][] = [];
  let from = request.from;
  for (let one = byCid.get(tipsetKey(from)); one !== undefined; one = byCid.get(tipsetKey(from))) {
    if (tipsets.length >= request.count) return tipsets;
    tipsets.push([part(one, request)]);
    from = one.header.parents;
  }
  return [...tipsets, ...honestly(chain, { ...request, from, count: request.count - tipsets.length })];
}
