/** Idle space of small sets, held in memory: what a miner would have on its disk. */
import { seedAddress } from "@holdfast/base";
import {
  firstIdleFileOf,
  generateIdleSets,
  type IdleCommitSource,
  type IdleCommitStatement,
  type IdleFileSource,
  type IdleLayerRoots,
  type IdleProfile,
  type IdleSetIdentity,
  type IdleSink,
  idleFilesPerSet,
  runSteps,
} from "@holdfast/proofs";

export const smallIdle: IdleProfile = {
  id: "idle-test",
  fileNodes: 32,
  files: 4,
  keptLayers: 2,
  layers: 4,
  passes: 2,
  commitChallenges: 5,
  spaceChallenges: 3,
  productionSafe: false,
};

export const idleIdentity: IdleSetIdentity = {
  networkId: new Uint8Array(32).fill(1),
  miner: seedAddress(1, "idle"),
  nonce: new Uint8Array(32).fill(2),
  set: 3,
};

export const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

/** Everything that was made of one set. */
export class IdleMemory implements IdleSink {
  readonly profile: IdleProfile;
  readonly identity: IdleSetIdentity;
  readonly layers = new Map<string, Uint8Array>();
  readonly files = new Map<number, { readonly labels: Uint8Array; readonly aux: Uint8Array }>();
  readonly kept: { readonly roots: IdleLayerRoots; readonly commitment: Uint8Array }[] = [];

  constructor(profile: IdleProfile = smallIdle, identity: IdleSetIdentity = idleIdentity) {
    this.profile = profile;
    this.identity = identity;
  }

  layer(keptLayer: number, layer: number, labels: Uint8Array): void {
    this.layers.set(`${keptLayer} ${layer}`, labels.slice());
  }

  file(file: number, labels: Uint8Array, aux: Uint8Array): void {
    this.files.set(file, { labels: labels.slice(), aux: aux.slice() });
  }

  keptLayer(keptLayer: number, roots: IdleLayerRoots, commitment: Uint8Array): void {
    this.kept[keptLayer] = { roots, commitment };
  }

  labelsOf(keptLayer: number, layer: number): Uint8Array {
    const [own, at] = layer === 0 ? [keptLayer - 1, this.profile.layers] : [keptLayer, layer];
    return this.layers.get(`${own} ${at}`) ?? new Uint8Array(0);
  }

  statement(keptLayer: number, seed = seedOf(9)): IdleCommitStatement {
    const { profile, identity, kept } = this;
    const roots = kept[keptLayer]?.roots ?? { columnRoot: seed, fileRoots: [] };
    const under = kept[keptLayer - 1];
    const below = under && { fileRoots: under.roots.fileRoots, commitment: under.commitment };
    return { profile, identity, keptLayer, roots, seed, ...(below && { below }) };
  }

  source(keptLayer: number): IdleCommitSource {
    const first = firstIdleFileOf(this.profile, this.identity.set, keptLayer);
    return {
      labels: (layer, low, count) => this.labelsOf(keptLayer, layer).subarray(low * 32, (low + count) * 32),
      aux: (file, below) => this.fileSource(first + file - (below ? this.profile.files : 0)).aux,
    };
  }

  fileSource(file: number): IdleFileSource {
    const { labels = new Uint8Array(0), aux = new Uint8Array(0) } = this.files.get(file) ?? {};
    return { aux, labels: (low, count) => labels.subarray(low * 32, (low + count) * 32) };
  }

  /** Number, place in its kept layer and root of every file. */
  get roots(): readonly { readonly file: number; readonly root: Uint8Array }[] {
    const { profile, identity, kept } = this;
    return Array.from({ length: idleFilesPerSet(profile) }, (_none, i) => ({
      file: firstIdleFileOf(profile, identity.set, 0) + i,
      root: kept[Math.floor(i / profile.files)]?.roots.fileRoots[i % profile.files] ?? new Uint8Array(0),
    }));
  }
}

/** A set, made whole. */
export function makeIdle(profile = smallIdle, identity = idleIdentity): IdleMemory {
  const memory = new IdleMemory(profile, identity);
  runSteps(generateIdleSets(profile, [{ identity, sink: memory }]));
  return memory;
}
