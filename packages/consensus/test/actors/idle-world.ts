/**
 * Idle space that is really made, small enough to be held in memory, and what its miner and its verifiers say of it.
 */
import type { Address } from "@holdfast/base";
import { addressBytes, assert, epoch, filToAtto, signRecoverable } from "@holdfast/base";
import type { CertifyIdle, IdleMiner, IdleParams, SignedIdleVerdict } from "@holdfast/consensus";
import {
  idleAuditOf,
  idleChallengeOf,
  idleRandomnessTags,
  idleSeats,
  idleVerdictBytes,
  noIdleSpace,
  readIdleMiner,
  readIdleVerifiers,
} from "@holdfast/consensus";
import {
  answerIdleFile,
  drawnIdleAnswers,
  emptyIdleRange,
  extendIdleAnswers,
  firstIdleFileOf,
  generateIdleSets,
  type IdleAppend,
  type IdleAppendChallenge,
  type IdleCommitSource,
  type IdleFileSource,
  type IdleLayerRoots,
  type IdleLayerUnder,
  type IdleProfile,
  IdleRangeTree,
  type IdleSink,
  type IdleState,
  idleAnswerHash,
  idleAppendDigest,
  idleAppendSeed,
  idleAppendStatement,
  idleAuditFiles,
  idleAuditSeed,
  idleAuditTotal,
  idleCertificateSigningBytes,
  idleFilesPerSet,
  idleLayerElements,
  idleProfiles,
  idleStateDigest,
  narrowIdleCommit,
  nextIdleLayer,
  type OpenedIdleAnswer,
  proposeIdleAppend,
  proveIdleCommit,
  runSteps,
  type SignedIdleCertificate,
} from "@holdfast/proofs";
import { type Account, account, createMiner, testNetworkId, testRandomness, World, worker } from "./world.ts";

export const smallProfile = idleProfiles.get("idle-32KiB") as IdleProfile;

export const verifiers = ["verifier one", "verifier two", "verifier three"].map(account);

/** A set is 128 KiB: its pledge is one FIL. */
export const idleParams: IdleParams = {
  ...noIdleSpace,
  profile: smallProfile.id,
  weightPercent: 25,
  pledgePerGiB: filToAtto(8_192),
  drawDelayEpochs: 2,
  certifyEpochs: 15,
  lotEpochs: 12,
  lotOdds: 1,
  answerEpochs: 5,
  settleEpochs: 8,
  files: 3,
  openings: 1,
  openingsAlone: 3,
  commitOpenings: 3,
  seats: 2,
  verifierBond: filToAtto(10),
  authority: account("alice").address,
};

const zeros = new Uint8Array(32);

export function idleWorld(params: Partial<IdleParams> = {}): World {
  return new World({
    params: { idle: { ...idleParams, ...params } },
    idleVerifiers: verifiers.map(({ address }, i) => ({
      operator: address,
      key: address,
      peerId: `verifier-${i}`,
      bond: filToAtto(10),
      expires: epoch(100_000),
    })),
  });
}

class MadeSet implements IdleSink {
  readonly layers = new Map<string, Uint8Array>();
  readonly files = new Map<number, { readonly labels: Uint8Array; readonly aux: Uint8Array }>();
  readonly roots: IdleLayerRoots[] = [];

  layer(keptLayer: number, layer: number, labels: Uint8Array): void {
    this.layers.set(`${keptLayer} ${layer}`, labels.slice());
  }
  file(file: number, labels: Uint8Array, aux: Uint8Array): void {
    this.files.set(file, { labels: labels.slice(), aux: aux.slice() });
  }
  keptLayer(keptLayer: number, roots: IdleLayerRoots): void {
    this.roots[keptLayer] = roots;
  }
}

/** Made once for all tests: sets follow from the registration alone, and worlds are alike. */
const madeSets = new Map<string, MadeSet>();

export class IdleSpace {
  readonly world: World;
  readonly miner: Address;
  readonly tree = new IdleRangeTree(smallProfile.files);

  constructor(world: World, miner: Address) {
    this.world = world;
    this.miner = miner;
  }

  get record(): IdleMiner {
    const record = readIdleMiner(this.world.store, this.world.state, this.miner);
    assert(record !== undefined, "the miner is registered");
    return record;
  }

  set(number: number): MadeSet {
    const { networkId, nonce } = this.record.state;
    const identity = { networkId, miner: this.miner, nonce, set: number };
    const key = `${this.miner} ${nonce.join()} ${number}`;
    const known = madeSets.get(key);
    if (known !== undefined) return known;
    const made = new MadeSet();
    runSteps(generateIdleSets(smallProfile, [{ identity, sink: made }]));
    madeSets.set(key, made);
    return made;
  }

