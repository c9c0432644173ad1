/**
 * The protocol of the compatibility profile at the public network's sizes, one thread: a set of 256 files is added to
 * the accumulator, files are deleted, a set is audited. One real file stands on the disk for all 256, so that what is
 * read is counted and hashed as it would be; the accumulator does not know the difference, for elements hold the
 * file's number. Proofs of commits are made at n = 16,384, where a path is six hashes shorter.
 */
import { randomBytes } from "node:crypto";
import { readSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installNativeKernels } from "@holdfast/node";
import {
  type CessFile,
  CessPrimes,
  type CessRange,
  type CessSet,
  cessBasis,
  cessCommitChallenge,
  cessCommits,
  cessDenseRows,
  cessElement,
  cessFileOf,
  cessKeptRows,
  cessLabelBytes,
  cessRootOfFile,
  cessSetSteps,
  cessShape,
  cessSpaceChallenge,
  deleteCessElements,
  emptyCessLevels,
  encodeCessCommitProof,
  encodeCessDeletionProof,
  encodeCessInsertProof,
  encodeCessSpaceProof,
  insertCessElements,
  proveCessCommit,
  proveCessSpace,
  rsa2048,
  runSteps,
  verifyCessCommit,
  verifyCessDelete,
  verifyCessInsert,
  verifyCessSpace,
} from "@holdfast/proofs";
import type { Bench, Figure } from "../figure.ts";
import { type Timed, timed } from "../measure.ts";
import { hardenedFigures } from "./idle-hardened.ts";

const minerId = new Uint8Array(32).fill(5);
const files = 256;
const deleted = 8;
const seed = new Uint8Array(32).fill(7);
const key = { modulus: rsa2048.modulus, base: 65_537n ** 2n };

const seconds = (name: string, { cpuS }: Timed<unknown>, more: Partial<Figure> = {}): Figure => ({
  name,
  value: cpuS,
  unit: "s",
  ...more,
});

const size = (name: string, bytes: Uint8Array): Figure => ({ name, value: bytes.length / 1e3, unit: "KB" });

/** Recorded of the public Go program on another machine. */
const recorded = (value: number) => ({ peer: { name: "CESS in Go (recorded on another machine)", value } });

interface OnDisk extends AsyncDisposable {
  readonly file: CessFile;
  readonly root: Uint8Array;
  readBytes: number;
}

