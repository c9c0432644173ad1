/**
 * What the original's programs ask over HTTP, in the shapes of its README: POST `/report`, `/cid`, `/info`, the answer
 * as JSON text within JSON. A report is asked for by a peer id and a height: here the height at which its slot began,
 * `0` or `latest` for the newest. Source: 4everland/4everland-node-docs, README; there a height is of its chain.
 */
import { type CID, HoldfastError, parseCid } from "@holdfast/base";
import type { StoredReport } from "./store.ts";

export interface LegacyNeeds {
  readonly slotEpochs: () => number;
  /** Number of the node with a peer id. */
  readonly nodeOfPeer: (peerId: string) => number | undefined;
  readonly report: (node: number, slot: number | "latest") => StoredReport | undefined;
  readonly isPinned: (cid: CID) => Promise<boolean>;
  readonly info: () => {
    readonly peerId: string;
    /** In hex; empty if this node attests nothing. */
    readonly program: string;
    readonly nodes: number;
  };
}

interface LegacyAnswer {
  readonly status: number;
  readonly body: { readonly code: number; readonly msg: string };
}

const answer = (msg: string, code = 200): LegacyAnswer => ({ status: 200, body: { code, msg } });

/** Undefined: another route is tried. */
export function legacyRoute(needs: LegacyNeeds) {
  return async (method: string, path: string, body: unknown): Promise<LegacyAnswer | undefined> => {
    if (method !== "POST") return undefined;
    const fields =
      typeof body === "object" && body !== null ? (body as { readonly [name: string]: unknown }) : {};
    if (path === "/report") return answer(reportText(needs, fields));
    if (path === "/info") {
      const { peerId, program, nodes } = needs.info();
      return answer(JSON.stringify({ ipfs_id: peerId, mr_enclave: program, node_count: nodes }));
    }
    if (path !== "/cid") return undefined;
    try {
      return answer(String(await needs.isPinned(parseCid(String(fields.cid)))));
    } catch (error) {
      if (error instanceof HoldfastError) return answer("invalid cid", 400);
      throw error;
    }
  };
}

/** The empty text where there is none, as the original answers. */
function reportText(needs: LegacyNeeds, fields: { readonly [name: string]: unknown }): string {
  const node = needs.nodeOfPeer(String(fields.ipfs_id).slice(0, 128));
  const wanted = String(fields.blocknum ?? "latest");
  const isLatest = wanted === "0" || wanted === "latest";
  if (node === undefined || (!isLatest && !/^\d{1,15}$/.test(wanted))) return "";
  const slot = isLatest ? "latest" : Math.floor(Number(wanted) / needs.slotEpochs());
  const found = needs.report(node, slot);
  if (found === undefined) return "";
  const { samples, slot: of } = found.report;
  const sum = (pick: (sample: (typeof samples)[number]) => number): number =>
    samples.reduce((total, sample) => total + pick(sample), 0);
  return JSON.stringify({
    [String(of * needs.slotEpochs())]: {
      check_size: sum(({ bytes }) => bytes),
      elapsed_time: sum(({ elapsedMs }) => elapsedMs),
      check_num: samples.length,
      success_rate: Math.floor(found.accuracy / 10_000),
      cids: samples.map(({ root, block }) => [root.toString(), block !== null]),
    },
  });
}
