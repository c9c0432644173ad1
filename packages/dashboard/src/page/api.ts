/**
 * Queries of the page: the method table's paths over `fetch`. The types are the table's; its schemas stay
 * on the node, which checks what it is asked and is of the same version as the page that it serves.
 * Nothing here throws: an answer is a value or a failure that can be shown.
 */
import type { CallName, MethodParams, MethodResult, StreamName } from "@holdfast/api/methods";

export interface Failure {
  readonly kind: "unreachable" | "unauthorized" | "refused";
  readonly message: string;
  readonly fix: string;
}

export type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure };

export interface PageApi {
  call<Name extends CallName>(
    name: Name,
    params: MethodParams<Name>,
    signal: AbortSignal,
  ): Promise<Answer<MethodResult<Name>>>;
  /** Hands over values until the stream ends, however it ends. */
  follow<Name extends StreamName>(
    name: Name,
    params: MethodParams<Name>,
    signal: AbortSignal,
    onValue: (value: MethodResult<Name>) => void,
  ): Promise<void>;
}

export const unreachable: Failure = {
  kind: "unreachable",
  message: "The node does not answer.",
  fix: "If it was stopped, start it again; the page goes on by itself.",
};
const unauthorized: Failure = {
  kind: "unauthorized",
  message: "The node does not accept this token.",
  fix: "Open the link that `holdfast up` printed last: every start may have its own.",
};

export function openApi(token: string, send: typeof fetch): PageApi {
  const post = (name: string, params: unknown, signal: AbortSignal): Promise<Response> =>
    send(`/api/v1/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(params),
      signal,
    });
  return {
    async call(name, params, signal) {
      try {
        const response = await post(name, params, signal);
        if (response.status === 401) return { ok: false, failure: unauthorized };
        const body: unknown = await response.json();
        if (!response.ok) return { ok: false, failure: failureOf(name, body) };
        return { ok: true, value: body as MethodResult<typeof name> };
      } catch {
        return { ok: false, failure: unreachable };
      }
    },
    async follow(name, params, signal, onValue) {
      try {
        const { ok, body } = await post(name, params, signal);
        if (!ok || body === null) return;
        for await (const line of linesOf(body)) {
          const value: object = JSON.parse(line);
          if (isLast(value)) return;
          onValue(value as MethodResult<typeof name>);
        }
      } catch {
        // A cut stream ends; whoever follows asks again when it is time.
      }
    },
  };
}

/** `{"end": true}` or an error document: each is all that its line says. */
function isLast(value: object): boolean {
  const [name, ...others] = Object.keys(value);
  return others.length === 0 && (name === "end" || name === "error");
}

/** The error documents of the API; anything else is told as it is. */
function failureOf(name: string, body: unknown): Failure {
  const error = isRecord(body) && isRecord(body.error) ? body.error : {};
  return {
    kind: "refused",
    message: typeof error.message === "string" ? error.message : `${name} gives no answer that is understood`,
    fix: typeof error.fix === "string" ? error.fix : "reload the page: the node may be of another version",
  };
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      yield* lines.filter((line) => line !== "");
    }
  } finally {
    await reader.cancel();
  }
}
