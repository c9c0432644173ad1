/**
 * The protocol of the hardened profile: a kept layer comes in, a terabyte is audited, files are released, by miner,
 * verifier and chain. The layer is made really (of the profile with small files); the terabyte is one real file of each
 * profile at its real size, which stands for all, for elements hold the file's number.
 */
import { randomBytes } from "node:crypto";
import { encode, epoch, seedAddress } from "@holdfast/base";
import {
  answerIdleFile,
  emptyIdleRange,
  generateIdleSets,
  type IdleAudit,
  IdleAuditor,
  type IdleBatch,
  type IdleCommitSource,
  type IdleProfile,
  IdleRangeTree,
  type IdleState,
  idleAppendCodec,
  idleAppendDigest,
  idleAppendSeed,
  idleAppendStatement,
  idleAuditFiles,
  idleAuditTotal,
  idleBatchCodec,
  idleFileBytes,
  idleFilesPerSet,
  idleFileTree,
  idleLayerElements,
  idleProfiles,
  idleRangeRoot,
  idleReleaseCodec,
  idleStateCodec,
  idleStateDigest,
  maxBatchAnswers,
  narrowIdleCommit,
  nextIdleLayer,
  proveIdleCommit,
  runSteps,
  startIdleState,
  verifyIdleAppend,
  verifyIdleCommit,
  verifyIdleRelease,
} from "@holdfast/proofs";
import type { Figure } from "../figure.ts";
import { type Timed, timed } from "../measure.ts";
import { Made } from "./space.ts";

const networkId = new Uint8Array(32).fill(1);
const miner = seedAddress(1, "idle");
const nonce = new Uint8Array(32).fill(2);
const randomness = new Uint8Array(32).fill(7);
const terabyte = 2 ** 40;
/** What is too quick to be measured once. */
const releases = 2_000;
const looks = 50;
/** Of the width of a profile for value, whose layer is minutes of work: paths are seven hashes shorter. */
const narrowing = 128;
/** Positions that the chain looks at itself, and answers, as networks of one machine have it. */
const commitOpenings = 2;

const ms = (name: string, { cpuS }: Pick<Timed<unknown>, "cpuS">, note?: string): Figure => ({
  ...{ name, value: 1_000 * cpuS, unit: "ms" },
  ...(note === undefined ? {} : { note }),
});
const size = (name: string, length: number, note?: string): Figure => ({
  ...{ name, value: length / 1e3, unit: "KB" },
  ...(note === undefined ? {} : { note }),
});

class Layer extends Made {
  source(): IdleCommitSource {
    const none = new Uint8Array(0);
    return {
      labels: (layer, low, count) => (this.layers[layer - 1] ?? none).subarray(32 * low, 32 * (low + count)),
      aux: (file) => this.aux[file] ?? none,
    };
  }
}

/** A kept layer, from the miner to the chain. */
function inserted(profile: IdleProfile, called = profile.id): readonly Figure[] {
  const state = startIdleState({ networkId, miner, profile: profile.id, nonce });
  const { identity } = nextIdleLayer(state, profile);
  const layer = new Layer();
  runSteps(generateIdleSets({ ...profile, keptLayers: 1 }, [{ identity, sink: layer }]));
  const { roots } = layer;
  if (roots === undefined) return [];
  const before = idleStateDigest(state);
  const append = { before, range: emptyIdleRange, roots, under: null, validUntil: epoch(500) };
  const asked = { append: idleAppendDigest(append), height: epoch(1), nonce, validUntil: epoch(500) };
  const statement = idleAppendStatement(state, profile, append, idleAppendSeed(asked, randomness));
  const proof = timed(() => runSteps(proveIdleCommit(statement, layer.source())));
  const given = { state, profile, append, challenge: asked, randomness, height: 2 };
  const judged = timed(() => verifyIdleAppend(given, proof.result));
  const shown = narrowIdleCommit(statement, proof.result, commitOpenings);
  const few = { ...profile, commitChallenges: commitOpenings };
  const looked = timed(() => {
    for (let i = 0; i < looks; i += 1) {
      if (!verifyIdleCommit({ ...statement, profile: few }, shown)) return false;
    }
    return true;
  });
  if ("refused" in judged.result || !looked.result) return [];
  const what = `a kept layer of ${called}`;
  return [
    ms(`${what} is proven`, proof, `${(profile.files * idleFileBytes(profile)) / 2 ** 20} MiB of files`),
    ms("a verifier judges it", judged),
    size("its proof", proof.result.length),
    ms("the chain looks at it itself", { cpuS: looked.cpuS / looks }, `${commitOpenings} positions`),
    size("what the message shows of it", shown.length + encode(idleAppendCodec, append).length),
  ];
}

interface Claimed {
  readonly profile: IdleProfile;
  readonly state: IdleState;
  readonly tree: IdleRangeTree;
  readonly labels: Uint8Array;
  readonly aux: Uint8Array;
  readonly roots: readonly Uint8Array[];
}

