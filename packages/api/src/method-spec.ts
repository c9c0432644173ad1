/** One method of the API: what it takes, what it gives, whether it streams. */
import { z } from "zod";

export interface MethodSpec<
  Params extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
  Stream extends boolean = boolean,
> {
  readonly summary: string;
  readonly params: Params;
  readonly result: Result;
  readonly stream: Stream;
}

export function call<P extends z.ZodType, R extends z.ZodType>(
  summary: string,
  params: P,
  result: R,
): MethodSpec<P, R, false> {
  return { summary, params, result, stream: false };
}
export function stream<P extends z.ZodType, R extends z.ZodType>(
  summary: string,
  params: P,
  result: R,
): MethodSpec<P, R, true> {
  return { summary, params, result, stream: true };
}

export const nothing = z.object({}).strict();
export const limitParam = z.int().min(1).max(1000).default(100);
