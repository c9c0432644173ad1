/** One miner's idle space as a miner, a verifier and a chain see it, over small sets in memory. */
import { epoch } from "@holdfast/base";
import {
  answerIdleFile,
  appendIdleLayer,
  type IdleAppend,
  type IdleAppendChallenge,
  type IdleAudit,
  IdleRangeTree,
  type IdleState,
  idleAppendSeed,
  idleAppendStatement,
  idleAuditFiles,
  idleLayerElements,
  idleStateDigest,
  nextIdleLayer,
  proveIdleCommit,
  releaseIdleFiles,
  runSteps,
  startIdleState,
} from "@holdfast/proofs";
import { type IdleMemory, idleIdentity, makeIdle, smallIdle } from "./idle-fixtures.ts";

export const profile = smallIdle;
const { networkId, miner, nonce } = idleIdentity;
const registration = { networkId, miner, nonce, profile: profile.id };
const sets = [0, 1].map((set) => makeIdle(profile, { ...idleIdentity, set }));
const setOf = (set: number): IdleMemory => sets[set] as IdleMemory;
export const until = epoch(100);

export class Space {
  state: IdleState = startIdleState(registration);
  readonly tree = new IdleRangeTree(profile.files);

  request(): IdleAppend {
    const { identity, keptLayer } = nextIdleLayer(this.state, profile);
    const { kept } = setOf(identity.set);
    const own = kept[keptLayer];
    const under = kept[keptLayer - 1];
    if (own === undefined) throw new Error("no such layer");
    return {
      before: idleStateDigest(this.state),
      range: this.tree.peaks(),
      roots: own.roots,
      under: under && keptLayer > 0 ? { ...under.roots, previous: new Uint8Array(32) } : null,
      validUntil: until,
    };
  }

  proof(append: IdleAppend, challenge: IdleAppendChallenge, randomness: Uint8Array): Uint8Array {
    const { identity, keptLayer } = nextIdleLayer(this.state, profile);
    const seed = idleAppendSeed(challenge, randomness);
    return runSteps(
      proveIdleCommit(
        idleAppendStatement(this.state, profile, append, seed),
        setOf(identity.set).source(keptLayer),
      ),
    );
  }

  grow(): void {
    const append = this.request();
    const change = appendIdleLayer(this.state, append.range, profile, append.roots);
    if ("refused" in change) throw new Error(change.refused);
    const { identity } = nextIdleLayer(this.state, profile);
    this.tree.append(idleLayerElements(profile, identity, this.state.rear, append.roots.fileRoots));
    this.state = change.state;
  }

  shrink(count: number): void {
    const change = releaseIdleFiles(this.state, count);
    if ("refused" in change) throw new Error(change.refused);
    this.state = change.state;
    this.tree.forget(this.state.front);
  }

  answers(audit: IdleAudit): Uint8Array[] {
    return idleAuditFiles(audit).map((file) => {
      const memory = setOf(Math.floor(file / 8));
      const layer = Math.floor((file % 8) / 4);
      const roots = memory.kept[layer]?.roots.fileRoots ?? [];
      const elements = idleLayerElements(profile, memory.identity, file - (file % 4), roots);
      const path = this.tree.path(file, elements, audit.state.rear);
      return answerIdleFile(
        audit,
        file,
        { root: roots[file % 4] as Uint8Array, path },
        memory.fileSource(file),
      );
    });
  }
}

export const grown = (layers: number): Space => {
  const space = new Space();
  for (let k = 0; k < layers; k += 1) space.grow();
  return space;
};
