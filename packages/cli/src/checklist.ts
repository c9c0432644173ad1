/**
 * A put as a live block: one bar per copy, and the list of steps with how many copies have done each. The
 * number of lines hardly changes, so that the eye finds everything where it was.
 */
import { type MethodResult, putSteps } from "@holdfast/api";
import { fil, plural, roughly, shortId, sizeText } from "./human-text.ts";
import { type Line, progressBar, type Span } from "./layout.ts";

export type PutView = MethodResult<"put.watch">;
type PutCopy = PutView["copies"][number];
type PutStep = PutCopy["step"];

export const stepWords: { readonly [Step in PutStep]: string } = {
  imported: "file read in",
  quoted: "price known",
  funded: "payment channel funded",
  proposed: "deal accepted",
  transferred: "bytes at the miner",
  sealed: "sealed into sectors",
  committed: "sealing proven on the chain",
  proven: "presence proven on the chain",
  "read-back": "read back and compared",
};

/** Lines of the block, after so many milliseconds. */
export function checklist(view: PutView, elapsedMs: number): Line[] {
  const head: Line = [
    ["bold", view.name ?? view.cid],
    `  ${sizeText(view.sizeBytes)}  ${plural(view.copies.length, "copy", "copies")}  ${fil(view.totalFil)}  `,
    ["dim", roughly(elapsedMs)],
  ];
  return [head, ...view.copies.map(copyLine), ...putSteps.map((step) => stepLine(view, step))];
}

function copyLine(copy: PutCopy, index: number): Line {
  const name = `  copy ${index + 1}  ${shortId(copy.miner)}  `;
  if (copy.error !== null) return [name, ["red", `✗ ${copy.error.message}`]];
  const doing = isDone(copy, "read-back")
    ? ""
    : `  ${copy.detail === "" ? stepWords[copy.step] : copy.detail}`;
  return [name, ["cyan", progressBar(copy.progressRatio)], ["dim", doing]];
}

const isDone = (copy: PutCopy, step: PutStep): boolean => copy.stepsDone.includes(step);

function stepLine({ copies }: PutView, step: PutStep): Line {
  const done = copies.filter((copy) => isDone(copy, step)).length;
  const isOn = copies.some((copy) => copy.step === step && copy.error === null);
  if (done === copies.length) return [["green", "  ✓ "], stepWords[step]];
  if (!isOn && done === 0) return [["dim", `  · ${stepWords[step]}`]];
  const count: Span = copies.length === 1 ? "" : ["dim", `  ${done} of ${copies.length}`];
  return [["yellow", "  … "], stepWords[step], count];
}
