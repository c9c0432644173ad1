/**
 * Sealing and extracting for our networks: the checks of what comes in, and what the chain calls the results.
 */
import { equalBytes, toHex } from "@holdfast/base";
import { proofsErrors } from "../errors.ts";
import { isFr } from "../field/index.ts";
import { type Commitment, nodeBytes, serializeTree } from "../merkle/index.ts";
import { type SealedReplica, type SectorIdentity, type Steps, topByteMask } from "../porep/index.ts";
import { sdrGraphOf, sdrReplicaIdOf } from "./identity.ts";
import type { SdrProfile } from "./params.ts";
import { parseSdrAux, sdrCommR } from "./sealed.ts";
import { sealData, unsealSteps } from "./sealing.ts";

function checkLength(what: string, bytes: Uint8Array, { sectorBytes: expected }: SdrProfile): void {
  if (bytes.length !== expected) throw proofsErrors.badLength({ what, length: bytes.length, expected });
}

function checkPadded(data: Uint8Array): void {
  for (let at = nodeBytes - 1; at < data.length; at += nodeBytes) {
    if ((data[at] as number) > topByteMask) {
      throw proofsErrors.notPadded({ node: (at + 1) / nodeBytes - 1 });
    }
  }
}

/**
 * Seals `data` (Fr32-padded, exactly sectorBytes). Throws proofs/bad-length, proofs/not-padded,
 * proofs/comm-d-mismatch.
 */
export function* replicateSdr(
  profile: SdrProfile,
  identity: SectorIdentity,
  data: Uint8Array,
): Steps<SealedReplica> {
  checkLength("the sector's data", data, profile);
  checkPadded(data);
  const replicaId = sdrReplicaIdOf(profile, identity);
  const bind = (commD: Commitment): Uint8Array => {
    if (equalBytes(commD, identity.commD)) return replicaId;
    throw proofsErrors.commDMismatch({ expected: toHex(identity.commD), found: toHex(commD) });
  };
  const graph = sdrGraphOf(identity.networkId, profile);
  const aux = yield* sealData(profile, graph, data, bind);
  const { columns, replica } = parseSdrAux(profile, aux);
  return {
    replica: replica.leaves.slice(),
    commR: replica.root,
    commRStar: sdrCommR(columns.root, replica.root),
    aux,
    replicaTree: serializeTree(replica),
  };
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
  checkLength("the replica", replica, profile);
  for (let node = 0; node < profile.nodes; node += 1) {
    const bytes = replica.subarray(node * nodeBytes, (node + 1) * nodeBytes);
    if (!isFr(bytes)) throw proofsErrors.notAReplica({ node });
  }
  const replicaId = sdrReplicaIdOf(profile, identity);
  const graph = sdrGraphOf(identity.networkId, profile);
  return yield* unsealSteps(graph, replicaId, profile.layers, replica);
}
