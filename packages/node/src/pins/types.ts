/** What a pin is: somebody's wish that a root be kept, and how far it is. */

/** As the IPFS Pinning Service API names them. */
export const pinStates = ["queued", "pinning", "pinned", "failed"] as const;
export type PinState = (typeof pinStates)[number];

export interface NewPin {
  /** As it was written: the same text comes back. */
  readonly cid: string;
  readonly name?: string | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly meta?: { readonly [key: string]: string } | undefined;
  /** Higher ones first. */
  readonly priority?: number | undefined;
  /** After it the pin is removed by itself. */
  readonly expiresMs?: number | undefined;
  /** What was said, or paid for: more is refused. */
  readonly maxBytes?: number | undefined;
}

/** Whose pins are asked for. */
export interface Account {
  readonly name: string;
  /** What all its pins may take together; undefined: what there is. */
  readonly maxBytes: number | undefined;
}

export interface PinView {
  readonly id: string;
  readonly account: string;
  readonly cid: string;
  readonly name: string | undefined;
  readonly origins: readonly string[];
  readonly meta: { readonly [key: string]: string };
  readonly state: PinState;
  readonly priority: number;
  readonly createdMs: number;
  readonly expiresMs: number | undefined;
  readonly maxBytes: number | undefined;
  /** Of what is pinned; of what is under way, what is here. */
  readonly blocks: number;
  readonly bytes: number;
  readonly attempts: number;
  /** When a pin that failed is tried again; undefined: not by itself. */
  readonly retryMs: number | undefined;
  /** Why the last try failed. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

export const textMatches = ["exact", "iexact", "partial", "ipartial"] as const;
export type TextMatch = (typeof textMatches)[number];

export interface PinFilter {
  readonly account?: string | undefined;
  readonly cids?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly match?: TextMatch | undefined;
  /** Empty or left out: all. */
  readonly states?: readonly PinState[] | undefined;
  readonly beforeMs?: number | undefined;
  readonly afterMs?: number | undefined;
  readonly meta?: { readonly [key: string]: string } | undefined;
  readonly limit: number;
}

export interface PinPage {
  /** Of all that the filter finds, not of this page. */
  readonly count: number;
  readonly pins: readonly PinView[];
}
