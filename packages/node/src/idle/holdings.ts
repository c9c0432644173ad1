/**
 * What lies on the volumes: folders of layers, kept in step with their rows, and what the storage is told of them. A
 * folder is `<layer>` below the one folder that idle space has of each volume.
 */
import { workLimits } from "../work-limits.ts";
import { dropScratch, isWhole } from "./making.ts";
import { type IdleNeeds, noShare } from "./needs.ts";
import { namesOf, sharesOf } from "./plan.ts";
import { type IdleStore, isAtRest, type LayerRow } from "./store.ts";

export class Holdings {
  readonly #needs: Pick<IdleNeeds, "profile" | "volumes">;
  readonly #store: IdleStore;
  /** Volumes whose share was told. */
  readonly #shared = new Set<number>();
  #isCountDue = false;

  constructor(needs: Pick<IdleNeeds, "profile" | "volumes">, store: IdleStore) {
    this.#needs = needs;
    this.#store = store;
  }

  folder({ volumeId, layer }: Pick<LayerRow, "volumeId" | "layer">): string {
    return this.#needs.volumes.path(volumeId, String(layer));
  }

  /** What the last life left: half-made layers are made again, damaged ones too; files without a row go. */
  async recover(): Promise<void> {
    const { volumes } = this.#needs;
    for (const { layer, movingTo } of this.#store.active) {
      if (movingTo !== null) this.#store.setMovingTo(layer, null); // where it was it is whole
    }
    const present = await volumes.present();
    for (const volumeId of present) {
      this.#shared.add(volumeId);
      const own = this.#store.numbersOn(volumeId);
      for (const name of await volumes.disk.list(volumes.path(volumeId, ""))) {
        const isOwn = own.has(Number(name)) && String(Number(name)) === name;
        if (!isOwn) await volumes.disk.remove(volumes.path(volumeId, name));
      }
    }
    const isHere = ({ volumeId }: LayerRow): boolean => present.includes(volumeId);
    for (const row of this.#store.active) if (isHere(row)) await this.#look(row);
    let looked = 0;
    for (const row of this.#store.from(0)) {
      if (looked === workLimits.idleLooksAtStart) break; // the patrol finds what is wrong with the others
      looked += 1;
      if (isAtRest(row) && isHere(row)) await this.#look(row);
    }
    await this.account();
  }

  /** Another registration is another space: nothing of the old one is worth anything. */
  async clear(): Promise<void> {
    const { volumes } = this.#needs;
    for (const volumeId of await volumes.present()) {
      await volumes.disk.remove(volumes.path(volumeId, ""));
      this.#shared.add(volumeId);
    }
  }

  /** Files of a layer that cannot be read: it is made again. */
  lose({ layer, state }: LayerRow): void {
    if (state === "certified") this.#store.lose(layer);
    else if (state === "made") this.#store.setState(layer, "making");
    this.#isCountDue = true;
  }

  /** A row is another than the storage was told. */
  changed(): void {
    this.#isCountDue = true;
  }
  async accountIfDue(): Promise<void> {
    if (!this.#isCountDue) return;
    this.#isCountDue = false;
    await this.account();
  }

  /** Tells the storage what idle space has, and is about to have. Throws storage/full. */
  async account(): Promise<void> {
    const shares = sharesOf(this.#needs.profile, this.#store);
    for (const volumeId of shares.keys()) this.#shared.add(volumeId);
    for (const volumeId of this.#shared) {
      await this.#needs.volumes.setShare(volumeId, shares.get(volumeId) ?? noShare);
    }
  }

  async dropScratch(row: LayerRow): Promise<void> {
    const { profile, volumes } = this.#needs;
    await dropScratch(volumes.disk, profile, this.folder(row));
    this.#store.dropScratch(row.layer);
    await this.account();
  }

  /** Deletes the first files of a layer, up to `released`. */
  async deleteFiles(row: LayerRow, released: number): Promise<void> {
    const { profile, volumes } = this.#needs;
    for (let file = row.firstKept; file < released; file += 1) {
      await volumes.disk.remove(`${this.folder(row)}/${file}`);
      await volumes.disk.remove(`${this.folder(row)}/${file}.aux`);
    }
    if (released === profile.files) await volumes.disk.remove(this.folder(row));
    this.#store.setFirstKept(row.layer, released);
    await this.account();
  }

  /** Deletes a layer that the chain does not know. */
  async abandon(row: LayerRow): Promise<void> {
    await this.#needs.volumes.disk.remove(this.folder(row));
    this.#store.dropLayer(row.layer);
    await this.account();
  }

  /** What was removed may be back after a power cut, and what was written may be gone. */
  async #look(row: LayerRow): Promise<void> {
    const { profile, volumes } = this.#needs;
    const folder = this.folder(row);
    const names = namesOf(profile, row);
    for (const name of await volumes.disk.list(folder)) {
      if (!names.has(name)) await volumes.disk.remove(`${folder}/${name}`);
    }
    const isDone = row.state === "made" || row.state === "certified";
    if (isDone && !(await isWhole(volumes.disk, { profile, folder }, row.firstKept))) this.lose(row);
  }
}
