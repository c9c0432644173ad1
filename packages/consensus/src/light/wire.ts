/**
 * What a light client and a node say to each other, as bytes. A request is one message; an answer is its state and
 * then parts: of headers one part for each block, ascending from the tipset that was named, of a proof one part for
 * each object. Strict and bounded on both sides; whoever carries the bytes brings no rule of its own.
 */
import { type CID, type Codec, c, decode, encode, HoldfastError } from "@holdfast/base";
import { type BlockHeader, blockHeaderCodec, maxParents, maxWinningPostBytes } from "../types/block.ts";
import { lightErrors } from "./errors.ts";
import { type LightQuestion, lightQuestionCodec } from "./questions.ts";
import { maxWitnessBytes, type StateWitness } from "./witness.ts";

/** Tipsets of one answer. */
export const maxLightTipsets = 256;
/** A header with the longest winning proof and all its parents. */
export const maxLightHeaderBytes = maxWinningPostBytes + 8_192;
/** Headers of one answer together: no answer holds more than one tipset beyond. */
export const maxLightHeadersBytes = 4 * 1024 * 1024;
/** A question about as many miners as one may name. */
export const maxLightRequestBytes = 65_536;
/** Objects of one proof. */
export const maxLightObjects = 65_536;

export interface HeadersRequest {
  /** The tipset to begin with; it comes first. */
  readonly from: readonly CID[];
  readonly count: number;
}
export interface ProofRequest {
  readonly state: CID;
  readonly question: LightQuestion;
}

export const lightRequestCodec = c.variant("LightRequest", {
  headers: c.tuple("LightHeaders", { from: c.list(c.cid, maxParents), count: c.uint(maxLightTipsets) }),
  proof: c.tuple("LightProof", { state: c.cid, question: lightQuestionCodec }),
});
export type LightRequest = typeof lightRequestCodec extends Codec<infer Request> ? Request : never;

/**
 * `elsewhere`: the tipset is known and not on the node's chain. `unknown`: the tipset, or the state, is not here.
 * `busy`: not now.
 */
export const lightStates = ["found", "unknown", "elsewhere", "busy"] as const;
export type LightState = (typeof lightStates)[number];

const stateCodec: Codec<{ readonly state: number }> = c.tuple("LightStart", {
  state: c.uint(lightStates.length - 1),
});

export interface HeadersAnswer {
  readonly state: LightState;
  /** Ascending, each on the one before; the first is the one that was named. */
  readonly tipsets: readonly (readonly BlockHeader[])[];
}
export interface ProofAnswer {
  readonly state: LightState;
  readonly witness: StateWitness;
}

interface HeaderPart {
  readonly header: BlockHeader;
  /** The next part, if there is one, is of the next tipset. */
  readonly isLast: boolean;
}
const headerPartCodec: Codec<HeaderPart> = c.tuple("LightHeader", {
  header: blockHeaderCodec,
  isLast: c.bool,
});

export const encodeLightStart = (state: LightState): Uint8Array =>
  encode(stateCodec, { state: lightStates.indexOf(state) });

/** The parts of an answer with headers. */
export function encodeHeaders(tipsets: HeadersAnswer["tipsets"]): Uint8Array[] {
  return tipsets.flatMap((headers) =>
    headers.map((header, at) => encode(headerPartCodec, { header, isLast: at === headers.length - 1 })),
  );
}

function decoded<T>(codec: Codec<T>, bytes: Uint8Array, maxBytes: number): T {
  try {
    return decode(codec, bytes, { maxBytes });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw lightErrors.badAnswer({ detail: error.message }, error);
  }
}

/** One header alone, as JSON carries it. `light/bad-answer`. */
export const decodeLightHeader = (bytes: Uint8Array): BlockHeader =>
  decoded(blockHeaderCodec, bytes, maxLightHeaderBytes);

export function decodeLightRequest(bytes: Uint8Array): LightRequest {
  return decode(lightRequestCodec, bytes, { maxBytes: maxLightRequestBytes });
}

/** `light/bad-answer`. */
export function decodeLightStart(bytes: Uint8Array): LightState {
  return lightStates[decoded(stateCodec, bytes, 64).state] ?? "unknown";
}

/** Takes an answer's parts as they come, and no more of them than was asked for. `light/bad-answer`. */
export class HeadersReader {
  readonly #count: number;
  readonly #tipsets: BlockHeader[][] = [];
  #open: BlockHeader[] = [];
  #bytes = 0;

  constructor({ count }: HeadersRequest) {
    this.#count = count;
  }
  push(part: Uint8Array): void {
    if (this.#bytes > maxLightHeadersBytes && this.#open.length === 0)
      throw lightErrors.badAnswer({ detail: "it goes on after its end" });
    this.#bytes += part.length;
    this.add(decoded(headerPartCodec, part, maxLightHeaderBytes));
  }
  add({ header, isLast }: HeaderPart): void {
    if (this.#tipsets.length >= this.#count || this.#open.length >= maxParents)
      throw lightErrors.badAnswer({ detail: "it is longer than was asked" });
    this.#open.push(header);
    if (!isLast) return;
    this.#tipsets.push(this.#open);
    this.#open = [];
  }
  end(): HeadersAnswer["tipsets"] {
    if (this.#open.length > 0) throw lightErrors.badAnswer({ detail: "it ends in the middle of a tipset" });
    return this.#tipsets;
  }
}

/** The same for the objects of a proof. `light/bad-answer`, `light/witness-too-large`. */
export class WitnessReader {
  readonly #objects: Uint8Array[] = [];
  #bytes = 0;

  push(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > maxWitnessBytes)
      throw lightErrors.witnessTooLarge({ bytes: this.#bytes, limit: maxWitnessBytes });
    if (this.#objects.length >= maxLightObjects)
      throw lightErrors.badAnswer({ detail: "it has too many objects" });
    this.#objects.push(part);
  }
  end(): StateWitness {
    return this.#objects;
  }
}