/** A file of 64 MiB with its rows, read as asked. */
async function fileOnDisk(): Promise<OnDisk> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const labels = randomBytes(cessShape.nodes * cessLabelBytes);
  const rows = cessDenseRows(cessShape.nodes);
  const kept = cessKeptRows(labels, rows);
  const handle = await open(join(folder, "file"), "w+");
  await handle.write(labels);
  await handle.write(kept);
  const inMemory = cessFileOf(labels, rows, kept);
  const starts = new Map(
    rows.map((nodes, i) => [nodes, rows.slice(0, i).reduce((sum, one) => sum + one, 0)]),
  );
  const read = (at: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    readSync(handle.fd, bytes, 0, length, at);
    disk.readBytes += length;
    return bytes;
  };
  const disk: OnDisk = {
    readBytes: 0,
    root: cessRootOfFile(inMemory),
    file: {
      nodes: cessShape.nodes,
      rows,
      labels: (low, count) => read(low * cessLabelBytes, count * cessLabelBytes),
      row: (nodes, low, count) => read(labels.length + 32 * ((starts.get(nodes) ?? 0) + low), 32 * count),
    },
    [Symbol.asyncDispose]: async () => {
      await handle.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return disk;
}

async function auditing(say: (text: string) => void): Promise<readonly Figure[]> {
  say("a file of 64 MiB");
  await using disk = await fileOnDisk();
  const basis = cessBasis(key, new CessPrimes());
  const elements = Array.from({ length: files }, (_none, i) => cessElement(minerId, i + 1, disk.root));
  say("a set is added");
  const empty = emptyCessLevels(basis);
  const start = { root: empty.root, front: 0, rear: 0 };
  const added = timed(() => insertCessElements(empty, elements));
  const { levels, update } = added.result;
  const known = timed(() => insertCessElements(empty, elements));
  const taken = timed(() => verifyCessInsert(basis, start, elements, update));
  const fileIndexes = elements.map((_element, i) => i + 1);

  say("files are deleted");
  const few = elements.slice(0, deleted);
  const removed = timed(() => deleteCessElements(levels, deleted));
  const roots = few.map(() => disk.root);
  const gone = timed(() => verifyCessDelete(basis, levels, few, removed.result.update));

  say("the set is audited");
  const range: CessRange = { left: 1, right: files + 1 };
  const challenge = cessSpaceChallenge(cessShape, seed);
  const audit = (): Timed<ReturnType<typeof proveCessSpace>> =>
    timed(() => proveCessSpace(levels, challenge, range, () => disk.file));
  const first = audit();
  disk.readBytes = 0;
  const again = audit();
  const statement = { minerId, shape: cessShape, state: levels, challenge, range };
  const judged = timed(() => verifyCessSpace(basis, statement, again.result));
  if (taken.result === undefined || gone.result === undefined || !judged.result) return [];
  return [
    seconds("a set of 256 files is added", added, {
      target: 3,
      ...recorded(30),
      note: "primes of all files and the value; witnesses are made when the set is first audited, the peer makes them here",
    }),
    seconds("the same, primes known", known),
    seconds("the addition is verified, primes known", taken),
    size("proof of the addition", encodeCessInsertProof({ fileIndexes, elements, update })),
    seconds("8 files are deleted", removed, { target: 2, ...recorded(29.9) }),
    seconds("the deletion is verified", gone),
    size("proof of the deletion", encodeCessDeletionProof({ roots, update: removed.result.update })),
    seconds("a set is audited for the first time", first, { note: "with witnesses of all its files" }),
    seconds("a set is audited", again, {
      target: 1,
      peer: { name: "CESS in Go (2,048 of its paths as recorded on another machine)", value: 35 },
    }),
    { name: "read for it", value: disk.readBytes / 1e6, unit: "MB", target: 16.8 },
    seconds("the audit is verified", judged, {
      ...recorded(0.65),
      note: "all members, primes known; the peer checks one in five, at n = 16,384",
    }),
    size("proof of the audit", encodeCessSpaceProof(again.result)),
  ];
}

/** Proofs of commits, of some clusters. */
function committing(say: (text: string) => void): readonly Figure[] {
  say("a set is made");
  const clusters = 2;
  const shape = { ...cessShape, nodes: 16_384 };
  const set: CessSet = { minerId, shape, startCluster: 1, clusters };
  const made = Array.from({ length: 2 * shape.layers * clusters }, () => new Uint8Array(64 * shape.nodes));
  const roots = runSteps(
    cessSetSteps(set, {
      intermediate: true,
      write: ({ cluster, realLayer }, offset, bytes) =>
        made[realLayer * clusters + cluster - 1]?.set(bytes, offset),
    }),
  );
  const kept = made.map((labels) => cessFileOf(labels, cessDenseRows(shape.nodes)));
  const fileAt = (layer: number, offset: number): CessFile => kept[layer * clusters + offset] as CessFile;
  const commits = cessCommits(set, roots.roots);
  const challenge = cessCommitChallenge(set, commits, seed);
  say("its commit is proven");
  return (["all", "sixth"] as const).flatMap((parents) => {
    const proof = timed(() => {
      const steps = proveCessCommit(set, challenge, fileAt, parents);
      for (;;) {
        const step = steps.next();
        if (step.done === true) return step.value;
      }
    });
    const judged = timed(() => verifyCessCommit(set, commits, challenge, proof.result, parents));
    if (!judged.result) return [];
    const which = parents === "all" ? "all parents with paths" : "as the original has it";
    const each = <T>({ result, cpuS }: Timed<T>): Timed<T> => ({ result, cpuS: cpuS / clusters });
    return [
      seconds(`commit of a cluster proven, ${which}`, each(proof), { note: "n = 16,384, d = 64" }),
      seconds(`it is verified, ${which}`, each(judged)),
      size(`its proof, ${which}`, encodeCessCommitProof(proof.result.slice(0, 1))),
    ];
  });
}

export const idleProofsBench: Bench = {
  name: "idle-proofs",
  about:
    "the protocols of idle space, one thread: hardened, a layer certified, a terabyte audited; cess, a set added, " +
    "deleted from, audited",
  async run({ say, quick, only }) {
    await installNativeKernels();
    const isAsked = (profile: string): boolean => only.length === 0 || only.includes(profile);
    return [
      ...(isAsked("hardened") ? hardenedFigures(quick, say) : []),
      ...(isAsked("cess") ? [...(await auditing(say)), ...committing(say)] : []),
    ];
  },
};
