/**
 * Asking a miner for its terms before anything is paid: would it keep so many bytes of this client for so long, and
 * for how much; if not, why not, and what it would take instead. The answer is signed and binds nobody: a proposal is
 * judged anew, by the same rules.
 */
import {
  type Address,
  type CID,
  c,
  cidOfCbor,
  concatBytes,
  type Decoded,
  encode,
  utf8Bytes,
  verifySignature,
} from "@holdfast/base";
import { limits } from "../limits.ts";

export const askProtocol = "/fil/storage/ask/1.0.0";

export const termsQuestionCodec = c.tuple("TermsQuestion", {
  client: c.address,
  payload: c.cid,
  /** Length of the CAR stream. */
  carBytes: c.uint(),
  durationEpochs: c.uint(),
  /** How the data would come: one of `ways`. */
  way: c.text(16),
});
export type TermsQuestion = Decoded<typeof termsQuestionCodec>;

const answerFields = {
  question: c.cid,
  isWilling: c.bool,
  /** Why not; empty otherwise. */
  code: c.text(64),
  message: c.text(limits.dealReasonBytes),
  /** Height of the miner's head. */
  height: c.epoch,
  /** Padded size of the miner's new sectors, to which pieces are cut. */
  sectorBytes: c.uint(),
  /** For this client and this size; 0 where no ask covers it. */
  pricePerBytePerEpoch: c.attoFil,
  /** What it takes, whether or not this would be taken: padded bytes and epochs. */
  minBytes: c.uint(),
  maxBytes: c.uint(),
  minEpochs: c.uint(),
  maxEpochs: c.uint(),
};
const unsignedCodec = c.tuple("UnsignedTermsAnswer", answerFields);
export type UnsignedTermsAnswer = Decoded<typeof unsignedCodec>;
/** Signed by the miner's worker. */
export const termsAnswerCodec = c.tuple("TermsAnswer", { ...answerFields, signature: c.fixedBytes(65) });
export type TermsAnswer = Decoded<typeof termsAnswerCodec>;

const domain = utf8Bytes("holdfast deal terms answer\n");

export function questionIdOf(question: TermsQuestion): CID {
  return cidOfCbor(encode(termsQuestionCodec, question));
}
export function termsAnswerBytes(answer: UnsignedTermsAnswer): Uint8Array {
  return concatBytes(domain, encode(unsignedCodec, answer));
}
export function isTermsAnswerSigned(answer: TermsAnswer, worker: Address): boolean {
  return verifySignature(termsAnswerBytes(answer), answer.signature, worker);
}
