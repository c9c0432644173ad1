/**
 * What the chain looks at itself of idle space: answers of an audit that it has drawn, and positions of a kept layer
 * that a verifier has certified. A tebibyte is one real file, which stands for all: elements hold the file's number.
 */
import { randomBytes } from "node:crypto";
import { blake2b256, epoch, seedAddress, utf8Bytes } from "@holdfast/base";
import { type NetworkParams, proofGas } from "@holdfast/consensus";
import {
  answerIdleFile,
  drawnIdleAnswers,
  emptyIdleRange,
  extendIdleAnswers,
  generateIdleSets,
  type IdleAudit,
  IdleAuditor,
  type IdleProfile,
  IdleRangeTree,
  idleAnswerHash,
  idleAppendDigest,
  idleAppendSeed,
  idleAppendStatement,
  idleAuditFiles,
  idleAuditSeed,
  idleAuditTotal,
  idleFileBytes,
  idleFilesPerSet,
  idleFileTree,
  idleLayerElements,
  idleProfiles,
  idleRangeRoot,
  idleStateDigest,
  narrowIdleCommit,
  nextIdleLayer,
  type OpenedIdleAnswer,
  proveIdleCommit,
  runSteps,
  startIdleState,
  verifyIdleCommit,
} from "@holdfast/proofs";
import { Made } from "../benches/space.ts";
import type { ProofProbe } from "./proofs.ts";

const nothing = new Uint8Array(0);
const zeros = new Uint8Array(32);
const hash = (text: string): Uint8Array => blake2b256(utf8Bytes(text));
const miner = seedAddress(1, "gas bench");
const identity = { networkId: hash("network"), miner, nonce: zeros };
const tebibyte = 2 ** 40;

function profileOf(id: string): IdleProfile {
  const found = idleProfiles.get(id);
  if (found === undefined) throw new RangeError(`there is no profile ${id}`);
  return found;
}

/** Answers about a tebibyte, of which one file is there: elements hold the file's number, so it stands for all. */
function openedAnswers(profile: IdleProfile, openings: number) {
  const labels = randomBytes(idleFileBytes(profile));
  const { root, aux } = idleFileTree(labels);
  const roots = Array.from({ length: profile.files }, () => root);
  const tree = new IdleRangeTree(profile.files);
  const elementsOf = (layer: number) => {
    const set = Math.floor((layer * profile.files) / idleFilesPerSet(profile));
    return idleLayerElements(profile, { ...identity, set }, layer * profile.files, roots);
  };
  const layers = Math.ceil(tebibyte / (profile.files * idleFileBytes(profile)));
  for (let layer = 0; layer < layers; layer += 1) tree.append(elementsOf(layer));
  const start = startIdleState({ ...identity, profile: profile.id });
  const state = { ...start, rear: tree.leaves, root: idleRangeRoot(tree.peaks()) };
  const audit: IdleAudit = { state, profile, randomness: hash("randomness"), files: 256 };
  const source = {
    aux,
    labels: (low: number, count: number) => labels.subarray(32 * low, 32 * (low + count)),
  };
  const answers = idleAuditFiles(audit).map((file) => {
    const path = tree.path(file, elementsOf(Math.floor(file / profile.files)), state.rear);
    return answerIdleFile(audit, file, { root, path }, source);
  });
  const total = idleAuditTotal(audit, answers);
  const seed = idleAuditSeed(audit);
  const hashes = answers.map((answer, index) => idleAnswerHash(seed, index, answer));
  const under = new IdleRangeTree(1);
  for (const one of hashes) under.append([one]);
  const all = extendIdleAnswers(audit, emptyIdleRange, answers);
  const opened = drawnIdleAnswers(audit, total, hash("draw"), openings).map((index): OpenedIdleAnswer => {
    const [answer, one] = [answers[index] ?? nothing, hashes[index] ?? nothing];
    return { index, answer, path: under.path(index, [one]), answers: all, range: tree.peaks() };
  });
  return { audit, total, opened };
}

function openingProbes({ gas }: NetworkParams): ProofProbe[] {
  return ["idle-1MiB", "idle-64MiB"].map((id) => {
    const { audit, total, opened } = openedAnswers(profileOf(id), 4);
    const length = opened.reduce((sum, { answer }) => sum + answer.length, 0);
    return {
      name: `${opened.length} openings of 1 TiB of ${id}, ${length} bytes`,
      price: "postKib",
      gas: opened.reduce((sum, { answer }) => sum + proofGas(gas, "post", answer.length, { sectors: 1 }), 0),
      verify(): boolean {
        const auditor = new IdleAuditor(audit);
        return opened.every((one) => auditor.isOpened(total, one));
      },
    };
  });
}

class Layer extends Made {
  source() {
    return {
      labels: (layer: number, low: number, count: number) =>
        (this.layers[layer - 1] ?? nothing).subarray(32 * low, 32 * (low + count)),
      aux: (file: number) => this.aux[file] ?? nothing,
    };
  }
}

/** What the chain looks at itself of a kept layer that a verifier has certified. */
function commitProbe({ gas }: NetworkParams, profile: IdleProfile, openings: number): ProofProbe {
  const state = startIdleState({ ...identity, profile: profile.id });
  const layer = new Layer();
  const { identity: made } = nextIdleLayer(state, profile);
  runSteps(generateIdleSets({ ...profile, keptLayers: 1 }, [{ identity: made, sink: layer }]));
  const { roots } = layer;
  if (roots === undefined) throw new RangeError("a set has kept layers");
  const append = {
    ...{ before: idleStateDigest(state), range: emptyIdleRange, roots, under: null },
    validUntil: epoch(500),
  };
  const asked = { append: idleAppendDigest(append), height: epoch(1), nonce: zeros, validUntil: epoch(500) };
  const statement = idleAppendStatement(state, profile, append, idleAppendSeed(asked, hash("randomness")));
  const proof = runSteps(proveIdleCommit(statement, layer.source()));
  const shown = narrowIdleCommit(statement, proof, openings);
  const few = { ...statement, profile: { ...profile, commitChallenges: openings } };
  return {
    name: `${openings} positions of a kept layer of ${profile.id}, ${shown.length} bytes`,
    price: "postKib",
    gas: proofGas(gas, "post", shown.length),
    verify: () => verifyIdleCommit(few, shown),
  };
}

export function idleProbes(params: NetworkParams): readonly ProofProbe[] {
  return [...openingProbes(params), commitProbe(params, profileOf("idle-1MiB"), 2)];
}
