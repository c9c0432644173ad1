/** A node that is asked through its API, by who has its token: the same questions and bounds as over the wire. */
import type { ApiClient, ApiFetch } from "@holdfast/api";
import {
  decodeLightHeader,
  HeadersReader,
  type LightProvider,
  lightErrors,
  maxLightHeaderBytes,
  maxLightHeadersBytes,
  maxWitnessBytes,
  WitnessReader,
} from "@holdfast/consensus";
import { askPatiently, type WireProviderNeeds } from "./protocol.ts";

/** In base64 and quotes, the largest proof, or the headers of an answer and one tipset more. */
const maxAnswerBytes = Math.ceil(
  1.5 * Math.max(maxWitnessBytes, maxLightHeadersBytes + 64 * maxLightHeaderBytes),
);

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
          if (bytes > maxAnswerBytes)
            throw lightErrors.badAnswer({ detail: `it has over ${maxAnswerBytes} bytes` });
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
  return {
    name,
    async headers(request) {
      const params = { from: request.from.map(String), limit: request.count };
      const { state, tipsets } = await askPatiently(needs, () =>
        client.call("light.headers", params, signal),
      );
      const reader = new HeadersReader(request);
      for (const headers of tipsets) {
        for (const [at, text] of headers.entries())
          reader.add({ header: decodeLightHeader(bytesOf(text)), isLast: at === headers.length - 1 });
      }
      return { state, tipsets: reader.end() };
    },
    async prove({ state: stateRoot, question }) {
      const params = { stateRoot: stateRoot.toString(), question: structuredClone(question) as never };
      const { state, objects } = await askPatiently(needs, () => client.call("light.prove", params, signal));
      const reader = new WitnessReader();
      for (const text of objects) reader.push(bytesOf(text));
      return { state, witness: reader.end() };
    },
  };
}

/** Base64 has many spellings of some bytes; the one that we write is taken. */
function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw lightErrors.badAnswer({ detail: "a part of it is no base64" });
  return new Uint8Array(bytes);
}
