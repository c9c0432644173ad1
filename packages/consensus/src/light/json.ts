/** The questions as calls with JSON: what an API carries, and a page in a browser can ask by `fetch` alone. */
import { fromBase64 } from "@holdfast/base";
import { lightErrors } from "./errors.ts";
import type { LightProvider } from "./provider.ts";
import type { LightQuestion } from "./questions.ts";
import {
  decodeLightHeader,
  HeadersReader,
  type LightState,
  lightStates,
  maxLightHeaderBytes,
  maxLightHeadersBytes,
  WitnessReader,
} from "./wire.ts";
import { maxWitnessBytes } from "./witness.ts";

/** Whoever carries the answers ends one that is longer: the largest proof, or the headers of one, in base64. */
export const maxLightJsonBytes = Math.ceil(
  1.5 * Math.max(maxWitnessBytes, maxLightHeadersBytes + 64 * maxLightHeaderBytes),
);

/** `light.headers` and `light.prove` of a node's API. What they answer is not believed to have any shape. */
export interface LightCalls {
  headers(params: { readonly from: string[]; readonly limit: number }): Promise<unknown>;
  prove(params: { readonly stateRoot: string; readonly question: LightQuestion }): Promise<unknown>;
}

/** Errors: `light/bad-answer`, `…/witness-too-large`, and those of the calls. */
export function jsonProvider(name: string, calls: LightCalls): LightProvider {
  return {
    name,
    async headers(request) {
      const answer = await calls.headers({ from: request.from.map(String), limit: request.count });
      const reader = new HeadersReader(request);
      for (const headers of listOf(fieldOf(answer, "tipsets"))) {
        const texts = listOf(headers);
        for (const [at, text] of texts.entries())
          reader.add({ header: decodeLightHeader(bytesOf(text)), isLast: at === texts.length - 1 });
      }
      return { state: stateOf(answer), tipsets: reader.end() };
    },
    async prove({ state, question }) {
      const answer = await calls.prove({ stateRoot: state.toString(), question });
      const reader = new WitnessReader();
      for (const text of listOf(fieldOf(answer, "objects"))) reader.push(bytesOf(text));
      return { state: stateOf(answer), witness: reader.end() };
    },
  };
}

const bad = (detail: string): Error => lightErrors.badAnswer({ detail });

function fieldOf(answer: unknown, name: string): unknown {
  if (typeof answer !== "object" || answer === null) throw bad("it is no object");
  return (answer as { readonly [field: string]: unknown })[name];
}
function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw bad("a list is missing");
  return value;
}
function stateOf(answer: unknown): LightState {
  const found = lightStates.find((state) => state === fieldOf(answer, "state"));
  if (found === undefined) throw bad("its state is none");
  return found;
}
function bytesOf(text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? fromBase64(text) : undefined;
  if (bytes === undefined) throw bad("a part of it is no base64");
  return bytes;
}
