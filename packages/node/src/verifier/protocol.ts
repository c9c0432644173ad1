/**
 * `/fil/idle/1.0.0`: a miner shows a verifier what is too large for the chain, on a stream for each question: the
 * request, then the proof in pieces or the answers in batches, then one answer. What was announced or challenged
 * stands on the chain under the miner's name, and so does its peer id, so the stream needs no signature: nobody is
 * judged who did not ask for it there. Seats are for these miners alone, and a stranger has one only for the moment
 * until its request is read. Who is served has a share; every length is bounded before anything is read.
 */
import {
  type Address,
  type Cancel,
  type Clock,
  type Codec,
  c,
  concatBytes,
  decode,
  encode,
  HoldfastError,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import { type SignedIdleVerdict, signedIdleVerdictCodec } from "@holdfast/consensus";
import {
  type IdleAppend,
  type IdleBatch,
  idleAppendCodec,
  idleBatchCodec,
  type SignedIdleCertificate,
  signedIdleCertificateCodec,
} from "@holdfast/proofs";
import { FrameReader, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { ServingGate } from "../serving-gate.ts";
import { verifierErrors } from "./errors.ts";

export const verifierProtocol = "/fil/idle/1.0.0";

const requestCodec = c.variant("IdleRequest", {
  certify: c.tuple("IdleCertify", {
    miner: c.address,
    append: idleAppendCodec,
    proofBytes: c.uint(limits.idleProofBytes),
  }),
  judge: c.tuple("IdleJudge", { miner: c.address, batches: c.uint(limits.idleBatches) }),
});
export type Request = typeof requestCodec extends Codec<infer R> ? R : never;

const answerCodec = c.variant("IdleAnswer", {
  certificate: signedIdleCertificateCodec,
  verdict: signedIdleVerdictCodec,
  refused: c.tuple("IdleRefused", { reason: c.text(64) }),
});
type Answer = typeof answerCodec extends Codec<infer A> ? A : never;

const maxRequestBytes = 131_072;
const maxAnswerBytes = 16_384;
const pieceBytes = 1_048_576;
/** A frame is a piece of a proof or a batch. */
const maxPartBytes = limits.idleBatchBytes;

/** Who serves the two questions. */
export interface VerifierDoor {
  /** Why nothing of this peer is read after its request; undefined: the chain knows of the matter. */
  refusal(request: Request, peer: PeerId): string | undefined;
  certify(
    request: { readonly miner: Address; readonly append: IdleAppend },
    proof: Uint8Array,
  ): SignedIdleCertificate | { readonly refused: string };
  judge(
    miner: Address,
    batches: AsyncIterable<IdleBatch>,
  ): Promise<SignedIdleVerdict | { readonly refused: string }>;
}

const shares = {
  served: limits.verifierServed,
  servedPerPeer: limits.verifierServedPerPeer,
  bytesPerSecond: limits.verifierBytesPerSecond,
  requestsPerSecond: limits.verifierRequestsPerSecond,
};

/** Gives the function that ends it. */
export function serveVerifier(
  { wire, clock }: { readonly wire: Wire; readonly clock: Clock },
  door: VerifierDoor,
): () => void {
  const gate = new ServingGate(clock, shares);
  const entry = new ServingGate(clock, { ...shares, served: limits.verifierWaiting });
  const options = { timeoutMs: limits.verifierTimeoutMs, protocol: verifierProtocol };
  return wire.handle(verifierProtocol, async (stream) => {
    try {
      await withDeadline(clock, options, async (signal) => {
        const reader = new FrameReader(stream, maxPartBytes);
        const request = await within(entry, stream.peer, () => requestOf(clock, reader, signal));
        const reason = request === undefined ? "busy" : door.refusal(request, stream.peer);
        const work = async () =>
          request === undefined || reason !== undefined
            ? undefined
            : answered(request, reader, { stream, door, gate, signal });
        const said = reason === undefined ? await within(gate, stream.peer, work) : undefined;
        const answer: Answer = said ?? { kind: "refused", reason: reason ?? "busy" };
        await sendFrame(stream, encode(answerCodec, answer), signal);
        await stream.closeWrite();
      });
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Undefined: there is no seat. */
async function within<Result>(
  gate: ServingGate,
  peer: PeerId,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  if (!gate.enter(peer)) return undefined;
  try {
    return await work();
  } finally {
    gate.leave(peer);
  }
}

async function requestOf(clock: Clock, reader: FrameReader, outer: AbortSignal): Promise<Request> {
  const options = { timeoutMs: limits.verifierRequestMs, protocol: verifierProtocol, outer };
  const bytes = await withDeadline(clock, options, (signal) => reader.read(signal));
  return decode(requestCodec, bytes ?? new Uint8Array(0), { maxBytes: maxRequestBytes });
}

interface Serving {
  readonly stream: WireStream;
  readonly door: VerifierDoor;
  readonly gate: ServingGate;
  readonly signal: AbortSignal;
}

async function answered(
  request: Request,
  reader: FrameReader,
  { stream, door, gate, signal }: Serving,
): Promise<Answer> {
  if (request.kind === "certify") {
    const proof = await readProof(reader, request.proofBytes, signal);
    gate.spend(stream.peer, proof.length);
    const said = door.certify(request, proof);
    return "refused" in said ? { kind: "refused", reason: said.refused } : { kind: "certificate", ...said };
  }
  const said = await door.judge(
    request.miner,
    readBatches(reader, request.batches, gate, stream.peer, signal),
  );
  return "refused" in said ? { kind: "refused", reason: said.refused } : { kind: "verdict", ...said };
}

async function readProof(reader: FrameReader, bytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let left = bytes; left > 0; ) {
    const part = await reader.read(signal);
    if (part === undefined || part.length === 0 || part.length > left) break; // too short: it will not verify
    parts.push(part);
    left -= part.length;
  }
  return concatBytes(...parts);
}

async function* readBatches(
  reader: FrameReader,
  count: number,
  gate: ServingGate,
  peer: PeerId,
  signal: AbortSignal,
): AsyncGenerator<IdleBatch> {
  for (let i = 0; i < count; i += 1) {
    const bytes = await reader.read(signal);
    if (bytes === undefined) return;
    gate.spend(peer, bytes.length);
    yield decode(idleBatchCodec, bytes, { maxBytes: maxPartBytes });
  }
}

export interface AskNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly signal: Cancel;
}

async function ask(
  { wire, clock, signal: outer }: AskNeeds,
  peer: PeerId,
  request: Request,
  parts: Iterable<Uint8Array>,
): Promise<Answer> {
  const options = { timeoutMs: limits.verifierTimeoutMs, protocol: verifierProtocol, outer };
  return await withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, verifierProtocol, signal);
    try {
      await sendFrame(stream, encode(requestCodec, request), signal);
      for (const part of parts) await sendFrame(stream, part, signal);
      await stream.closeWrite();
      const bytes = await new FrameReader(stream, maxAnswerBytes).read(signal);
      if (bytes === undefined) throw verifierErrors.badAnswer({ verifier: peer, detail: "it is empty" });
      return decode(answerCodec, bytes);
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
      if (error instanceof HoldfastError && error.code.startsWith("codec/")) {
        throw verifierErrors.badAnswer({ verifier: peer, detail: error.message }, error);
      }
      throw error;
    }
  });
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function given<Kind extends Answer["kind"]>(
  answer: Answer,
  kind: Kind,
  verifier: PeerId,
): Extract<Answer, { readonly kind: Kind }> {
  if (answer.kind === "refused") throw verifierErrors.refused({ verifier, reason: answer.reason });
  if (answer.kind !== kind) throw verifierErrors.badAnswer({ verifier, detail: `it is a ${answer.kind}` });
  return answer as Extract<Answer, { readonly kind: Kind }>;
}

/** Errors: `verifier/refused`, `verifier/bad-answer`, `net/…`, `wire/…`. */
export async function askCertificate(
  needs: AskNeeds,
  peer: PeerId,
  request: { readonly miner: Address; readonly append: IdleAppend },
  proof: Uint8Array,
): Promise<SignedIdleCertificate> {
  const { miner, append } = request;
  const asked: Request = { kind: "certify", miner, append, proofBytes: proof.length };
  const { certificate, signature } = given(
    await ask(needs, peer, asked, piecesOf(proof)),
    "certificate",
    peer,
  );
  return { certificate, signature };
}

/** Errors as `askCertificate`. */
export async function askVerdict(
  needs: AskNeeds,
  peer: PeerId,
  miner: Address,
  batches: readonly IdleBatch[],
): Promise<SignedIdleVerdict> {
  const parts = batches.map((batch) => encode(idleBatchCodec, batch));
  const asked: Request = { kind: "judge", miner, batches: batches.length };
  const { verdict, signature } = given(await ask(needs, peer, asked, parts), "verdict", peer);
  return { verdict, signature };
}
