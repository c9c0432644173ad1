/**
 * Challenges of the chain: their answers are read as soon as they are there, and kept until the chain has done with
 * them, so that files may go as soon as they were read.
 */
import { toHex } from "@holdfast/base";
import { type IdleAudit, type IdleRangeTree, idleAuditSeed } from "@holdfast/proofs";
import { readAnswers } from "./answers.ts";
import { idleErrors } from "./errors.ts";
import type { Holdings } from "./holdings.ts";
import type { IdleNeeds, OpenAudit } from "./needs.ts";
import type { IdleStore } from "./store.ts";
import type { Tasks } from "./tasks.ts";

export interface AuditsNeeds extends Pick<IdleNeeds, "network" | "volumes"> {
  readonly store: IdleStore;
  readonly tasks: Tasks;
  readonly holdings: Holdings;
}

export class Audits {
  readonly #needs: AuditsNeeds;

  constructor(needs: AuditsNeeds) {
    this.#needs = needs;
  }

  /** Goes on with every challenge that is open. */
  go(audits: readonly OpenAudit[], tree: IdleRangeTree): void {
    const { network, store, tasks } = this.#needs;
    const open = new Set(audits.map(({ audit }) => toHex(idleAuditSeed(audit))));
    for (const key of store.answered()) if (!open.has(toHex(key))) store.dropAnswers(key);
    for (const { audit, isAnswered } of audits) {
      if (isAnswered || tree.leaves < audit.state.rear) continue;
      const key = idleAuditSeed(audit);
      const answers = store.answers(key);
      const name = toHex(key);
      if (answers.length === 0) {
        tasks.begin(`read ${name}`, async () => store.saveAnswers(key, await this.#read(audit, tree)));
      } else {
        const range = tree.peaks(audit.state.rear);
        tasks.begin(`answer ${name}`, (signal) => network.answer(audit, answers, range, signal));
      }
    }
  }

  /** Whether files are still to be read for one of them. */
  isAnyUnread(audits: readonly OpenAudit[]): boolean {
    const { store } = this.#needs;
    return audits.some(
      ({ audit, isAnswered }) => !isAnswered && store.answers(idleAuditSeed(audit)).length === 0,
    );
  }

  async #read(audit: IdleAudit, tree: IdleRangeTree): Promise<readonly Uint8Array[]> {
    const { store, volumes, holdings } = this.#needs;
    const found = await readAnswers(audit, {
      disk: volumes.disk,
      tree,
      layer: (layer) => {
        const row = store.find(layer);
        return row?.made && { folder: holdings.folder(row), roots: row.made.roots };
      },
    });
    if ("answers" in found) return found.answers;
    const row = store.find(found.damaged);
    // What was moved while it was read is read again where it is now.
    const isMoved = row !== undefined && found.folder !== undefined && found.folder !== holdings.folder(row);
    if (isMoved) throw idleErrors.moved({ path: found.folder });
    const isAway = row !== undefined && !(await volumes.present()).includes(row.volumeId);
    if (isAway && found.cause !== undefined) throw found.cause;
    if (row?.state === "certified") holdings.lose(row);
    throw idleErrors.damaged({ path: row === undefined ? String(found.damaged) : holdings.folder(row) });
  }
}
