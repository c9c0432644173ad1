/**
 * Asks random questions of several back ends and compares what they say. A case is made of the seed and its number
 * alone, so that any of them can be repeated without the others.
 */
import { createHash } from "node:crypto";
import type { KernelDoors } from "../doors.ts";
import { createDraw } from "./draw.ts";
import type { Question, Subject } from "./questions.ts";
import { complaintAbout, type Recorder } from "./refusals.ts";

export interface FuzzedBackend {
  readonly name: string;
  readonly doors: KernelDoors;
  /** Of the addon: its calls are repeated with changes. */
  readonly recorder?: Recorder;
}

export interface Fuzzing {
  readonly seed: string;
  readonly subjects: readonly Subject[];
  /** The first makes the points that others are asked about. */
  readonly backends: readonly [FuzzedBackend, ...FuzzedBackend[]];
  /** The TypeScript reference; asked about little. */
  readonly reference?: FuzzedBackend;
}

function answerOf({ doors }: FuzzedBackend, { ask }: Question): string | undefined {
  try {
    const answer = ask(doors);
    if (answer === undefined) return undefined;
    if (typeof answer === "number") return String(answer);
    return `${answer.length} bytes ${createHash("sha256").update(answer).digest("hex").slice(0, 16)}`;
  } catch {
    return "refused";
  }
}

const changesOfCall = 6;

/** What is wrong with case `number`, or undefined. */
export function complaintOfCase(
  { seed, subjects, backends, reference }: Fuzzing,
  number: number,
): string | undefined {
  const draw = createDraw(`${seed}/${number}`);
  const subject = subjects[draw.below(subjects.length)];
  if (subject === undefined) return undefined;
  const question = subject.draw(draw, backends[0].doors);
  for (const { recorder } of backends) recorder?.taken();
  const asked = question.forReference && reference !== undefined ? [...backends, reference] : backends;
  const answers = asked
    .map((backend) => ({ name: backend.name, says: answerOf(backend, question) }))
    .filter(({ says }) => says !== undefined);
  const differ = answers.some(({ says }) => says !== answers[0]?.says);
  if (differ) {
    return `${subject.name}: ${answers.map(({ name, says }) => `${name} says ${says}`).join(", ")}`;
  }
  for (const { recorder, name } of backends) {
    for (const call of recorder?.taken() ?? []) {
      for (let change = 0; change < changesOfCall && recorder !== undefined; change += 1) {
        const complaint = complaintAbout(draw, recorder.calls, call);
        if (complaint !== undefined) return `${name}: ${complaint}`;
      }
    }
  }
  return undefined;
}
