/**
 * The folders of the simulated disk, with an ordered journal of the changes to them, as file systems keep
 * one: a crash loses the last changes that no later durable operation has sealed, never one in the middle.
 */
import { diskErrors } from "../seams/errors.ts";
import { diskPathSegments } from "../seams/paths.ts";
import type { SimFile } from "./disk-file.ts";
import type { SeededRandom } from "./random.ts";

interface SimFolder {
  readonly kind: "folder";
  readonly children: Map<string, SimNode>;
}
type SimNode = SimFolder | SimFile;

interface Place {
  readonly folder: SimFolder;
  readonly name: string;
}

export class SimTree {
  readonly #root: SimFolder = { kind: "folder", children: new Map() };
  /** How to undo each change since the last durable operation, oldest first. */
  #undo: (() => void)[] = [];

  /** Makes every change so far survive a crash. */
  seal(): void {
    this.#undo = [];
  }

  /** The file, or undefined if nothing or a folder is there. */
  file(path: string): SimFile | undefined {
    const node = this.#find(path);
    return node?.kind === "file" ? node : undefined;
  }
  isFolder(path: string): boolean {
    return this.#find(path)?.kind === "folder";
  }
  /** Sorted names; empty if there is no such folder. Fails with `disk/not-a-folder`. */
  list(path: string): string[] {
    const segments = diskPathSegments(path, { folder: true });
    const node = segments.length === 0 ? this.#root : this.#find(path);
    if (node === undefined) return [];
    if (node.kind === "file") throw diskErrors.notAFolder({ path });
    return [...node.children.keys()].sort();
  }

  /** Puts a file in its place, with its folders. Fails with `disk/not-a-file`, `disk/not-a-folder`. */
  put(path: string, file: SimFile): void {
    if (this.isFolder(path)) throw diskErrors.notAFile({ path });
    this.#attach(this.#place(path), file);
  }
  /** Takes out a file or a folder with all it holds; undefined if there is none. */
  take(path: string): SimNode | undefined {
    const node = this.#find(path);
    if (node !== undefined) this.#detach(this.#place(path));
    return node;
  }
  /** Fails with `disk/not-found`, `disk/not-a-file` (a folder is in the way), `disk/not-a-folder`. */
  move(from: string, to: string): void {
    const node = this.#find(from);
    if (node === undefined) throw diskErrors.notFound({ path: from });
    const target = this.#find(to);
    if (target === node) return;
    if (`${to}/`.startsWith(`${from}/`))
      throw diskErrors.badPath({ path: to, reason: `lies below "${from}"` });
    if (target?.kind === "folder") throw diskErrors.notAFile({ path: to });
    if (target?.kind === "file" && node.kind === "folder") throw diskErrors.notAFolder({ path: to });
    const place = this.#place(to);
    this.#detach(this.#place(from));
    this.#attach(place, node);
  }

  /** Every file that a path leads to. */
  *files(below: SimNode = this.#root): IterableIterator<SimFile> {
    if (below.kind === "file") yield below;
    else for (const child of below.children.values()) yield* this.files(child);
  }

  /** The tree as a crash may leave it; this one is of no more use. */
  survive(random: SeededRandom): SimTree {
    const kept = random.below(this.#undo.length + 1);
    while (this.#undo.length > kept) this.#undo.pop()?.();
    const after = new SimTree();
    copyInto(after.#root, this.#root, random);
    return after;
  }

  #find(path: string): SimNode | undefined {
    let node: SimNode = this.#root;
    for (const segment of diskPathSegments(path)) {
      if (node.kind === "file") return undefined;
      const child = node.children.get(segment);
      if (child === undefined) return undefined;
      node = child;
    }
    return node;
  }
  /** The folder and the name of a path; makes the folders. */
  #place(path: string): Place {
    const segments = diskPathSegments(path);
    const name = segments.pop() ?? "";
    let folder = this.#root;
    for (const segment of segments) {
      const child = folder.children.get(segment);
      if (child?.kind === "file") throw diskErrors.notAFolder({ path });
      folder = child ?? this.#makeFolder({ folder, name: segment });
    }
    return { folder, name };
  }
  #makeFolder(place: Place): SimFolder {
    const folder: SimFolder = { kind: "folder", children: new Map() };
    this.#attach(place, folder);
    return folder;
  }
  #attach({ folder, name }: Place, node: SimNode): void {
    const before = folder.children.get(name);
    folder.children.set(name, node);
    this.#undo.push(() => restore(folder, name, before));
  }
  #detach({ folder, name }: Place): void {
    const before = folder.children.get(name);
    folder.children.delete(name);
    this.#undo.push(() => restore(folder, name, before));
  }
}

function restore(folder: SimFolder, name: string, before: SimNode | undefined): void {
  if (before === undefined) folder.children.delete(name);
  else folder.children.set(name, before);
}

function copyInto(to: SimFolder, from: SimFolder, random: SeededRandom): void {
  for (const [name, node] of from.children) {
    if (node.kind === "file") {
      to.children.set(name, node.survive(random));
    } else {
      const folder: SimFolder = { kind: "folder", children: new Map() };
      to.children.set(name, folder);
      copyInto(folder, node, random);
    }
  }
}
