/**
 * Keeps the model true while someone looks: the stream of heads, the questions in its pace, and the progress
 * of one running put. Three connections at most, because a browser opens six to a host for all its tabs.
 * Nothing is asked while the page is hidden.
 */
import type { Answer, PageApi } from "./api.ts";
import {
  isMiner,
  jobToFollow,
  type Model,
  minerQuestions,
  type PartName,
  questions,
  withHead,
  withPart,
  withPut,
} from "./model.ts";
import { type PaceClock, startPace } from "./pace.ts";

export interface LiveNeeds {
  readonly api: PageApi;
  readonly clock: PaceClock;
  readonly model: () => Model;
  readonly update: (change: (model: Model) => Model) => void;
  /** The node does not accept the token; nothing more is asked. */
  readonly onLocked: () => void;
}

/** Until a round's length is known. */
const unknownRoundMs = 1000;

/** Asks until the returned function is called. */
export function startLive(needs: LiveNeeds): () => void {
  const gone = new AbortController();
  const { signal } = gone;
  let watching = false;
  let followed: string | undefined;
  const pace = startPace(needs.clock, async () => {
    await askAll(needs, signal);
    if (!signal.aborted && needs.model().lost === undefined) {
      void watchHeads();
      void followPut();
    }
    return { roundMs: needs.model().status?.roundMs ?? unknownRoundMs };
  });
  const watchHeads = async (): Promise<void> => {
    if (watching) return;
    watching = true;
    await needs.api.follow("chain.watch", {}, signal, (head) => {
      needs.update((model) => withHead(model, head));
      pace.wake();
    });
    watching = false;
    if (!signal.aborted) pace.wake();
  };
  const followPut = async (): Promise<void> => {
    const jobId = jobToFollow(needs.model());
    if (jobId === undefined || followed !== undefined) return;
    followed = jobId;
    await needs.api.follow("put.watch", { jobId }, signal, (job) => {
      needs.update((model) => withPut(model, job));
    });
    followed = undefined;
    if (!signal.aborted) pace.wake();
  };
  return () => {
    gone.abort();
    pace.stop();
  };
}

/** The status first: it tells whether there is a node, and what else to ask of it. */
async function askAll({ api, model, update, onLocked }: LiveNeeds, signal: AbortSignal): Promise<void> {
  const status = await api.call("node.status", {}, signal);
  if (signal.aborted) return;
  if (!status.ok) {
    update((before) => ({ ...before, lost: status.failure }));
    if (status.failure.kind === "unauthorized") onLocked();
    return;
  }
  update((before) => ({ ...before, lost: undefined, status: status.value }));
  const asked = isMiner(model()) ? { ...questions, ...minerQuestions } : questions;
  const parts = Object.entries(asked) as [PartName, (typeof questions)[keyof typeof questions]][];
  const answers = await Promise.all(
    parts.map(async ([part, { method, params }]) => [part, await api.call(method, params, signal)] as const),
  );
  if (signal.aborted) return;
  update((before) => answers.reduce((at, [part, answer]) => withAnswer(at, part, answer), before));
}

/** Parts and methods go in pairs, which a list of both cannot say in types. */
function withAnswer(model: Model, part: PartName, answer: Answer<unknown>): Model {
  return withPart(model, part, answer as Answer<never>);
}
