/**
 * A CAR file becomes files and folders of this node: every block is checked, every root must be whole, and what no
 * root leads to is not kept. An import that fails takes its blocks away again. Blocks that are no part of a file (other
 * codecs, identities, which their CIDs hold already) are counted and left out.
 */
import { readAnyCar } from "../car-v2.ts";
import { limits } from "../limits.ts";
import { Settling } from "../settling.ts";
import { planCar } from "./car-plan.ts";
import { retrievalErrors } from "./errors.ts";
import type { ImportedFile } from "./import.ts";
import type { LocalFiles } from "./local-files.ts";
import { checkFileCid, isFileCid } from "./unixfs.ts";
import { cidKey } from "./walk.ts";

export interface ImportedCar {
  readonly version: 1 | 2;
  readonly roots: readonly ImportedFile[];
  /** Distinct blocks that the roots lead to. */
  readonly blocks: number;
  /** Blocks that were in the file and are not kept. */
  readonly leftOut: number;
}

/**
 * `car/…`, `retrieval/missing-block` if a root is not whole, and what is refused of its tree; `retrieval/quota-full`,
 * `retrieval/too-large`, `disk/…`.
 */
export async function importCar(files: LocalFiles, source: AsyncIterable<Uint8Array>): Promise<ImportedCar> {
  const { version, roots, blocks } = await readAnyCar(source, limits.carRoots);
  for (const root of roots) checkFileCid(root);
  const seen = new Set<string>();
  const claims = roots.map((root) => ({ root, claim: files.claim((key) => seen.has(key)) }));
  const rest = files.claim((key) => seen.has(key));
  const writes = new Writes();
  const settling = new Settling(files.blocks);
  let read = 0;
  try {
    for await (const { cid, bytes } of blocks) {
      read += 1;
      if (read > limits.dagBlocks)
        throw retrievalErrors.tooLarge({ what: "blocks", limit: limits.dagBlocks });
      const key = cidKey(cid);
      if (!isFileCid(cid) || seen.has(key)) continue;
      seen.add(key);
      const own = bytes.slice();
      await writes.add(async () => {
        await files.put(cid, own, { isVerified: true, isCopy: true });
        settling.add(cid);
      });
    }
    await writes.done();
    await settling.done();
    const needed = new Set<string>();
    const whole: ImportedFile[] = [];
    for (const { root, claim } of claims) {
      const plan = await planCar(files.blocks, root);
      for (let index = 0; index < plan.blockCount; index++) needed.add(cidKey(plan.section(index).cid));
      const { fileBytes, carBytes } = plan;
      await claim.keep({ root, imported: true, fileBytes, carBytes });
      whole.push({ root, sizeBytes: fileBytes, carBytes });
    }
    await rest.drop([...seen].filter((key) => !needed.has(key)));
    return { version, roots: whole, blocks: needed.size, leftOut: Math.max(0, read - needed.size) };
  } catch (error) {
    await writes.settled();
    await settling.ended();
    for (const { claim } of claims) await claim.drop([]);
    await rest.drop(seen);
    throw error;
  }
}

/** So many at a time; the first failure is thrown at the next call. */
export class Writes {
  readonly #running = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;

  async add(write: () => Promise<unknown>): Promise<void> {
    if (this.#running.size >= limits.retrievalPendingWrites) await Promise.race(this.#running);
    if (this.#failure !== undefined) throw this.#failure.error;
    const running = write().then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }
  async done(): Promise<void> {
    await this.settled();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }
}
