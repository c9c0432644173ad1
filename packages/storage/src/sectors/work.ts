/**
 * Folders of running jobs. A job's folder has a name that is never used twice in a process, so a job that was
 * called off and still writes for a moment meets nobody; the start of a process empties the room.
 */
export class WorkFolders {
  readonly #open = new Map<string, number>();
  #count = 0;

  /** A fresh folder name for a job of this sector; it is alive until `close`. */
  open(sectorId: number, attempt: number): string {
    const folder = `work/${sectorId}-${attempt}-${this.#count++}`;
    this.#open.set(folder, sectorId);
    return folder;
  }
  close(folder: string): void {
    this.#open.delete(folder);
  }
  /** The sector of a folder whose job runs. */
  sectorOf(folder: string): number | undefined {
    return this.#open.get(folder);
  }
}
