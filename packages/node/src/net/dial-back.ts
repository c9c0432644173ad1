/**
 * Whether this node can be dialled, found out by being dialled: it asks a few of the peers that it has dialled itself,
 * of different machines, to connect to it anew (the idea of libp2p's AutoNAT, whose module leaves local networks out
 * and bounds nobody's requests). That it is reached it believes nobody: it sees the connection come in. That it is
 * not, it takes from several.
 *
 * Who serves dials the address that the question came from and no other, on one port, once, and each machine rarely:
 * nobody can have it knock elsewhere, and what it sends is less than what it was sent.
 */
import { type Codec, c, type PeerId, type WireStream } from "@holdfast/base";
import type { Connection } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import { FrameReader, sendMessage, withDeadline } from "../framing.ts";
import { machineOf, ownMachine } from "./gate.ts";
import type { Host } from "./host.ts";
import type { NetNeeds } from "./needs.ts";

export const dialBackProtocol = "/fil/dialback/1.0.0";

/** What one peer found, newest last. */
export interface DialBack {
  readonly peer: PeerId;
  /** Where it tried: this machine as the peer sees it is not known here, so the port alone. */
  readonly port: number;
  readonly reached: boolean;
  readonly atMs: number;
}

type Result = "reached" | "not-reached" | "refused";
const results: readonly Result[] = ["reached", "not-reached", "refused"];

const requestCodec: Codec<{ readonly port: number }> = c.tuple("DialBackRequest", { port: c.uint(65_535) });
const answerCodec: Codec<{ readonly result: number }> = c.tuple("DialBackAnswer", {
  result: c.uint(results.length - 1),
});

export interface DialBackParts {
  readonly needs: NetNeeds;
  readonly host: Host;
  readonly signal: AbortSignal;
  open(peer: PeerId, protocol: string, signal: AbortSignal): Promise<WireStream>;
  handle(protocol: string, handler: (stream: WireStream) => Promise<void>): void;
}

export class DialBacks {
  readonly #parts: DialBackParts;
  /** Of machines, or peers of this very machine, that were served in the last minute. */
  readonly #servedMs = new Map<string, number>();
  #serving = 0;
  readonly #found = new Map<PeerId, DialBack>();
  readonly #askedMs = new Map<PeerId, number>();
  #isAsking = false;