/** A terabyte of one file. */
function claimed(profile: IdleProfile): Claimed {
  const labels = randomBytes(idleFileBytes(profile));
  const { root, aux } = idleFileTree(labels);
  const roots = Array.from({ length: profile.files }, () => root);
  const tree = new IdleRangeTree(profile.files);
  const layers = Math.ceil(terabyte / (profile.files * idleFileBytes(profile)));
  const claim = { profile, tree, labels, aux, roots };
  for (let layer = 0; layer < layers; layer += 1) tree.append(elementsOf(claim, layer));
  const start = startIdleState({ networkId, miner, profile: profile.id, nonce });
  const rear = tree.leaves;
  return { ...claim, state: { ...start, rear, root: idleRangeRoot(tree.peaks()) } };
}

function elementsOf({ profile, roots }: Pick<Claimed, "profile" | "roots">, layer: number) {
  const set = Math.floor((layer * profile.files) / idleFilesPerSet(profile));
  return idleLayerElements(profile, { networkId, miner, nonce, set }, layer * profile.files, roots);
}

function answersOf(audit: IdleAudit, claim: Claimed, onRead: (bytes: number) => void): Uint8Array[] {
  const { profile, tree, labels, aux, roots, state } = claim;
  const source = {
    aux,
    labels: (low: number, count: number) => {
      onRead(32 * count);
      return labels.subarray(32 * low, 32 * (low + count));
    },
  };
  return idleAuditFiles(audit).map((file) => {
    const layer = Math.floor(file / profile.files);
    const path = tree.path(file, elementsOf(claim, layer), state.rear);
    onRead(aux.length);
    return answerIdleFile(audit, file, { root: roots[0] as Uint8Array, path }, source);
  });
}

function audited(profile: IdleProfile, files: number): readonly Figure[] {
  const claim = claimed(profile);
  const { state, tree } = claim;
  const audit: IdleAudit = { state, profile, randomness, files };
  let readBytes = 0;
  const answers = timed(() => answersOf(audit, claim, (bytes) => (readBytes += bytes)));
  const range = tree.peaks();
  const batches: IdleBatch[] = [];
  for (let left = 0; left < answers.result.length; left += maxBatchAnswers) {
    const part = answers.result.slice(left, left + maxBatchAnswers);
    batches.push({ left, right: left + part.length, range, answers: part });
  }
  const judged = timed(() => {
    const auditor = new IdleAuditor(audit);
    return batches.reduce<ReturnType<IdleAuditor["take"]>>(
      (before, batch) => before && auditor.take(before, batch),
      emptyIdleRange,
    );
  });
  const total = timed(() => idleAuditTotal(audit, answers.result));
  const release = { before: idleStateDigest(state), count: 8, validUntil: epoch(9) };
  const released = timed(() => {
    for (let i = 0; i < releases; i += 1) if ("refused" in verifyIdleRelease(state, release, 1)) return false;
    return true;
  });
  if (judged.result === undefined || !released.result) return [];
  const largest = Math.max(...batches.map((batch) => encode(idleBatchCodec, batch).length));
  const what = `${files} files of 1 TiB of ${profile.id}`;
  return [
    ms(`${what} are answered`, answers, "one thread; the disk is left out"),
    { name: "read for it", value: readBytes / 1e6, unit: "MB" },
    ms("its total", total),
    ms("a verifier judges all answers", judged),
    size("what it has in memory meanwhile", largest, "one batch; of a miner it keeps nothing"),
    size(
      "all answers",
      answers.result.reduce((sum, { length }) => sum + length, 0),
    ),
    { name: "the miner's range", value: tree.bytes / 1e6, unit: "MB", note: "in memory" },
    {
      name: "8 files are released",
      value: (1e6 * released.cpuS) / releases,
      unit: "µs",
      note: "the chain's check",
    },
    size("the message", encode(idleReleaseCodec, release).length),
    size("the miner's state on the chain", encode(idleStateCodec, state).length),
  ];
}

const profileOf = (id: string): IdleProfile => {
  const found = idleProfiles.get(id);
  if (found === undefined) throw new RangeError(`there is no profile ${id}`);
  return found;
};

export function hardenedFigures(quick: boolean, say: (text: string) => void): readonly Figure[] {
  say("a kept layer comes in");
  const figures = [...inserted(profileOf("idle-1MiB"))];
  if (!quick) {
    const wide = profileOf("idle-64MiB");
    const narrow = { ...wide, fileNodes: wide.fileNodes / narrowing };
    figures.push(...inserted(narrow, `${wide.id}, at a ${narrowing}th of its width,`));
  }
  for (const id of quick ? ["idle-1MiB"] : ["idle-1MiB", "idle-64MiB", "idle-64MiB-wide"]) {
    say(`a terabyte of ${id} is audited`);
    figures.push(...audited(profileOf(id), 256));
  }
  return figures;
}
