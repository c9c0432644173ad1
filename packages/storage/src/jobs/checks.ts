/** Bounds that every engine checks in the same way before it writes anything. */
import { storageErrors } from "../errors.ts";
import { jobLimits, type NewJob } from "./types.ts";

const encoder = new TextEncoder();

/** Throws storage/bad-job. */
export function checkNewJob({ key, input }: NewJob): void {
  checkText("the key", key, 1, jobLimits.maxKeyBytes);
  checkText("the input", input, 0, jobLimits.maxInputBytes);
}

/** Throws storage/bad-job. */
export function checkOutput(output: string): void {
  checkText("the output", output, 0, jobLimits.maxOutputBytes);
}

/** Words for people, cut to what a row takes. */
export function told(reason: string): string {
  return reason.slice(0, jobLimits.maxReasonCharacters);
}

function checkText(what: string, text: string, minBytes: number, maxBytes: number): void {
  const bytes = text.length > maxBytes ? text.length : encoder.encode(text).length;
  if (bytes < minBytes || bytes > maxBytes) throw storageErrors.badJob({ what, bytes, maxBytes });
}
