/**
 * Who is not talked to: peers by id, machines by address or range, each with a reason and mostly with an end, kept
 * over a restart. A person bans and unbans by command; the node itself bans peers by their score, for some
 * hours. Invariant: the list is bounded, and what the node adds by itself never pushes out what a person added.
 */
import { BlockList, isIP } from "node:net";
import type { Clock } from "@holdfast/base";
import { peerIdFromString } from "@libp2p/peer-id";
import { netErrors } from "./errors.ts";

export interface Ban {
  /** A peer id, an IP address, or a range such as 203.0.113.0/24. */
  readonly subject: string;
  readonly kind: "peer" | "address" | "range";
  readonly reason: string;
  readonly by: "score" | "person";
  readonly fromMs: number;
  /** Undefined: until it is lifted. */
  readonly untilMs: number | undefined;
}

/** Where bans are kept over a restart. */
export interface BanStore {
  load(): readonly Ban[];
  put(ban: Ban): void;
  remove(subject: string): void;
}

export interface BansOptions {
  readonly clock: Clock;
  readonly store?: BanStore | undefined;
  /** Bans that the list holds. */
  readonly most: number;
}

export class Bans {
  readonly #options: BansOptions;
  readonly #bans = new Map<string, Ban>();
  #machines = new BlockList();

  constructor(options: BansOptions) {
    this.#options = options;
    for (const ban of options.store?.load() ?? []) this.#bans.set(ban.subject, ban);
    this.#rebuild();
  }

  list(): readonly Ban[] {
    this.#dropEnded();
    return [...this.#bans.values()];
  }
  /** Errors: `net/bad-subject`, `net/too-many-bans`. */
  add(given: Omit<Ban, "subject" | "kind" | "fromMs"> & { readonly subject: string }): Ban {
    this.#dropEnded();
    const ban: Ban = { ...given, ...subjectOf(given.subject), fromMs: this.#options.clock.nowMs() };
    const known = this.#bans.get(ban.subject);
    if (known !== undefined && ban.by === "score" && known.by === "person") return known;
    if (known === undefined && this.#bans.size >= this.#options.most) this.#makeRoom(ban);
    this.#bans.set(ban.subject, ban);
    this.#options.store?.put(ban);
    this.#rebuild();
    return ban;
  }
  /** Whether there was such a ban. Error `net/bad-subject`. */
  lift(text: string): boolean {
    const { subject } = subjectOf(text);
    const found = this.#bans.delete(subject);
    if (found) {
      this.#options.store?.remove(subject);
      this.#rebuild();
    }
    return found;
  }
  ofPeer(id: string): Ban | undefined {
    return this.#living(this.#bans.get(id));
  }
  isBannedMachine(ip: string): boolean {
    const family = isIP(ip);
    if (family === 0) return false;
    this.#dropEnded();
    return this.#machines.check(ip, family === 4 ? "ipv4" : "ipv6");
  }

  #living(ban: Ban | undefined): Ban | undefined {
    const ended = ban?.untilMs !== undefined && ban.untilMs <= this.#options.clock.nowMs();
    return ended ? undefined : ban;
  }
  #dropEnded(): void {
    let dropped = false;
    for (const ban of this.#bans.values()) {
      if (this.#living(ban) !== undefined) continue;
      this.#bans.delete(ban.subject);
      this.#options.store?.remove(ban.subject);
      dropped ||= ban.kind !== "peer";
    }
    if (dropped) this.#rebuild();
  }
  /** In place of the ban by score that ends first. */
  #makeRoom({ by }: Ban): void {
    const byScore = [...this.#bans.values()].filter((ban) => ban.by === "score");
    const first = byScore.sort((a, b) => (a.untilMs ?? 0) - (b.untilMs ?? 0))[0];
    if (first === undefined) throw netErrors.tooManyBans({ most: this.#options.most, by });
    this.#bans.delete(first.subject);
    this.#options.store?.remove(first.subject);
  }
  #rebuild(): void {
    const machines = new BlockList();
    for (const { subject, kind } of this.#bans.values()) {
      if (kind === "peer") continue;
      const [ip = "", bits] = subject.split("/");
      const family = isIP(ip) === 4 ? "ipv4" : "ipv6";
      if (bits === undefined) machines.addAddress(ip, family);
      else machines.addSubnet(ip, Number(bits), family);
    }
    this.#machines = machines;
  }
}

/** Error `net/bad-subject`. */
export function subjectOf(text: string): Pick<Ban, "subject" | "kind"> {
  const subject = text.trim();
  const [ip = "", bits, ...rest] = subject.split("/");
  const family = isIP(ip);
  if (family !== 0 && rest.length === 0 && !ip.includes("%")) {
    if (bits === undefined) return { subject: ip.toLowerCase(), kind: "address" };
    const mostBits = family === 4 ? 32 : 128;
    if (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= mostBits) {
      return { subject: `${ip.toLowerCase()}/${Number(bits)}`, kind: "range" };
    }
  }
  try {
    return { subject: peerIdFromString(subject).toString(), kind: "peer" };
  } catch (cause) {
    throw netErrors.badSubject({ subject: subject.slice(0, 128) }, cause);
  }
}
