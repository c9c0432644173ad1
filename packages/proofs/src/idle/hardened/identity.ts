/**
 * What idle space is bound to. The key of a set is the hash of the network, the miner, a nonce of the chain, the
 * profile and the set's number; every label hashes it. The hashes here are of fixed parts in a fixed order, each
 * under a domain of its own, so that none can be taken for another.
 */
import {
  type Address,
  addressBytes,
  assert,
  bigEndian,
  concatBytes,
  sha256,
  utf8Bytes,
} from "@holdfast/base";
import { type Commitment, nodeBytes } from "../../merkle/index.ts";
import { filesPerSet, type IdleProfile } from "./profiles.ts";

export interface IdleSetIdentity {
  /** 32 bytes that name the network. */
  readonly networkId: Uint8Array;
  readonly miner: Address;
  /** 32 bytes of chain randomness from when the miner registered: nothing can be made before. */
  readonly nonce: Uint8Array;
  /** From 0. */
  readonly set: number;
}

const setDomain = utf8Bytes("holdfast idle set 1\n");
const layerDomain = utf8Bytes("holdfast idle layer 1\n");
const elementDomain = utf8Bytes("holdfast idle file 1\n");

/** Leaves of files' trees hash this before the labels: no inner node has it as a child. */
export const fileLeafTag = sha256(utf8Bytes("holdfast idle file leaf 1\n"));
/** Leaves of column trees hash this before the labels. */
export const columnTag = sha256(utf8Bytes("holdfast idle column 1\n"));

/** The key of a set: 32 bytes. */
export function idleSetKey({ id }: Pick<IdleProfile, "id">, identity: IdleSetIdentity): Uint8Array {
  const { networkId, miner, nonce, set } = identity;
  assert(networkId.length === 32 && nonce.length === 32, "a network id and a nonce have 32 bytes");
  return sha256(
    concatBytes(setDomain, networkId, addressBytes(miner), nonce, bigEndian(set, 8), utf8Bytes(id)),
  );
}

/** Number of the first file of a kept layer among all files of a miner that are made with one nonce. */
export function firstFileOf(
  profile: Pick<IdleProfile, "files" | "keptLayers">,
  set: number,
  keptLayer: number,
): number {
  return set * filesPerSet(profile) + keptLayer * profile.files;
}

/** What a miner commits to when it has made a kept layer. */
export interface LayerRoots {
  readonly columnRoot: Commitment;
  /** One for each file, in order. */
  readonly fileRoots: readonly Commitment[];
}

/**
 * The commitment to one kept layer and, through `previous`, to all below it in its set; `previous` is 32 zero
 * bytes for the lowest.
 */
export function layerCommitment(
  key: Uint8Array,
  keptLayer: number,
  { columnRoot, fileRoots }: LayerRoots,
  previous: Commitment,
): Commitment {
  const parts = [key, bigEndian(keptLayer, 4), columnRoot, bigEndian(fileRoots.length, 4), ...fileRoots];
  assert(
    [columnRoot, previous, ...fileRoots].every((root) => root.length === nodeBytes),
    "roots have 32 bytes",
  );
  return sha256(concatBytes(layerDomain, ...parts, previous));
}

/** What stands for one file in the commitment to all files of a miner: its set, its number and its root. */
export function fileElement(key: Uint8Array, file: number, root: Commitment): Commitment {
  assert(key.length === 32 && root.length === nodeBytes, "a key and a root have 32 bytes");
  return sha256(concatBytes(elementDomain, key, bigEndian(file, 8), root));
}
