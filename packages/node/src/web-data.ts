/**
 * Bytes of a file of a web server, for deals whose data lies there. A stranger names the URL, so this node must not be
 * made to knock at doors behind which somebody trusts whoever is inside: it asks addresses of the public Internet, and
 * the machine from which that stranger's own node is connected. The address that was looked at is the one that is
 * dialled, and no redirect is followed. What comes is not believed; whoever asks checks it.
 */
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as plainRequest, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP } from "node:net";
import { HoldfastError, type PeerId } from "@holdfast/base";
import { ipOf, realmOf } from "./ip-ranges.ts";
import { limits } from "./limits.ts";
import { dealRefusals, type FetchWeb } from "./market/index.ts";

/** `remoteOf`: where a peer is connected from, as a multiaddr. */
export function webData(remoteOf: (peer: PeerId) => string | undefined): FetchWeb {
  return async function* fetchWeb({ url, offsetBytes, lengthBytes, near, onWhole }, signal) {
    try {
      const place = new URL(url);
      const address = await addressOf(place, ipOf(remoteOf(near) ?? ""));
      signal.throwIfAborted();
      const last = offsetBytes + lengthBytes - 1;
      const response = await get(place, address, `bytes=${offsetBytes}-${last}`, signal);
      try {
        checkAnswer(response, offsetBytes);
        if (response.statusCode === 200) onWhole?.();
        yield* atMost(response, lengthBytes);
      } finally {
        response.destroy();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HoldfastError) throw error;
      throw dealRefusals.transferFailed({ detail: `the web server: ${detailOf(error)}` }, error);
    }
  };
}

/** The one that is dialled. `deal/bad-source`, `deal/transfer-failed`, errors of the resolver. */
async function addressOf({ hostname }: URL, near: string | undefined): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, "");
  const addresses =
    isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
  const good = addresses.find((address) => realmOf(address) === "public" || isSame(address, near));
  if (good !== undefined) return good;
  const detail = `${host} is neither on the public Internet nor on the machine that the client connects from`;
  // Whether it is that machine is known only while it is connected.
  throw near === undefined ? dealRefusals.transferFailed({ detail }) : dealRefusals.badSource({ detail });
}

/** All addresses of loopback are one machine. */
function isSame(address: string, near: string | undefined): boolean {
  return (
    address === near || (near !== undefined && [address, near].every((one) => realmOf(one) === "machine"))
  );
}

function get(place: URL, address: string, range: string, signal: AbortSignal): Promise<IncomingMessage> {
  const family = isIP(address);
  const options: RequestOptions = {
    headers: { range, "accept-encoding": "identity", "user-agent": "holdfast" },
    agent: false,
    signal,
    lookup: (_host, wanted, found) =>
      wanted.all === true ? found(null, [{ address, family }]) : found(null, address, family),
  };
  return new Promise((resolve, reject) => {
    const send = place.protocol === "https:" ? tlsRequest : plainRequest;
    const request = send(place, options, resolve);
    request.setTimeout(limits.webIdleMs, () => request.destroy(new Error("it sends nothing")));
    request.once("error", reject);
    request.end();
  });
}

function checkAnswer({ statusCode = 0, headers }: IncomingMessage, offsetBytes: number): void {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw dealRefusals.badSource({ detail: `it sends the file as ${encoding}` });
  if (statusCode === 206) {
    const from = /^bytes (\d{1,16})-/.exec(headers["content-range"] ?? "")?.[1];
    if (Number(from) === offsetBytes) return;
    throw dealRefusals.badSource({ detail: "it sends another range than it was asked for" });
  }
  if (statusCode === 200 && offsetBytes === 0) return;
  if (statusCode === 200) throw dealRefusals.badSource({ detail: "it sends no ranges" });
  if (statusCode === 416)
    throw dealRefusals.badSource({ detail: "its file is shorter than the deal's data" });
  if (statusCode >= 300 && statusCode < 400)
    throw dealRefusals.badSource({ detail: "it leads elsewhere, which is not followed" });
  throw dealRefusals.transferFailed({ detail: `the web server answers with status ${statusCode}` });
}

async function* atMost(source: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const bytes of source) {
    const part = bytes.subarray(0, left);
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0) return;
  }
}

function detailOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
