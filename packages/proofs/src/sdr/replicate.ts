/**
 * Sealing and extracting for our networks: the checks of what comes in, and what the chain calls the results.
 */
import { proofsErrors } from "../errors.ts";
import { isFr } from "../field/index.ts";
import { nodeBytes } from "../merkle/index.ts";
import type { BindSector, MaskedKind, SealOutcome, SectorIdentity } from "../porep/index.ts";
import type { SealInput, SealStore } from "../seal-io/index.ts";
import type { Steps } from "../steps/index.ts";
import { sdrGraphOf, sdrReplicaIdOf } from "./identity.ts";
import type { SdrProfile } from "./params.ts";
import { sdrCommR } from "./sealed.ts";
import { sdrLastLabels, sealSdrData, subtractLabels } from "./sealing.ts";

/**
 * Seals the padded data that `input` gives. Throws proofs/not-padded, what `bind` throws, errors of input and store.
 */
export function* sealSdrSector(
  profile: SdrProfile,
  bind: BindSector,
  input: SealInput,
  store: SealStore,
): Steps<SealOutcome> {
  const sealed = yield* sealSdrData(
    profile,
    (commD) => {
      const identity = bind(commD);
      const replicaId = sdrReplicaIdOf(profile, identity);
      return { replicaId, graph: sdrGraphOf(identity.networkId, profile) };
    },
    input,
    store,
  );
  const { commD, commC, commRLast } = sealed;
  return { commD, commR: commRLast, commRStar: sdrCommR(commC, commRLast) };
}

/**
 * The padded data of a replica: labels are computed again and subtracted. Whether it is the data that was
 * sealed shows its commitment. Throws proofs/bad-length, proofs/not-a-replica.
 */
export function* extractSdr(
  profile: SdrProfile,
  identity: SectorIdentity,
  replica: Uint8Array,
): Steps<Uint8Array> {
  const expected = profile.sectorBytes;
  if (replica.length !== expected) {
    throw proofsErrors.badLength({ what: "the replica", length: replica.length, expected });
  }
  checkReplica(replica, 0);
  const labels = yield* sdrSectorLabels(profile, identity);
  const data = new Uint8Array(replica); // not slice(): on a Buffer of Node that is a view
  subtractLabels(data, labels);
  yield 1;
  return data;
}

/** What was added to the data of a sector: the labels of its last layer. */
function* sdrSectorLabels(profile: SdrProfile, identity: SectorIdentity): Steps<Uint8Array> {
  const replicaId = sdrReplicaIdOf(profile, identity);
  return yield* sdrLastLabels(sdrGraphOf(identity.networkId, profile), replicaId, profile.layers);
}

/** How a part of a sector is extracted: all labels are computed, whatever the part. */
export function sdrMask(profile: SdrProfile, identity: SectorIdentity): MaskedKind {
  return {
    mask: () => sdrSectorLabels(profile, identity),
    unmask: (nodes, labels, firstNode) => {
      checkReplica(nodes, firstNode);
      subtractLabels(nodes, labels);
    },
  };
}

/** Throws proofs/not-a-replica. */
function checkReplica(nodes: Uint8Array, firstNode: number): void {
  for (let at = 0; at < nodes.length; at += nodeBytes) {
    if (!isFr(nodes.subarray(at, at + nodeBytes))) {
      throw proofsErrors.notAReplica({ node: firstNode + at / nodeBytes });
    }
  }
}
