/** A node that is asked through its API, by who has its token: the same questions and bounds as over the wire. */
import type { ApiClient, ApiFetch, MethodParams } from "@holdfast/api";
import { jsonProvider, type LightProvider, lightErrors, maxLightJsonBytes } from "@holdfast/consensus";
import { askPatiently, type WireProviderNeeds } from "./protocol.ts";

/** Ends an answer that is longer than any of a light client's. Error `light/bad-answer`. */
export function boundedFetch(fetch: ApiFetch): ApiFetch {
  return async (url, request) => {
    const response = await fetch(url, request);
    return {
      ...response,
      async text() {
        const parts: Uint8Array[] = [];
        let bytes = 0;
        for await (const part of response.body ?? []) {
          bytes += part.length;
          if (bytes > maxLightJsonBytes)
            throw lightErrors.badAnswer({ detail: `it has over ${maxLightJsonBytes} bytes` });
          parts.push(part);
        }
        return Buffer.concat(parts).toString("utf8");
      },
    };
  };
}

/** Errors: `light/bad-answer`, `…/witness-too-large`, `api/…`. */
export function apiProvider(
  client: Pick<ApiClient, "call">,
  name: string,
  needs: Pick<WireProviderNeeds, "clock"> & { readonly signal: AbortSignal },
): LightProvider {
  const { signal } = needs;
  return jsonProvider(name, {
    headers: (params) => askPatiently(needs, () => client.call("light.headers", params, signal)),
    prove: ({ stateRoot, question }) => {
      const params = { stateRoot, question: question as MethodParams<"light.prove">["question"] };
      return askPatiently(needs, () => client.call("light.prove", params, signal));
    },
  });
}
