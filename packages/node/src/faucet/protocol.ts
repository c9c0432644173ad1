/**
 * `/fil/faucet/1.0.0`: one request, one answer. The request names the genesis, so that a faucet of another network does
 * not pay in vain. Nothing of an answer is believed: that money came is read from the chain.
 */
import { type Clock, c, HoldfastError, type PeerId, type Wire, type WireStream } from "@holdfast/base";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { faucetErrors } from "./errors.ts";
import { limitedBy } from "./rules.ts";

export const faucetProtocol = "/fil/faucet/1.0.0";

/** More is no request; an answer has room for the sentence of a refusal. */
const requestBytes = 512;
const answerBytes = 1_024;
const detailBytes = 256;
/** The last instant that a date can name. */
const lastDateMs = 8_640_000_000_000_000;

const requestCodec = c.tuple("FaucetRequest", { genesis: c.cid, address: c.text(64), key: c.text(64) });
type WireRequest = ReturnType<typeof requestCodec.fromCbor>;

const answerCodec = c.variant("FaucetAnswer", {
  paid: c.tuple("FaucetPaid", {
    message: c.cid,
    amount: c.attoFil,
    account: c.address,
    balance: c.attoFil,
  }),
  refused: c.tuple("FaucetRefused", {
    code: c.text(32),
    detail: c.text(detailBytes),
    nextMs: c.uint(lastDateMs),
  }),
});
type Answer = ReturnType<typeof answerCodec.fromCbor>;
export type Paid = Omit<Extract<Answer, { readonly kind: "paid" }>, "kind">;

export interface ServeNeeds {
  readonly wire: Pick<Wire, "handle">;
  readonly clock: Clock;
  give(peer: PeerId, request: WireRequest): Promise<Paid>;
}

/** Returns what ends it: running requests are stopped. */
export function serveFaucet({ wire, clock, give }: ServeNeeds): () => void {
  const stop = new AbortController();
  const options = {
    timeoutMs: limits.requestTimeoutMs,
    protocol: faucetProtocol,
    outer: stop.signal,
  };
  const answerTo = async (stream: WireStream, signal: AbortSignal): Promise<Answer | undefined> => {
    const request = await new FrameReader(stream, requestBytes).readMessage(requestCodec, signal);
    if (request === undefined) return undefined;
    try {
      return { kind: "paid", ...(await give(stream.peer, request)) };
    } catch (error) {
      const refused = refusalOf(error);
      if (refused === undefined) throw error;
      return refused;
    }
  };
  const end = wire.handle(faucetProtocol, async (stream) => {
    try {
      await withDeadline(clock, options, async (signal) => {
        const answer = await answerTo(stream, signal);
        if (answer !== undefined) await sendMessage(stream, answerCodec, answer, signal);
        await stream.closeWrite();
      });
    } catch (error) {
      stream.abort(error instanceof Error ? error : faucetErrors.stopped({}, error));
    }
  });
  return () => {
    end();
    stop.abort(faucetErrors.stopped({}));
  };
}

/** What a peer is told of a refusal; undefined of what is no refusal. */
function refusalOf(error: unknown): Extract<Answer, { readonly kind: "refused" }> | undefined {
  if (!(error instanceof HoldfastError) || !error.code.startsWith("faucet/")) return undefined;
  const { by, nextMs, account, problem, key, network, genesis } = error.data;
  const [detail = ""] = [by, account, problem, key, network, genesis].filter((one) => one !== undefined);
  return {
    kind: "refused",
    code: error.code.slice("faucet/".length),
    detail: asciiOf(String(detail)).slice(0, detailBytes),
    nextMs: typeof nextMs === "number" ? nextMs : 0,
  };
}

const asciiOf = (text: string): string => text.replaceAll(/[^ -~]/g, "?");

/** The refusal as the error that it was there. */
function errorOf(peer: PeerId, answer: Extract<Answer, { readonly kind: "refused" }>): HoldfastError {
  const { code, nextMs } = answer;
  const detail = asciiOf(answer.detail);
  const by = limitedBy.find((one) => one === detail);
  if (code === "limit-reached" && by !== undefined) return faucetErrors.limitReached({ by, nextMs });
  if (code === "empty") return faucetErrors.empty({ account: detail });
  if (code === "wrong-address") return faucetErrors.wrongAddress({ problem: detail });
  if (code === "key-reused") return faucetErrors.keyReused({ key: detail });
  if (code === "not-allowed-here") return faucetErrors.notAllowedHere({ network: detail });
  if (code === "other-network") return faucetErrors.otherNetwork({ genesis: detail });
  if (code === "busy") return faucetErrors.busy({});
  return faucetErrors.badAnswer({ peer, detail: `it refuses with ${asciiOf(code)}` });
}

/** Errors: `faucet/…` as the peer refuses, `faucet/bad-answer`; `net/…`, `wire/…`, `codec/…`. */
export async function askFaucet(
  { wire, clock }: { readonly wire: Pick<Wire, "open">; readonly clock: Clock },
  peer: PeerId,
  request: WireRequest,
  outer: AbortSignal,
): Promise<Paid> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: faucetProtocol, outer };
  return await withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, faucetProtocol, signal);
    try {
      await sendMessage(stream, requestCodec, request, signal);
      await stream.closeWrite();
      const answer = await new FrameReader(stream, answerBytes).readMessage(answerCodec, signal);
      if (answer === undefined) throw faucetErrors.badAnswer({ peer, detail: "it ended the stream" });
      if (answer.kind === "refused") throw errorOf(peer, answer);
      const { kind: _, ...paid } = answer;
      return paid;
    } finally {
      stream.abort(faucetErrors.stopped({})); // nothing more is wanted; also fine when it is done
    }
  });
}
