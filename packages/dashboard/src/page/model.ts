/**
 * Everything that the page knows, as one value: the node's latest answers and what the person looks at. Each
 * change gives a new model and the views are functions of it. An answer that fails does not take away what
 * was known before: it stays, with the failure beside it.
 */
import type { CallName, MethodParams, MethodResult } from "@holdfast/api/methods";
import type { Answer, Failure } from "./api.ts";

export type Tipset = MethodResult<"chain.head">;
export type NodeStatus = MethodResult<"node.status">;
export type PutView = MethodResult<"put.show">;
export type DealView = MethodResult<"deal.ls">[number];
export type DealDetail = MethodResult<"deal.show">;
export type FileView = MethodResult<"file.ls">[number];
export type SectorView = MethodResult<"sector.ls">[number];
export type JobView = MethodResult<"jobs.ls">["jobs"][number];
export type MineStatus = MethodResult<"mine.status">;
export type VolumeView = MethodResult<"storage.ls">["volumes"][number];
export type DealPolicy = MethodResult<"deal.policy">;

/** Tipsets in the strip. */
export const stripLength = 40;

/** What is asked again and again, and only of a miner. */
export const questions = {
  tipsets: { method: "chain.ls", params: { limit: stripLength } },
  money: { method: "chain.money", params: {} },
  puts: { method: "put.ls", params: {} },
  files: { method: "file.ls", params: {} },
  deals: { method: "deal.ls", params: {} },
  peers: { method: "net.peers", params: {} },
  network: { method: "net.status", params: {} },
  bans: { method: "net.bans", params: {} },
} as const satisfies Questions;
export const minerQuestions = {
  mine: { method: "mine.status", params: {} },
  sectors: { method: "sector.ls", params: {} },
  // Proofs of spacetime left out: there is one for every block that is won.
  jobs: {
    method: "jobs.ls",
    params: {
      limit: 100,
      kinds: [
        "seal",
        "commit-proof",
        "unseal",
        "check",
        "add-piece",
        "repair",
        "move",
        "delete",
        "scrub",
        "drain",
      ],
    },
  },
  volumes: { method: "storage.ls", params: {} },
  policy: { method: "deal.policy", params: {} },
} as const satisfies Questions;

type Questions = {
  readonly [part: string]: { readonly [Name in CallName]: Question<Name> }[CallName];
};
interface Question<Name extends CallName> {
  readonly method: Name;
  readonly params: MethodParams<Name>;
}

type Asked = typeof questions & typeof minerQuestions;
export type PartName = keyof Asked;

export interface Part<Value> {
  readonly value: Value | undefined;
  readonly failure: Failure | undefined;
}
export type Parts = { readonly [Name in PartName]: Part<MethodResult<Asked[Name]["method"]>> };

/** Lists that show their newest entries until someone asks for all. */
export type ListName = "files" | "puts" | "deals" | "peers" | "bans" | "sectors" | "jobs" | "volumes";

export interface Model {
  /** Without one, the page is a door with a lock. */
  readonly hasToken: boolean;
  /** Why nothing is heard of the node now. */
  readonly lost: Failure | undefined;
  readonly status: NodeStatus | undefined;
  readonly parts: Parts;
  /** Key of the tipset that is looked at; the head if there is none. */
  readonly tipsetKey: string | undefined;
  readonly openDealId: string | undefined;
  readonly openDeal: Part<DealDetail>;
  readonly whole: readonly ListName[];
  /** The command line that was copied just now. */
  readonly copied: string | undefined;
}

const unknown: Part<never> = { value: undefined, failure: undefined };

export function firstModel(hasToken: boolean): Model {
  return {
    hasToken,
    lost: undefined,
    status: undefined,
    parts: {
      tipsets: unknown,
      money: unknown,
      puts: unknown,
      files: unknown,
      deals: unknown,
      peers: unknown,
      network: unknown,
      bans: unknown,
      mine: unknown,
      sectors: unknown,
      jobs: unknown,
      volumes: unknown,
      policy: unknown,
    },
    tipsetKey: undefined,
    openDealId: undefined,
    openDeal: unknown,
    whole: [],
    copied: undefined,
  };
}

export function answered<Value>(before: Part<Value>, answer: Answer<Value>): Part<Value> {
  return answer.ok
    ? { value: answer.value, failure: undefined }
    : { value: before.value, failure: answer.failure };
}

export function withPart<Name extends PartName>(
  model: Model,
  name: Name,
  answer: Answer<NonNullable<Parts[Name]["value"]>>,
): Model {
  const part = answered<NonNullable<Parts[Name]["value"]>>(model.parts[name] as Part<never>, answer);
  return { ...model, parts: { ...model.parts, [name]: part } };
}

/** A head that comes takes the place of every tipset of its height and above: they are not its parents. */
export function withHead(model: Model, head: Tipset): Model {
  const known = model.parts.tipsets.value ?? [];
  if (known[0]?.key === head.key) return model;
  const below = known.filter(({ height }) => height < head.height);
  return withPart(model, "tipsets", { ok: true, value: [head, ...below].slice(0, stripLength) });
}

/** Progress that is told between two answers about all jobs. */
export function withPut(model: Model, job: PutView): Model {
  const known = model.parts.puts.value ?? [];
  const value = known.some(({ jobId }) => jobId === job.jobId)
    ? known.map((one) => (one.jobId === job.jobId ? job : one))
    : [job, ...known];
  return withPart(model, "puts", { ok: true, value });
}

/** The running job that changed last: the one whose progress is followed. */
export function jobToFollow(model: Model): string | undefined {
  const running = (model.parts.puts.value ?? []).filter(({ state }) => state === "running");
  return running.toSorted((a, b) => b.updatedAtMs - a.updatedAtMs)[0]?.jobId;
}

/** The height of the newest tipset that the page knows. */
export function headHeight(model: Model): number {
  return model.parts.tipsets.value?.[0]?.height ?? model.status?.head.height ?? 0;
}

export function isMiner(model: Model): boolean {
  return model.status?.roles.includes("miner") ?? false;
}