  constructor(parts: DialBackParts) {
    this.#parts = parts;
    parts.handle(dialBackProtocol, (stream) => this.#serve(stream));
    parts.host.addEventListener("peer:identify", ({ detail: { protocols, connection } }) => {
      if (connection.direction === "outbound" && protocols.includes(dialBackProtocol))
        this.#soon(parts.needs.limits.dialBackAfterMs);
    });
    void this.#loop();
  }

  /** What is known of now, newest last. */
  found(): readonly DialBack[] {
    const { dialBackFreshMs, dialBackEveryMs } = this.#parts.needs.limits;
    const sinceMs = this.#nowMs() - dialBackFreshMs - dialBackEveryMs;
    return [...this.#found.values()].filter(({ atMs }) => atMs > sinceMs);
  }

  #nowMs(): number {
    return this.#parts.needs.clock.nowMs();
  }
  async #loop(): Promise<void> {
    const { needs, signal } = this.#parts;
    while (!signal.aborted) {
      await needs.clock.sleep(needs.limits.dialBackEveryMs, signal).catch(() => undefined);
      this.#soon(0);
    }
  }
  #soon(afterMs: number): void {
    const { needs, signal } = this.#parts;
    if (this.#isAsking || signal.aborted) return;
    this.#isAsking = true;
    needs.clock
      .sleep(afterMs, signal)
      .then(() => this.#askSome())
      .catch((error: unknown) => needs.logger.debug("not asked for a dial", { detail: String(error) }))
      .finally(() => {
        this.#isAsking = false;
      });
  }

  /** One after the other: peers of machines that have not told yet. */
  async #askSome(): Promise<void> {
    const { needs, signal } = this.#parts;
    const { dialBackFreshMs, dialBackEveryMs, dialBackAnswers } = needs.limits;
    const isFresh = (atMs: number): boolean => isWithin(this.#nowMs() - atMs, dialBackFreshMs);
    for (const [peer, atMs] of this.#askedMs) if (!isFresh(atMs)) this.#askedMs.delete(peer);
    for (const [peer, { atMs }] of this.#found)
      if (!isFresh(atMs - dialBackEveryMs)) this.#found.delete(peer);
    for (;;) {
      const told = [...this.#found.values()].filter(({ atMs }) => isFresh(atMs)).length;
      const next = told < dialBackAnswers ? this.#next() : undefined;
      if (next === undefined || signal.aborted) return;
      await this.#ask(next.connection, next.port);
    }
  }
  #next(): { readonly connection: Connection; readonly port: number } | undefined {
    const machines = new Set<string>();
    const left: Connection[] = [];
    for (const connection of this.#parts.host.getConnections()) {
      const machine = machineOf(connection.remoteAddr) ?? "";
      const wasAsked = this.#askedMs.has(idOf(connection));
      if (wasAsked && !ownMachine.has(machine)) machines.add(machine);
      const isOwn = connection.direction === "outbound" && connection.status === "open";
      if (isOwn && !wasAsked) left.push(connection);
    }
    for (const connection of left) {
      const port = this.#portFor(connection);
      if (port !== undefined && !machines.has(machineOf(connection.remoteAddr) ?? ""))
        return { connection, port };
    }
    return undefined;
  }
  /** Where this node says that it listens, of the family of the connection if there is one of it. */
  #portFor({ remoteAddr }: Connection): number | undefined {
    const family = remoteAddr.getComponents()[0]?.name;
    const own = this.#parts.host.getMultiaddrs().map((address) => address.getComponents());
    const fit = own.find(([first]) => first?.name === family || first?.name.startsWith("dns")) ?? own[0];
    const port = Number(fit?.find(({ name }) => name === "tcp")?.value);
    return Number.isInteger(port) ? port : undefined;
  }

  async #ask(connection: Connection, port: number): Promise<void> {
    const { needs, host, signal: outer } = this.#parts;
    const { clock, limits } = needs;
    const peer = idOf(connection);
    this.#askedMs.set(peer, clock.nowMs());
    let came = false;
    const onOpen = ({ detail }: CustomEvent<Connection>): void => {
      came ||= detail.direction === "inbound" && idOf(detail) === peer;
    };
    host.addEventListener("connection:open", onOpen);
    const options = { timeoutMs: 3 * limits.dialTimeoutMs, protocol: dialBackProtocol, outer };
    try {
      const result = await withDeadline(clock, options, async (signal) => {
        const stream = await this.#parts.open(peer, dialBackProtocol, signal);
        await sendMessage(stream, requestCodec, { port }, signal);
        await stream.closeWrite();
        const answer = await new FrameReader(stream, answerBytes).readMessage(answerCodec, signal);
        return results[answer?.result ?? results.indexOf("refused")];
      });
      // One that says it came and did not is not believed.
      if (!came && result !== "not-reached") return;
      this.#found.delete(peer);
      this.#found.set(peer, { peer, port, reached: came, atMs: clock.nowMs() });
    } catch (error) {
      needs.logger.debug("a peer does not say whether it can dial", { peer, detail: String(error) });
    } finally {
      host.removeEventListener("connection:open", onOpen);
    }
  }

  async #serve(stream: WireStream): Promise<void> {
    const { needs, signal: outer } = this.#parts;
    const { clock, limits } = needs;
    const options = { timeoutMs: 2 * limits.dialTimeoutMs, protocol: dialBackProtocol, outer };
    await withDeadline(clock, options, async (signal) => {
      const request = await new FrameReader(stream, answerBytes).readMessage(requestCodec, signal);
      const result = request === undefined ? "refused" : await this.#dial(stream.peer, request.port, signal);
      await sendMessage(stream, answerCodec, { result: results.indexOf(result) }, signal);
      await stream.closeWrite();
    });
  }
  async #dial(peer: PeerId, port: number, signal: AbortSignal): Promise<Result> {
    const { host, needs } = this.#parts;
    const inbound = host
      .getConnections(peerIdFromString(peer))
      .find(({ direction, status }) => direction === "inbound" && status === "open");
    const machine = inbound === undefined ? undefined : machineOf(inbound.remoteAddr);
    if (machine === undefined || port === 0 || !this.#mayServe(machine, peer)) return "refused";
    const family = machine.includes(":") ? "ip6" : "ip4";
    const address = multiaddr(`/${family}/${machine}/tcp/${port}/p2p/${peer}`);
    const options = { timeoutMs: needs.limits.dialTimeoutMs, protocol: dialBackProtocol, outer: signal };
    this.#serving += 1;
    try {
      await withDeadline(needs.clock, options, async (inTime) => {
        const connection = await host.dial(address, { signal: inTime, force: true });
        await connection
          .close({ signal: inTime })
          .catch((error: unknown) => connection.abort(asError(error)));
      });
      return "reached";
    } catch {
      return "not-reached";
    } finally {
      this.#serving -= 1;
    }
  }
  /** Each machine once in a while, and few in all. */
  #mayServe(machine: string, peer: PeerId): boolean {
    const { clock, limits } = this.#parts.needs;
    const nowMs = clock.nowMs();
    for (const [key, atMs] of this.#servedMs) {
      if (!isWithin(nowMs - atMs, limits.dialBackPauseMs)) this.#servedMs.delete(key);
    }
    const key = ownMachine.has(machine) ? peer : machine;
    const isFull = this.#servedMs.size >= limits.dialBackMachines || this.#serving >= limits.dialBacksServed;
    if (isFull || this.#servedMs.has(key)) return false;
    this.#servedMs.set(key, nowMs);
    return true;
  }
}

/** What a clock that was ahead has noted is over when it is right again. */
const isWithin = (ageMs: number, mostMs: number): boolean => ageMs >= 0 && ageMs < mostMs;

/** Of a question or its answer. */
const answerBytes = 16;

const idOf = ({ remotePeer }: Connection): PeerId => String(remotePeer) as PeerId;

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
