/**
 * What a villain says in the protocols of others, well formed and untrue: it greets with a head that it has forged and
 * gives it to whoever asks for it, and it answers about deals whatever it likes, signed by its worker.
 */
import { type Address, cidOfCbor, epoch, type Wire, type WireStream } from "@holdfast/base";
import type { SeededRandom } from "@holdfast/base/testing";
import { blockCid, type FullBlock, readMinerState } from "@holdfast/consensus";
import { FrameReader, sendMessage } from "../../framing.ts";
import {
  answerSigningBytes,
  dealAnswerCodec,
  dealIdOf,
  dealQueryCodec,
  proposeProtocol,
  queryProtocol,
  signedProposalCodec,
} from "../../market/index.ts";
import {
  exchangeProtocol,
  helloCodec,
  helloProtocol,
  rangeBlockCodec,
  rangeRequestCodec,
  rangeStartCodec,
} from "../../sync/index.ts";
import type { SimNode } from "./node.ts";

type Handler = (stream: WireStream) => Promise<void>;

/** Answers that would make a client believe that it is served, or that it is not. */
const falseStates = ["rejected", "accepted", "sealing", "active", "complete", "failed"] as const;

export class Impostor {
  readonly #forged = new Map<string, FullBlock>();
  readonly #random: SeededRandom;
  /** Whether deals are lied about at present. */
  cheats = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Tells every peer of a forged block as of the head. */
  async greet(wire: Wire, { running }: SimNode, forged: FullBlock): Promise<void> {
    const [genesisHash] = running?.chain.genesis.cids ?? [];
    if (genesisHash === undefined) return;
    const cid = blockCid(forged.header);
    this.#forged.set(cid.toString(), forged);
    const hello = {
      genesisHash,
      heaviestTipSetCids: [cid],
      heaviestTipSetHeight: forged.header.height,
    };
    for (const { id } of wire.peers()) {
      const stream = await wire.open(id, helloProtocol, new AbortController().signal);
      await sendMessage(stream, helloCodec, hello);
      await stream.closeWrite();
    }
  }

  /** A handler of the node's own that answers itself where it would lie. */
  instead(protocol: string, node: SimNode, handler: Handler): Handler {
    const isOfDeals = protocol === proposeProtocol || protocol === queryProtocol;
    if (protocol !== exchangeProtocol && !isOfDeals) return handler;
    return async (stream) => {
      try {
        if (!isOfDeals) await this.#giveForged(stream, handler);
        else if (this.cheats) await this.#answerDeal(stream, node);
        else await handler(stream);
      } catch (error) {
        stream.abort(error instanceof Error ? error : new TypeError(String(error)));
      }
    };
  }

  async #giveForged(stream: WireStream, handler: Handler): Promise<void> {
    const seen: Uint8Array[] = [];
    const reading = readingBy(stream, async (signal) => {
      const chunk = await stream.read(signal);
      if (chunk !== undefined) seen.push(chunk);
      return chunk;
    });
    const request = await new FrameReader(reading).readMessage(rangeRequestCodec);
    const [cid] = request?.from ?? [];
    const forged = this.#forged.get(cid?.toString() ?? "");
    if (request === undefined || forged === undefined)
      return handler(readingBy(stream, async (signal) => seen.shift() ?? stream.read(signal)));
    const { header, messages } = forged;
    await sendMessage(stream, rangeStartCodec, { state: "found" });
    // More than was asked for, perhaps: whoever asks for headers alone passes the messages over.
    await sendMessage(stream, rangeBlockCodec, { header, messages });
    await stream.closeWrite();
  }

  async #answerDeal(stream: WireStream, { identity, running }: SimNode): Promise<void> {
    const { miner } = identity;
    if (running === undefined || miner === undefined) return;
    const reader = new FrameReader(stream);
    const dealId =
      stream.protocol === proposeProtocol
        ? await reader.readMessage(signedProposalCodec).then((signed) => signed && dealIdOf(signed.proposal))
        : await reader.readMessage(dealQueryCodec).then((query) => query?.dealId);
    const state = this.#random.pick(falseStates);
    const isEnd = state === "rejected" || state === "failed";
    const answer = {
      dealId: dealId ?? cidOfCbor(new Uint8Array(0)),
      state,
      code: isEnd ? "deal/busy" : "",
      message: isEnd ? "a lie" : "",
      height: epoch(this.#random.below(1_000)),
      sectorBytes: this.#random.pick([0, 1_024, 2_048]),
      firstPiece: 0,
      locations: [],
    };
    const { chain, wallet } = running;
    const worker: Address = readMinerState(chain.store, chain.headState().state, miner).worker;
    const signature = wallet.sign(worker, answerSigningBytes(answer));
    await sendMessage(stream, dealAnswerCodec, { ...answer, signature });
    await stream.closeWrite();
  }
}

function readingBy(stream: WireStream, read: WireStream["read"]): WireStream {
  return {
    peer: stream.peer,
    protocol: stream.protocol,
    read,
    write: (bytes, signal) => stream.write(bytes, signal),
    closeWrite: () => stream.closeWrite(),
    abort: (reason) => stream.abort(reason),
  };
}
