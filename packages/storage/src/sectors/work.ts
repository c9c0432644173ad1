/**
 * Folders of jobs under way. A folder is named by the sector and the attempt, which no other job has: a job that was
 * called off and still writes for a moment meets nobody, and a later life of the node finds what an earlier one has
 * left, to go on with it. A worker of a queue adds the number of its claim to the name.
 */
import { pathOn } from "../volumes/index.ts";

const folderName = /^((?:volumes\/\d+\/)?work\/\d+-\d+(?:-(?:move|repair))?)(?:-\d+)?$/;

export class WorkFolders {
  readonly #open = new Map<string, number>();

  /** The folder of a sector's job, on the volume where it writes; it is alive until `close`. */
  open(sectorId: number, attempt: number, volumeId: number, what?: "move" | "repair"): string {
    const name = `work/${sectorId}-${attempt}${what === undefined ? "" : `-${what}`}`;
    const folder = pathOn(volumeId, name);
    this.#open.set(folder, sectorId);
    return folder;
  }
  close(folder: string): void {
    this.#open.delete(folder);
  }
  /** The sector of a job's folder, or of one of its claims. */
  sectorOf(folder: string): number | undefined {
    const own = folderName.exec(folder)?.[1];
    return own === undefined ? undefined : this.#open.get(own);
  }
}