  roots(layer: number): IdleLayerRoots {
    const { keptLayers } = smallProfile;
    const roots = this.set(Math.floor(layer / keptLayers)).roots[layer % keptLayers];
    assert(roots !== undefined, "a set has all its kept layers");
    return roots;
  }

  elements(layer: number): readonly Uint8Array[] {
    const { networkId, nonce } = this.record.state;
    const set = Math.floor(layer / smallProfile.keptLayers);
    const identity = { networkId, miner: this.miner, nonce, set };
    return idleLayerElements(smallProfile, identity, layer * smallProfile.files, this.roots(layer).fileRoots);
  }

  /** Kept layers that are certified. */
  get layers(): number {
    return this.record.state.rear / smallProfile.files;
  }

  /** The next kept layer on what is certified. */
  append(): IdleAppend {
    const { state } = this.record;
    const before = idleStateDigest(state);
    const range = this.tree.peaks(state.rear);
    return {
      before,
      range,
      roots: this.roots(this.layers),
      under: this.under(state),
      validUntil: epoch(9_999),
    };
  }

  under(state: IdleState): IdleLayerUnder | null {
    const { keptLayer } = nextIdleLayer(state, smallProfile);
    if (keptLayer === 0) return null;
    assert(keptLayer === 1, "the small profile has two kept layers");
    return { ...this.roots(state.rear / smallProfile.files - 1), previous: zeros };
  }

  announce(append = this.append()) {
    const digest = idleAppendDigest(append);
    return this.world.send(worker, this.world.builtins.idle, "idle.announce", { miner: this.miner, digest });
  }

  get challenge(): IdleAppendChallenge {
    const { announcement } = this.record;
    assert(announcement !== null, "something is announced");
    return idleChallengeOf(announcement, this.world.params.idle);
  }

  /** Of what was announced. */
  randomness(): Uint8Array {
    return testRandomness(this.challenge.height, idleRandomnessTags.announcement, addressBytes(this.miner));
  }

  /** Verifiers with a seat in the matter of a seed. */
  seated(seed: Uint8Array): readonly Account[] {
    const { store, state, params, height } = this.world;
    const seats = idleSeats(readIdleVerifiers(store, state), params.idle, seed, height + 1);
    return seats.map(({ key }) => accountOf(key));
  }

  certificate(after: IdleState, by = this.seated(this.randomness())[0]): SignedIdleCertificate {
    assert(by !== undefined, "somebody has a seat");
    const certificate = {
      before: idleStateDigest(this.record.state),
      after,
      validUntil: epoch(9_999),
      verifier: by.address,
    };
    return {
      certificate,
      signature: signRecoverable(by.privateKey, idleCertificateSigningBytes(certificate)),
    };
  }

  /** What the layer leads to. */
  after(append = this.append()): IdleState {
    const change = proposeIdleAppend(this.record.state, smallProfile, append, 0);
    if ("refused" in change) throw new RangeError(change.refused);
    return change.state;
  }

  /** What an honest miner sends for an announced layer: a part of what it showed the verifier. */
  certification(append = this.append()): CertifyIdle {
    const { state } = this.record;
    const seed = idleAppendSeed(this.challenge, this.randomness());
    const statement = idleAppendStatement(state, smallProfile, append, seed);
    const { identity, keptLayer } = nextIdleLayer(state, smallProfile);
    const whole = runSteps(proveIdleCommit(statement, this.source(identity.set, keptLayer)));
    const proof = narrowIdleCommit(statement, whole, this.world.params.idle.commitOpenings);
    return { miner: this.miner, append, certificate: this.certificate(this.after(append)), proof };
  }

  certify(given: CertifyIdle) {
    return this.world.send(worker, this.world.builtins.idle, "idle.certify", given);
  }

  /** Announces and certifies so many kept layers, one after the other. */
  fill(layers: number): void {
    for (let i = 0; i < layers; i += 1) {
      const elements = this.elements(this.layers);
      this.announce();
      this.world.mineTo(this.world.height + this.world.params.idle.drawDelayEpochs);
      const { exitCode, text } = this.certify(this.certification());
      assert(exitCode === 0, text);
      this.tree.append(elements);
    }
  }

  source(set: number, keptLayer: number): IdleCommitSource {
    const made = this.set(set);
    const first = firstIdleFileOf(smallProfile, set, keptLayer);
    const labelsOf = (layer: number): Uint8Array => {
      const [own, at] = layer === 0 ? [keptLayer - 1, smallProfile.layers] : [keptLayer, layer];
      return made.layers.get(`${own} ${at}`) ?? new Uint8Array(0);
    };
    return {
      labels: (layer, low, count) => labelsOf(layer).subarray(low * 32, (low + count) * 32),
      aux: (file, below) => this.fileSource(first + file - (below ? smallProfile.files : 0)).aux,
    };
  }

