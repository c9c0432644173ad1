/**
 * A chain and a verifier for one miner's idle space, which judge what they are given as the rules say; and a storage of
 * simulated disks that counts what it was told.
 */
import {
  abortable,
  type Disk,
  epoch,
  equalBytes,
  HoldfastError,
  type Logger,
  seedAddress,
  silentLogger,
} from "@holdfast/base";
import { SimDisk } from "@holdfast/base/testing";
import {
  emptyIdleRange,
  type IdleAppend,
  type IdleAppendChallenge,
  type IdleAudit,
  IdleAuditor,
  type IdleProfile,
  type IdleRange,
  type IdleRelease,
  type IdleState,
  idleAppendDigest,
  startIdleState,
  verifyIdleAppend,
  verifyIdleRelease,
} from "@holdfast/proofs";
import { type Database, openDatabase } from "../../src/database.ts";
import {
  type Idle,
  type IdleNetwork,
  type IdleShare,
  type IdleView,
  type IdleVolumes,
  inlineMaker,
  openIdle,
} from "../../src/idle/index.ts";

export const tiny: IdleProfile = {
  id: "idle-test",
  fileNodes: 32,
  files: 4,
  keptLayers: 2,
  layers: 4,
  passes: 1,
  commitChallenges: 3,
  spaceChallenges: 3,
  productionSafe: false,
};

const bytes = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
export const networkId = bytes(1);
export const miner = seedAddress(1, "idle");

/** The chain with its verifier. It outlives the node. */
export class SimChain implements IdleNetwork {
  readonly patienceEpochs = 1_000;
  height = 10;
  state: IdleState | undefined;
  readonly audits: { audit: IdleAudit; deadline: number; isAnswered: boolean }[] = [];
  /** What came of it, in order. */
  readonly log: string[] = [];
  #challenge: { readonly append: Uint8Array; readonly challenge: IdleAppendChallenge } | undefined;
  #listeners = new Set<() => void>();
  #registrations = 0;
  /** Called before something is taken: may throw, or never come back. */
  before: (what: string) => Promise<void> = () => Promise.resolve();

