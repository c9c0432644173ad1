/**
 * One connection between two simulated wires: two links, and the streams over them. It ends in two ways:
 * closed (the other side learns it after everything that was under way) or broken (both at once, all lost).
 */

import type { PeerId, WireStream } from "../seams/types.ts";
import type { LinkConditions } from "./net-link.ts";
import { SimLink } from "./net-link.ts";
import { SimStreamEnd, type StreamCarrier } from "./net-stream.ts";

/** What a connection knows of the wire at one of its sides. */
export interface SimEndpoint {
  readonly self: PeerId;
  handlerFor(protocol: string): StreamHandler | undefined;
  receiveGossip(topic: string, bytes: Uint8Array, from: PeerId, isRepeated: boolean): Promise<void>;
  connectionEnded(connection: SimConnection): void;
}

export type StreamHandler = (stream: WireStream) => Promise<void>;

interface Side {
  readonly endpoint: SimEndpoint;
  /** Leads away from this side. */
  readonly link: SimLink;
  readonly streams: Set<SimStreamEnd>;
  ended: boolean;
}

export class SimConnection {
  readonly #dialler: Side;
  readonly #listener: Side;

  constructor(
    dialler: SimEndpoint,
    listener: SimEndpoint,
    conditions: (from: PeerId, to: PeerId) => LinkConditions,
  ) {
    const side = (from: SimEndpoint, to: SimEndpoint): Side => ({
      endpoint: from,
      link: new SimLink(conditions(from.self, to.self), () => this.break()),
      streams: new Set(),
      ended: false,
    });
    this.#dialler = side(dialler, listener);
    this.#listener = side(listener, dialler);
  }

  dialledBy(peer: PeerId): boolean {
    return this.#dialler.endpoint.self === peer;
  }
  /** The peer on the other side. */
  otherThan(self: PeerId): PeerId {
    return this.#sides(self).far.endpoint.self;
  }

  /** `arrive` runs on the other side, in order with everything else from here. */
  send(from: PeerId, arrive: (there: SimEndpoint) => void, bytes = 0): void {
    const { near, far } = this.#sides(from);
    near.link.send(() => {
      if (!far.ended) arrive(far.endpoint);
    }, bytes);
  }

  /** The two ends of a new stream, the one at `self` first. */
  createStream(self: PeerId, protocol: string, windowBytes: number): [SimStreamEnd, SimStreamEnd] {
    const { near, far } = this.#sides(self);
    const end = (at: Side, other: Side): SimStreamEnd => {
      const carrier: StreamCarrier = {
        toRemote: (arrive, bytes) => this.send(at.endpoint.self, arrive, bytes),
        finished: (stream) => at.streams.delete(stream),
      };
      const stream = new SimStreamEnd(other.endpoint.self, protocol, windowBytes, carrier);
      at.streams.add(stream);
      return stream;
    };
    const ends: [SimStreamEnd, SimStreamEnd] = [end(near, far), end(far, near)];
    SimStreamEnd.join(...ends);
    return ends;
  }

  /** This side hangs up; the other one learns it in its turn. */
  close(self: PeerId): void {
    const { near, far } = this.#sides(self);
    if (near.ended) return;
    this.send(self, () => this.#end(far));
    this.#end(near);
  }
  /** The line is dead: both sides lose everything at once. */
  break(): void {
    this.#dialler.link.cut();
    this.#listener.link.cut();
    this.#end(this.#dialler);
    this.#end(this.#listener);
  }

  #end(side: Side): void {
    if (side.ended) return;
    side.ended = true;
    for (const stream of [...side.streams]) stream.lose();
    side.endpoint.connectionEnded(this);
  }
  #sides(self: PeerId): { readonly near: Side; readonly far: Side } {
    return this.#dialler.endpoint.self === self
      ? { near: this.#dialler, far: this.#listener }
      : { near: this.#listener, far: this.#dialler };
  }
}
