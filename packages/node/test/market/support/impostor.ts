/** A peer in the place of miner 0 that speaks in its name, with its key, and says what it likes. */
import { attoFil, type CID, cidOfCbor, epoch, type WireStream } from "@holdfast/base";
import { FrameReader, sendMessage } from "../../../src/framing.ts";
import {
  answerSigningBytes,
  type DealAnswer,
  dealAnswerCodec,
  dealIdOf,
  dealQueryCodec,
  proposeProtocol,
  queryProtocol,
  type SignedProposal,
  signedProposalCodec,
  type UnsignedAnswer,
} from "../../../src/market/deal.ts";
import {
  askProtocol,
  questionIdOf,
  type TermsAnswer,
  type TermsQuestion,
  termsAnswerBytes,
  termsAnswerCodec,
  termsQuestionCodec,
} from "../../../src/market/quote.ts";
import { type Keys, sectorBytes, signerOf, type World } from "./world.ts";

/** An answer about a deal with these fields changed, signed as it should be unless a signature is among them. */
export type SignedBy = (change: Partial<DealAnswer>) => DealAnswer;

export interface Faces {
  readonly onQuery: (stream: WireStream, signed: SignedBy) => Promise<void>;
  readonly onProposal: (stream: WireStream, signed: SignedBy, proposal?: SignedProposal) => Promise<void>;
  /** Questions for terms that are answered as an honest miner does; `onQuery` has those that come then. */
  readonly probes?: number;
  /** What is said otherwise in answers to these. */
  readonly terms?: Partial<TermsAnswer>;
}

/** What a miner answers to who asks for its terms, with these fields changed. */
export function termsSaid(
  question: TermsQuestion,
  worker: Keys,
  { signature: forged, ...change }: Partial<TermsAnswer> = {},
): TermsAnswer {
  const sizes = { minBytes: 1, maxBytes: 1_000_000, minEpochs: 1, maxEpochs: 90_000 };
  const unsigned = {
    question: questionIdOf(question),
    isWilling: true,
    code: "",
    message: "",
    height: epoch(1),
    sectorBytes,
    pricePerBytePerEpoch: attoFil(10),
    ...sizes,
    ...change,
  };
  const signature = forged ?? signerOf(worker).sign(worker.address, termsAnswerBytes(unsigned));
  return { ...unsigned, signature };
}

export const accept: Faces["onProposal"] = (stream, signed) =>
  sendMessage(stream, dealAnswerCodec, signed({ state: "accepted" }));

const nothing = cidOfCbor(new Uint8Array(0));

/** Closes the market of miner 0 and takes its place, until the result is called. */
export async function takeOver(world: World, faces: Faces): Promise<() => void> {
  const { onQuery, onProposal, probes = 0 } = faces;
  const miner = world.miner(0);
  await world.settle(Promise.resolve(miner.market[Symbol.asyncDispose]()));
  let honest = probes;
  const about = (dealId: CID): SignedBy => {
    const common = {
      dealId,
      state: "unknown",
      code: "",
      message: "",
      height: epoch(1),
      sectorBytes,
    } as const;
    return ({ signature: forged, ...change }) => {
      const answer: UnsignedAnswer = { ...common, firstPiece: 0, locations: [], ...change };
      const signature =
        forged ?? signerOf(miner.worker).sign(miner.worker.address, answerSigningBytes(answer));
      return { ...answer, signature };
    };
  };
  const endings: (() => void)[] = [];
  const serve = (protocol: string, handler: (stream: WireStream) => Promise<void>): void => {
    const end = miner.wire.handle(protocol, async (stream) => {
      await handler(stream).catch(() => undefined);
      await stream.closeWrite();
    });
    endings.push(end);
  };
  serve(queryProtocol, async (stream) => {
    const query = await new FrameReader(stream).readMessage(dealQueryCodec);
    await onQuery(stream, about(query?.dealId ?? nothing));
  });
  serve(askProtocol, async (stream) => {
    const question = await new FrameReader(stream).readMessage(termsQuestionCodec);
    honest -= 1;
    if (honest < 0 || question === undefined) return await onQuery(stream, about(nothing));
    await sendMessage(stream, termsAnswerCodec, termsSaid(question, miner.worker, faces.terms));
  });
  serve(proposeProtocol, async (stream) => {
    const proposal = await new FrameReader(stream).readMessage(signedProposalCodec);
    const dealId = proposal === undefined ? nothing : dealIdOf(proposal.proposal);
    await onProposal(stream, about(dealId), proposal);
  });
  return () => {
    for (const end of endings) end();
  };
}
