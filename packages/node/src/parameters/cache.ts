/**
 * The parameter cache of this machine: made once, reused by every network whose circuits are the same. What is
 * loaded has been checked against the digests of its `.meta` file; what fails is put aside and counts as missing.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { equalBytes, type Json, toHex } from "@holdfast/base";
import {
  decodeProvingKey,
  encodeVerifyingKey,
  findProfile,
  type ParameterFileKind,
  type ProvingKey,
  parameterFileName,
} from "@holdfast/proofs";
import { paramsErrors } from "./errors.ts";
import { digestsOfFile, makeFolder, putAside, readIfThere, removeUnfinished } from "./files.ts";
import { withLocks } from "./locks.ts";
import type { CircuitName, MadeSet, MakeRequest } from "./make-work.ts";
import type { ParameterHooks, ParametersNeeds } from "./needs.ts";
import { listSets, type ParameterSet, readSet, statedDigests } from "./sets.ts";
import type { VerifiedSet, VerifyRequest } from "./verify-work.ts";

export interface MakeOptions extends ParameterHooks {
  /** Names of those who contribute; none: one party makes them, who could forge proofs. */
  readonly contributors?: readonly string[];
  /** Public randomness at the end of each phase, in hex. */
  readonly beacon?: string;
}

export interface ParameterCache {
  readonly folder: string;
  /** The proving key of an id, or undefined if it is not there, or not what it should be. */
  load(id: string): Promise<ProvingKey | undefined>;
  /** The encoded verifying key of an id, or undefined. */
  loadVerifyingKey(id: string): Promise<Uint8Array | undefined>;
  /** The proving key that belongs to an encoded verifying key: a `ProvingKeySource`. */
  find(verifyingKey: Uint8Array): Promise<ProvingKey | undefined>;
  /**
   * Makes what is missing, on a thread of its own; other processes that want the same wait. Errors `proofs/…`,
   * `params/…`, and the signal's reason.
   */
  make(wanted: readonly CircuitName[], options?: MakeOptions): Promise<readonly MadeSet[]>;
  list(): Promise<readonly ParameterSet[]>;
  /**
   * Checks a set, on a thread of its own: digests, circuit, every point, transcript. Errors `params/unknown`,
   * `params/not-proven`.
   */
  verify(id: string, hooks?: ParameterHooks): Promise<VerifiedSet>;
}

export function openCache(folder: string, needs: ParametersNeeds): ParameterCache {
  const load = async (id: string): Promise<ProvingKey | undefined> => {
    const bytes = await loadFile(folder, id, "params");
    const key = bytes && decodeProvingKey(bytes.content);
    return key && toHex(key.circuitDigest) === bytes.set.meta.r1csDigest ? key : undefined;
  };
  return {
    folder,
    load,
    loadVerifyingKey: async (id) => (await loadFile(folder, id, "vk"))?.content,
    async find(verifyingKey) {
      const sha256 = createHash("sha256").update(verifyingKey).digest("hex");
      const set = (await listSets(folder)).find(({ meta }) => meta.vk.sha256 === sha256);
      const key = set && (await load(set.id));
      // The `.meta` file says which keys belong together; the key itself is what counts.
      const own = key && encodeVerifyingKey(key.verifyingKey);
      return own !== undefined && equalBytes(own, verifyingKey) ? key : undefined;
    },
    make: (wanted, options = {}) => make(folder, needs, wanted, options),
    list: () => listSets(folder),
    verify: (id, hooks = {}) =>
      needs.runThread<VerifyRequest, VerifiedSet>(
        new URL("./verify-work.ts", import.meta.url),
        { folder, id },
        threadHooks(hooks),
      ),
  };
}

/** A file of a set whose digests are those of `.meta`. */
async function loadFile(
  folder: string,
  id: string,
  kind: ParameterFileKind,
): Promise<{ readonly set: ParameterSet; readonly content: Uint8Array } | undefined> {
  const set = await readSet(folder, id);
  const stated = set && statedDigests(set.meta, kind);
  const path = join(folder, parameterFileName(id, kind));
  if (set === undefined || stated === undefined || !set.files.some((file) => file.kind === kind)) {
    return undefined;
  }
  const { blake2b256, sha256, sizeBytes } = await digestsOfFile(path);
  if (blake2b256 !== stated.blake2b256 || sha256 !== stated.sha256 || sizeBytes !== stated.sizeBytes) {
    await putAside(path);
    return undefined;
  }
  const content = await readIfThere(path);
  return content && { set, content };
}

async function make(
  folder: string,
  { lock, runThread }: ParametersNeeds,
  wanted: readonly CircuitName[],
  { contributors = [], beacon, ...hooks }: MakeOptions,
): Promise<readonly MadeSet[]> {
  for (const { profile } of wanted)
    if (findProfile(profile) === undefined) throw paramsErrors.noProfile({ profile });
  await makeFolder(folder);
  const names = wanted.map(({ profile, use }) => `make-${profile}-${use}`);
  const request: MakeRequest = { folder, wanted, contributors, ...(beacon === undefined ? {} : { beacon }) };
  return withLocks({ folder, lock }, names, hooks, async () => {
    try {
      const module = new URL("./make-work.ts", import.meta.url);
      return await runThread<MakeRequest, readonly MadeSet[]>(module, request, threadHooks(hooks));
    } finally {
      await removeUnfinished(folder); // a thread that was stopped had no time for it
    }
  });
}

function threadHooks({ signal, progress }: ParameterHooks) {
  return {
    ...(signal && { signal }),
    progress(report: Json) {
      const { what, doneRatio } = report as { readonly what: string; readonly doneRatio: number };
      progress?.(what, doneRatio);
    },
  };
}
