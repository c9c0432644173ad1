/** Bounds that every engine checks in the same way before it writes anything. */
import { storageErrors } from "../errors.ts";
import { type Job, type JobFailure, jobLimits, type NewJob } from "./types.ts";

const encoder = new TextEncoder();

/** Throws storage/bad-job. */
export function checkNewJob({ key, input, volumes = [] }: NewJob): void {
  checkText("the key", key, 1, jobLimits.maxKeyBytes);
  checkText("the input", input, 0, jobLimits.maxInputBytes);
  checkText("the volumes", JSON.stringify(volumes), 0, jobLimits.maxVolumesBytes);
}

/** Throws storage/bad-job. */
export function checkOutput(output: string): void {
  checkText("the output", output, 0, jobLimits.maxOutputBytes);
}

/** Why a job has failed whose worker is gone. */
export function crashOf({ kind, failures, workerId }: Job): JobFailure {
  const detail = `nothing was heard of worker ${workerId}`;
  const { code, message, data, fix, exit } = storageErrors.workerCrashed({
    ...{ job: kind, attempts: failures + 1, detail },
  });
  return { code, message, detail: JSON.stringify({ data, fix, exit }) };
}

/** Words for people, cut to what a row takes. */
export function told(reason: string): string {
  return reason.slice(0, jobLimits.maxReasonCharacters);
}

/** PostgreSQL knows no text with U+0000 or half a surrogate pair: who wrote one would stop those that go with it. */
function checkText(what: string, text: string, minBytes: number, maxBytes: number): void {
  const bytes = text.length > maxBytes ? text.length : encoder.encode(text).length;
  const isText = text.isWellFormed() && !text.includes("\0");
  if (bytes < minBytes || bytes > maxBytes || !isText) throw storageErrors.badJob({ what, bytes, maxBytes });
}