  fileSource(file: number): IdleFileSource {
    const made = this.set(Math.floor(file / idleFilesPerSet(smallProfile))).files.get(file);
    assert(made !== undefined, "the file was made");
    return { aux: made.aux, labels: (low, count) => made.labels.subarray(low * 32, (low + count) * 32) };
  }

  get audit() {
    const { challenge } = this.record;
    assert(challenge !== null, "the miner is challenged");
    return idleAuditOf(challenge, smallProfile, this.world.params.idle);
  }

  /** Right answers, in order. */
  answers(): Uint8Array[] {
    const { audit } = this;
    return idleAuditFiles(audit).map((file) => {
      const layer = Math.floor(file / smallProfile.files);
      const root = this.roots(layer).fileRoots[file % smallProfile.files] as Uint8Array;
      const path = this.tree.path(file, this.elements(layer), audit.state.rear);
      return answerIdleFile(audit, file, { root, path }, this.fileSource(file));
    });
  }

  total(answers: readonly Uint8Array[]): Uint8Array {
    return idleAuditTotal(this.audit, answers);
  }

  answer(answers: readonly Uint8Array[]) {
    const total = this.total(answers);
    return this.world.send(worker, this.world.builtins.idle, "idle.answer", { miner: this.miner, total });
  }

  opened(answers: readonly Uint8Array[], index: number): OpenedIdleAnswer {
    const { audit } = this;
    const seed = idleAuditSeed(audit);
    const tree = new IdleRangeTree(1);
    answers.forEach((answer, i) => {
      tree.append([idleAnswerHash(seed, i, answer)]);
    });
    const answer = answers[index] as Uint8Array;
    return {
      index,
      answer,
      path: tree.path(index, [idleAnswerHash(seed, index, answer)]),
      answers: extendIdleAnswers(audit, emptyIdleRange, answers),
      range: this.tree.peaks(audit.state.rear),
    };
  }

  /** What the chain has drawn, with a verdict or without. */
  openings(answers: readonly Uint8Array[], hasVerdict: boolean): OpenedIdleAnswer[] {
    const { challenge } = this.record;
    assert(challenge?.answeredAt !== null && challenge !== null, "the total stands");
    const { drawDelayEpochs, openings, openingsAlone } = this.world.params.idle;
    const at = epoch(challenge.answeredAt + drawDelayEpochs);
    const randomness = testRandomness(at, idleRandomnessTags.openings, addressBytes(this.miner));
    const count = hasVerdict ? openings : openingsAlone;
    const drawn = drawnIdleAnswers(this.audit, this.total(answers), randomness, count);
    return drawn.map((index) => this.opened(answers, index));
  }

  verdict(
    answers: readonly Uint8Array[],
    by = this.seated(this.audit.randomness)[0],
    validUntil = epoch(10_000),
  ): SignedIdleVerdict {
    assert(by !== undefined, "somebody has a seat");
    const verdict = {
      verifier: by.address,
      audit: idleAuditSeed(this.audit),
      total: this.total(answers),
      validUntil,
    };
    return { verdict, signature: signRecoverable(by.privateKey, idleVerdictBytes(verdict, testNetworkId)) };
  }

  settle(verdict: SignedIdleVerdict | null, openings: readonly OpenedIdleAnswer[]) {
    const given = { miner: this.miner, verdict, openings };
    return this.world.send(worker, this.world.builtins.idle, "idle.settle", given);
  }

  /** Lets time pass until a challenge is drawn. */
  untilChallenged(): void {
    for (let i = 0; this.record.challenge?.at !== this.world.height; i += 1) {
      assert(i < 60, "a lot is drawn every few epochs");
      this.world.mineTo(this.world.height + 1);
    }
  }

  drawOpenings(): void {
    this.world.mineTo(this.world.height + this.world.params.idle.drawDelayEpochs);
  }
}

export function accountOf(address: Address): Account {
  const found = verifiers.find((verifier) => verifier.address === address);
  assert(found !== undefined, "it is a verifier of the tests");
  return found;
}

/** A miner with a deposit and nothing yet. */
export function registered(world = idleWorld(), deposit = filToAtto(5)): IdleSpace {
  const miner = createMiner(world);
  const { idle } = world.builtins;
  const { exitCode, text } = world.send(worker, idle, "idle.register", { miner }, { value: deposit });
  assert(exitCode === 0, text);
  return new IdleSpace(world, miner);
}

/** A miner with one certified set. */
export function filled(params: Partial<IdleParams> = {}): IdleSpace {
  const space = registered(idleWorld(params));
  space.fill(smallProfile.keptLayers);
  return space;
}
