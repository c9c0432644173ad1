/**
 * `/fil/light/1.0.0`: a light client's question on a stream of its own, and the answer in frames (the formats are those
 * of `consensus/light/wire.ts`). Who serves has a share for each peer and says so when it is used up; who asks bounds
 * each frame and their sum before it decodes. A question that does not decode ends the stream.
 */
import {
  type Cancel,
  type Clock,
  encode,
  HoldfastError,
  type PeerId,
  type Wire,
  type WireStream,
} from "@holdfast/base";
import {
  decodeLightRequest,
  decodeLightStart,
  encodeHeaders,
  encodeLightStart,
  HeadersReader,
  type LightProvider,
  type LightRequest,
  type LightState,
  lightErrors,
  lightRequestCodec,
  maxLightRequestBytes,
  WitnessReader,
} from "@holdfast/consensus";
import { FrameReader, sendFrame, withDeadline } from "../framing.ts";
import { limits } from "../limits.ts";
import { ServingGate } from "../serving-gate.ts";
import { headersFrom, proofOf } from "./answers.ts";
import { lightServiceErrors } from "./errors.ts";
import type { LightServing, LightSource } from "./needs.ts";

export const lightProtocol = "/fil/light/1.0.0";

const shares = {
  served: limits.lightServed,
  servedPerPeer: limits.lightServedPerPeer,
  bytesPerSecond: limits.lightBytesPerSecond,
  requestsPerSecond: limits.lightRequestsPerSecond,
};

/** Gives the function that ends it. */
export function serveLight({ chain, wire, clock }: LightServing): () => void {
  const gate = new ServingGate(clock, shares);
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: lightProtocol };
  return wire.handle(lightProtocol, async (stream) => {
    const isServed = gate.enter(stream.peer);
    try {
      await withDeadline(clock, options, async (signal) => {
        const request = await new FrameReader(stream, maxLightRequestBytes).read(signal);
        if (request === undefined) return stream.closeWrite();
        const frames = isServed ? framesOf(chain, decodeLightRequest(request)) : [encodeLightStart("busy")];
        for (const frame of frames) {
          gate.spend(stream.peer, frame.length);
          await sendFrame(stream, frame, signal);
        }
        await stream.closeWrite();
      });
    } catch (error) {
      stream.abort(error instanceof Error ? error : lightServiceErrors.stopped({}, error));
    } finally {
      if (isServed) gate.leave(stream.peer);
    }
  });
}

function framesOf(chain: LightSource, request: LightRequest): readonly Uint8Array[] {
  if (request.kind === "headers") {
    const { state, tipsets } = headersFrom(chain, request);
    return [encodeLightStart(state), ...encodeHeaders(tipsets)];
  }
  const { state, witness } = proofOf(chain, request);
  return [encodeLightStart(state), ...witness];
}

export interface WireProviderNeeds {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly signal: Cancel;
}

/** A node that is asked over the wire. Errors: `light/bad-answer`, `…/witness-too-large`, `net/…`, `wire/…`. */
export function wireProvider(needs: WireProviderNeeds, peer: PeerId, name: string): LightProvider {
  const ask = <Parts extends { push(part: Uint8Array): void }>(request: LightRequest, parts: () => Parts) =>
    askPatiently(needs, () => askOnce(needs, peer, { request, parts }));
  return {
    name,
    async headers(request) {
      const answer = await ask({ kind: "headers", ...request }, () => new HeadersReader(request));
      return { state: answer.state, tipsets: answer.parts.end() };
    },
    async prove(request) {
      const answer = await ask({ kind: "proof", ...request }, () => new WitnessReader());
      return { state: answer.state, witness: answer.parts.end() };
    },
  };
}

/** Who is busy is asked again, a few times, with pauses that double. */
export async function askPatiently<Answer extends { readonly state: LightState }>(
  { clock, signal }: Pick<WireProviderNeeds, "clock" | "signal">,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask();
    if (answer.state !== "busy" || tries >= limits.lightRetries) return answer;
    await clock.sleep(250 * 2 ** tries, signal);
  }
}

async function askOnce<Parts extends { push(part: Uint8Array): void }>(
  { wire, clock, signal: outer }: WireProviderNeeds,
  peer: PeerId,
  { request, parts: newParts }: { readonly request: LightRequest; readonly parts: () => Parts },
): Promise<{ readonly state: LightState; readonly parts: Parts }> {
  const options = { timeoutMs: limits.requestTimeoutMs, protocol: lightProtocol, outer };
  return withDeadline(clock, options, async (signal) => {
    const stream = await wire.open(peer, lightProtocol, signal);
    try {
      await sendFrame(stream, encode(lightRequestCodec, request), signal);
      await stream.closeWrite();
      return await readAnswer(stream, newParts(), signal);
    } catch (error) {
      stream.abort(error instanceof Error ? error : lightServiceErrors.stopped({}, error));
      throw asAnswer(error);
    }
  });
}

async function readAnswer<Parts extends { push(part: Uint8Array): void }>(
  stream: WireStream,
  parts: Parts,
  signal: AbortSignal,
): Promise<{ readonly state: LightState; readonly parts: Parts }> {
  const reader = new FrameReader(stream, limits.gossipMessageBytes);
  const start = await reader.read(signal);
  if (start === undefined) throw lightErrors.badAnswer({ detail: "it is empty" });
  const state = decodeLightStart(start);
  for (let part = await reader.read(signal); part !== undefined; part = await reader.read(signal)) {
    if (state !== "found") throw lightErrors.badAnswer({ detail: "it has nothing, and goes on" });
    parts.push(part);
  }
  return { state, parts };
}

/** A frame that is too long is a bad answer as any other. */
function asAnswer(error: unknown): unknown {
  const isTooLong = error instanceof HoldfastError && error.code === "net/frame-too-large";
  return isTooLong ? lightErrors.badAnswer({ detail: error.message }, error) : error;
}