  view(): IdleView {
    return { height: this.height, state: this.state, audits: this.audits };
  }
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** A block. */
  tick(): void {
    this.height += 1;
    for (const listener of this.#listeners) listener();
  }

  async register(): Promise<void> {
    await this.before("register");
    this.registerAnew();
  }
  registerAnew(): void {
    this.#registrations += 1;
    const nonce = bytes(100 + this.#registrations);
    this.state = startIdleState({ networkId, miner, profile: tiny.id, nonce });
    this.#took("register");
  }

  async announce(append: IdleAppend) {
    await this.before("announce");
    const digest = idleAppendDigest(append);
    if (this.#challenge === undefined || !equalBytes(this.#challenge.append, digest)) {
      const height = epoch(this.height);
      const challenge = { append: digest, height, nonce: bytes(4), validUntil: epoch(this.height + 500) };
      this.#challenge = { append: digest, challenge };
    }
    return { challenge: this.#challenge.challenge, randomness: bytes(5) };
  }

  async certify(append: IdleAppend, challenge: IdleAppendChallenge, proof: Uint8Array): Promise<void> {
    await this.before("certify");
    const { state, height } = this;
    if (state === undefined) throw new Error("not registered");
    const randomness = bytes(5);
    const change = verifyIdleAppend({ state, profile: tiny, append, challenge, randomness, height }, proof);
    if ("refused" in change) throw new Error(`append: ${change.refused}`);
    this.state = change.state;
    this.#took(`append ${change.state.rear}`);
  }

  async release(release: IdleRelease): Promise<void> {
    await this.before("release");
    if (this.state === undefined) throw new Error("not registered");
    const change = verifyIdleRelease(this.state, release, this.height);
    if ("refused" in change) throw new Error(`release: ${change.refused}`);
    this.state = change.state;
    this.#took(`release ${change.state.front}`);
  }

  async answer(audit: IdleAudit, answers: readonly Uint8Array[], range: IdleRange): Promise<void> {
    await this.before("answer");
    const auditor = new IdleAuditor(audit);
    const batch = { left: 0, right: answers.length, range, answers };
    if (auditor.take(emptyIdleRange, batch)?.leaves !== auditor.files.length)
      throw new Error("wrong answers");
    for (const open of this.audits) if (open.audit === audit) open.isAnswered = true;
    this.#took("answer");
  }

  /** Asks for so many files as the state is now. */
  challenge(files: number, byte: number): void {
    if (this.state === undefined) throw new Error("not registered");
    const audit = { state: this.state, profile: tiny, randomness: bytes(byte), files };
    this.audits.push({ audit, deadline: this.height + 20, isAnswered: false });
    this.tick();
  }

  #took(what: string): void {
    this.log.push(what);
    this.tick();
  }
}

/** Volumes of simulated disks, with a quota for all. It outlives the node, but for what a crash takes. */
export class SimVolumes implements IdleVolumes {
  disk: Disk;
  quotaBytes: number;
  otherQuotaBytes = 0;
  readonly shares = new Map<number, IdleShare>();

  constructor(disk: Disk, quotaBytes: number) {
    this.disk = disk;
    this.quotaBytes = quotaBytes;
  }
  path(volumeId: number, name: string): string {
    return name === "" ? `v${volumeId}/idle` : `v${volumeId}/idle/${name}`;
  }
  async rooms() {
    const roomBytes = Math.max(0, this.quotaBytes - (this.shares.get(0)?.reservedBytes ?? 0));
    const otherBytes = Math.max(0, this.otherQuotaBytes - (this.shares.get(1)?.reservedBytes ?? 0));
    const other = { volumeId: 1, roomBytes: otherBytes };
    return this.isLeaving ? [other] : [{ volumeId: 0, roomBytes }];
  }
  /** Volume 1 takes what is to leave 0, in a quota of its own. */
  isLeaving = false;
  async present() {
    return [0, 1];
  }
  async leaving() {
    return this.isLeaving ? [0] : [];
  }
  async setShare(volumeId: number, share: IdleShare): Promise<void> {
    const before = this.shares.get(volumeId)?.reservedBytes ?? 0;
    const more = share.reservedBytes - before;
    const quotaBytes = volumeId === 0 ? this.quotaBytes : this.otherQuotaBytes;
    if (more > 0 && before + more > quotaBytes) {
      throw new HoldfastError({ code: "storage/full", message: "full", fix: "", exit: "retry-later" });
    }
    this.shares.set(volumeId, share);
  }
}

/** What a dead process finds of the world. */
const dead = (): Error =>
  new HoldfastError({ code: "test/dead", message: "this process is dead", fix: "", exit: "internal" });

/** A node that may be killed and started again. What outlives it: the chain, the database, what is on the disk. */
export class World {
  readonly chain = new SimChain();
  readonly volumes: SimVolumes;
  sim = new SimDisk();
  idle: Idle;
  /** A block takes a second. */
  readonly clock = { nowMs: () => 1_000 * this.chain.height };
  readonly patrolMs: number;
  readonly logger: Logger;
  readonly database: Database = openDatabase(":memory:");
  /** Rows that were read of it. */
  rowsRead = 0;
  #life = 0;
  #effectsLeft = Number.POSITIVE_INFINITY;

  constructor(quotaBytes = 2 ** 20, { patrolMs = 0, logger = silentLogger as Logger } = {}) {
    this.patrolMs = patrolMs;
    this.logger = logger;
    this.volumes = new SimVolumes(this.sim, quotaBytes);
    this.idle = this.start();
  }

  get isDead(): boolean {
    return this.sim.crashed;
  }

  /** The process dies instead of its n-th effect from now on the database or the chain, or right after it. */
  crashAtEffect(n: number): void {
    this.#effectsLeft = n;
  }

  start(): Idle {
    this.#life += 1;
    this.#effectsLeft = Number.POSITIVE_INFINITY;
    const maker = inlineMaker(this.volumes.disk);
    const { volumes, clock, patrolMs } = this;
    const needs = { networkId, miner, profile: tiny, volumes, maker, clock, patrolMs, logger: this.logger };
    this.idle = openIdle({ ...needs, network: this.#chainOfLife(), database: this.#databaseOfLife() });
    return this.idle;
  }

  /** After a crash: the next process, with what the disk has kept. */
  async restart(): Promise<void> {
    const survivor = this.sim.crash();
    await this.idle[Symbol.asyncDispose]();
    this.sim = survivor;
    this.volumes.disk = survivor;
    this.start();
  }

  /** Gives the node and the chain turns until it is so. */
  async until(isSo: () => boolean | undefined, what = isSo.toString()): Promise<void> {
    for (let turn = 0; turn < 4_000; turn += 1) {
      if (isSo() === true) return;
      await new Promise((resolve) => setImmediate(resolve));
      if (turn % 20 === 19) this.chain.tick();
    }
    throw new Error(
      `not reached: ${what}; ${JSON.stringify(this.idle.status())}; ${this.chain.log.join(", ")}`,
    );
  }

  /** Every file on the disk, with its length. */
  async files(folder = "v0/idle"): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const name of await this.volumes.disk.list(folder)) {
      const path = `${folder}/${name}`;
      const size = await this.volumes.disk.sizeBytes(path);
      if (size !== undefined) found.set(path, size);
      else for (const [inner, length] of await this.files(path)) found.set(inner, length);
    }
    return found;
  }

  async bytesOnDisk(): Promise<number> {
    return [...(await this.files()).values()].reduce((sum, length) => sum + length, 0);
  }

  #effect(life: number): void {
    if (life !== this.#life || this.sim.crashed) throw dead();
    this.#effectsLeft -= 1;
    if (this.#effectsLeft > 0) return;
    this.sim.crash();
    throw dead();
  }

  #databaseOfLife(): Database {
    const life = this.#life;
    const { database } = this;
    return {
      ...database,
      all: (sql, ...values) => {
        const rows = database.all(sql, ...values);
        this.rowsRead += rows.length;
        return rows;
      },
      get: (sql, ...values) => {
        this.rowsRead += 1;
        return database.get(sql, ...values);
      },
      run: (sql, ...values) => {
        this.#effect(life);
        database.run(sql, ...values);
      },
    };
  }

  #chainOfLife(): IdleNetwork {
    const life = this.#life;
    const { chain } = this;
    const passed = async <Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> => {
      this.#effect(life);
      const result = await abortable(signal, work());
      this.#effect(life);
      return result;
    };
    return {
      patienceEpochs: chain.patienceEpochs,
      view: () => chain.view(),
      onChange: (listener) => chain.onChange(listener),
      register: (signal) => passed(signal, () => chain.register()),
      announce: (append, signal) => passed(signal, () => chain.announce(append)),
      certify: (append, challenge, proof, signal) =>
        passed(signal, () => chain.certify(append, challenge, proof)),
      release: (release, signal) => passed(signal, () => chain.release(release)),
      answer: (audit, answers, range, signal) => passed(signal, () => chain.answer(audit, answers, range)),
    };
  }
}
