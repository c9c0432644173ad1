/**
 * Nodes that make no file, in the codec that their CID names: as they are, or shown to a person. Nothing is converted
 * from one codec into another (IPIP-0524): what a reader gets is what the CID is a hash of, or a page.
 */
import type { CID } from "@holdfast/base";
import { isLinkedNode, readNode } from "../ipld-nodes.ts";
import { gatewayErrors } from "./errors.ts";
import {
  type Answer,
  type Asked,
  disposition,
  forAWeek,
  forEver,
  htmlAnswer,
  isKnown,
  located,
  notModified,
  once,
  shownOf,
  unguessed,
} from "./headers.ts";
import type { GatewayDag, GatewayPlace } from "./needs.ts";
import { nodePage, nodePageVersion } from "./node-page.ts";
import { partsOf } from "./parts.ts";
import type { Form } from "./request.ts";

interface NodeCodec {
  readonly form: Form;
  readonly type: string;
  /** Its plain encoding, which it may be called too. */
  readonly plain: "json" | "cbor";
}

/** Codes of the multicodec table. */
const codecs: ReadonlyMap<number, NodeCodec> = new Map([
  [0x0129, { form: "dag-json", type: "application/vnd.ipld.dag-json", plain: "json" }],
  [0x71, { form: "dag-cbor", type: "application/vnd.ipld.dag-cbor", plain: "cbor" }],
  [0x0200, { form: "json", type: "application/json", plain: "json" }],
  [0x51, { form: "cbor", type: "application/cbor", plain: "cbor" }],
]);

export function isShownNode({ code }: CID): boolean {
  return codecs.has(code);
}

/** `gateway/not-served` if it is asked for in another codec than its own. */
export async function nodeAnswer(dag: GatewayDag, asked: Asked, place: GatewayPlace): Promise<Answer> {
  const { request } = asked;
  const { cid, roots } = place;
  const codec = codecs.get(cid.code);
  const form = request.isOneOfSeveral && !fits(request.form, codec) ? "plain" : request.form;
  if (codec === undefined || !fits(form, codec))
    throw gatewayErrors.notServed({ detail: `this block is not ${form}, and nothing is converted` });
  const bytes = await dag.block(cid);
  const isPage = form === "plain" && request.isPageWanted && !request.isDownload && isLinkedNode(cid);
  if (isPage) return pageAnswer(asked, { cid, roots, codec, bytes });
  const isPlainType = form === codec.plain;
  const kind = codec.plain === "cbor" || request.isDownload ? "attachment" : "inline";
  return partsOf(
    {
      etag: `"${cid}.${isPlainType ? codec.plain : codec.form}"`,
      type: isPlainType ? `application/${codec.plain}` : codec.type,
      sizeBytes: bytes.length,
      headers: {
        "content-disposition": disposition(kind, request.fileName ?? `${cid}.${codec.plain}`),
        ...forEver,
        ...unguessed,
        ...varied,
        ...located(request),
        ...shownOf(request, roots),
      },
      read: (first, length) => once(bytes.subarray(first, first + length)),
    },
    asked,
  );
}

/** The same address is a page for one reader and a node for another. */
const varied = { vary: "Accept" };

function fits(form: Form, codec: NodeCodec | undefined): boolean {
  return form === "plain" || form === codec?.form || form === codec?.plain;
}

interface ShownNode {
  readonly cid: CID;
  readonly roots: readonly CID[];
  readonly codec: NodeCodec;
  readonly bytes: Uint8Array;
}

function pageAnswer(asked: Asked, { cid, roots, codec, bytes }: ShownNode): Answer {
  const etag = `"DagIndex-${nodePageVersion}_CID-${cid}"`;
  if (isKnown(asked, etag)) return notModified(etag, forAWeek);
  const value = readNode(cid, bytes);
  const html = nodePage({ cid: cid.toString(), codec: codec.form, sizeBytes: bytes.length, value });
  return htmlAnswer(html, etag, { ...varied, ...shownOf(asked.request, roots) });
}
