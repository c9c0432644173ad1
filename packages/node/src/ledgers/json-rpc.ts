/** JSON-RPC over HTTP, to a node of another chain: one call at a time, bounded in bytes and in time. */
import { limits } from "../limits.ts";
import { ledgerErrors } from "./errors.ts";
import type { JsonRpc } from "./needs.ts";

async function readBounded(response: Response, method: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > limits.ledgerAnswerBytes) {
      throw ledgerErrors.rpcFailed({ method, problem: `more than ${limits.ledgerAnswerBytes} bytes` });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export function httpJsonRpc(url: string): JsonRpc {
  let id = 0;
  return {
    async call(method, params, signal) {
      const late = AbortSignal.timeout(limits.ledgerCallMs);
      const both = signal === undefined ? late : AbortSignal.any([late, signal]);
      id += 1;
      const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      const headers = { "content-type": "application/json" };
      let answer: { readonly result?: unknown; readonly error?: unknown } | null;
      try {
        const response = await fetch(url, { method: "POST", body, headers, signal: both, redirect: "error" });
        answer = JSON.parse(await readBounded(response, method));
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        throw ledgerErrors.rpcFailed({ method, problem }, error);
      }
      if (answer?.result === undefined) {
        throw ledgerErrors.rpcFailed({
          method,
          problem: JSON.stringify(answer?.error ?? null).slice(0, 300),
        });
      }
      return answer.result;
    },
  };
}
