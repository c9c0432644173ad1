/** A task with something left for its caller: tops of trees, results that are brought to where they belong. */
import type { RowsPass } from "../../src/merkle/index.ts";
import type { SlicePass } from "./crew.ts";

/** A pass with something to do when all slices are done. */
export class EndedPass implements RowsPass {
  readonly #pass: SlicePass;
  readonly #end: () => void;
  #finished = false;

  constructor(pass: SlicePass, end: () => void) {
    this.#pass = pass;
    this.#end = end;
  }

  get doneRatio(): number {
    return this.#pass.doneRatio;
  }

  advance(): boolean {
    return this.#pass.advance();
  }

  finish(): void {
    if (this.#finished) return;
    this.#pass.finish();
    this.#end();
    this.#finished = true;
  }

  stop(): void {
    if (!this.#finished) this.#pass.stop();
  }
}
