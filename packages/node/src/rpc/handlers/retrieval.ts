/** Methods about who has content, and what this node gives to others. */
import type { ApiHandlers, MethodResult } from "@holdfast/api";
import { type AttoFil, attoFil, filText, parseFil } from "@holdfast/base";
import type { HandlerNeeds } from "../needs.ts";

type RetrievalHandlers = Pick<ApiHandlers, "file.find" | "retrieval.show" | "retrieval.set">;

const bytesPerGiB = 2n ** 30n;
/** More than a GiB of attoFIL. */
const traceAtto = 10_000_000_000n;

export function retrievalHandlers({ retrieval }: HandlerNeeds): RetrievalHandlers {
  return {
    "file.find": async ({ cid }, signal) => {
      const found: MethodResult<"file.find"> = [];
      for await (const { pricePerByte, carBytes, ...provider } of retrieval.find(cid, signal)) {
        const priceFil = carBytes === null ? null : filText(attoFil(pricePerByte * BigInt(carBytes)));
        found.push({ ...provider, priceFilPerGiB: perGiB(pricePerByte), priceFil });
      }
      const rank = (one: MethodResult<"file.find">[number]): bigint => parseFil(`${one.priceFilPerGiB}FIL`);
      return found.sort((a, b) => Number(rank(a) - rank(b)) || a.answerMs - b.answerMs);
    },
    "retrieval.show": async () => viewOf(retrieval.service()),
    "retrieval.set": async ({ pricePerGiB, caches, mostPerGiB }) =>
      viewOf(
        retrieval.service({
          ...(pricePerGiB === undefined ? {} : { pricePerByte: perByte(pricePerGiB) }),
          ...(caches === undefined ? {} : { caches }),
          ...(mostPerGiB === undefined ? {} : { mostPerByte: perByte(mostPerGiB) }),
        }),
      ),
  };
}

function viewOf(service: ReturnType<HandlerNeeds["retrieval"]["service"]>): MethodResult<"retrieval.show"> {
  return {
    priceFilPerGiB: perGiB(service.pricePerByte),
    caches: service.caches,
    mostFilPerGiB: perGiB(service.mostPerByte),
    payee: service.payee,
    indexedPayloads: service.payloads,
    indexedBlocks: service.blocks,
    earnedFil: filText(service.earned),
    cachedBytes: service.pulledBytes,
  };
}

/** Without the trace that rounding to whole attoFIL for a byte has left, if the price is much more than that. */
function perGiB(attoPerByte: AttoFil): string {
  const price = attoPerByte * bytesPerGiB;
  return filText(attoFil(price >= 1_000n * traceAtto ? price - (price % traceAtto) : price));
}
/** Rounded up: what is not free does not become free. */
function perByte(text: string): AttoFil {
  return attoFil((parseFil(text) + bytesPerGiB - 1n) / bytesPerGiB);
}
