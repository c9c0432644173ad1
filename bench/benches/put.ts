/** From a file to its first proof on the chain, as `holdfast up` and `holdfast put` do it without options. */
import { randomBytes } from "node:crypto";
import { type MethodResult, putSteps } from "@holdfast/api";
import { assert, parseDurationMs } from "@holdfast/base";
import type { Bench, Figure } from "../figure.ts";
import { startUp, usageOf } from "../network.ts";

const sizeBytes = 2 ** 20;
/** The defaults of `holdfast put`. */
const copies = 2;
const forMs = parseDurationMs("30d");

type PutView = MethodResult<"put.watch">;

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

const isDone = (view: PutView, step: (typeof putSteps)[number]): boolean =>
  view.copies.length >= copies && view.copies.every(({ stepsDone }) => stepsDone.includes(step));

export const putBench: Bench = {
  name: "put",
  about: "1 MiB stored at two miners of a fresh network with rounds of one second",
  async run({ say }) {
    await using network = await startUp();
    const { client } = network;
    const [startedMs, startedCpuMs] = [performance.now(), usageOf(network.pid).cpuMs];
    const seconds = (): number => (performance.now() - startedMs) / 1000;
    const file = await client.importFile(once(randomBytes(sizeBytes)));
    const job = await client.call("put.start", { cid: file.cid, copies, forMs });
    const reached = new Map<string, number>();
    let last: PutView = job;
    for await (const view of client.stream("put.watch", { jobId: job.jobId })) {
      last = view;
      for (const step of putSteps) {
        if (reached.has(step) || !isDone(view, step)) continue;
        reached.set(step, seconds());
        say(`${step} after ${seconds().toFixed(1)} s`);
      }
    }
    const doneS = seconds();
    assert(last.state === "done", `the put ended as ${last.state}: ${last.error?.message ?? "no error"}`);
    const { roundMs } = await client.call("node.status", {});
    const steps = putSteps.flatMap((step) => {
      const atS = reached.get(step);
      return atS === undefined ? [] : [`${step} ${atS.toFixed(1)} s`];
    });
    const provenS = reached.get("proven") ?? doneS;
    const figures: Figure[] = [
      {
        name: "put to first proof of all sectors",
        value: provenS,
        unit: "s",
        target: 60,
        bound: chainBound(roundMs),
      },
      {
        name: "put to done",
        value: doneS,
        unit: "s",
        target: 60,
        note: `steps reached by both copies: ${steps.join(", ")}`,
      },
      {
        name: "processor time meanwhile",
        value: (usageOf(network.pid).cpuMs - startedCpuMs) / 1000,
        unit: "s",
        note: "all five nodes, sealing included",
      },
    ];
    return figures;
  },
};

/**
 * Rounds that the protocol needs at least: channel 1, pre-commitment 1, seed 2 + 1, commitment 1, and half a
 * proving period of 20 until the next period asks.
 */
const leastRounds = 16;

function chainBound(roundMs: number): { name: string; value: number } {
  return { name: "waiting for the chain", value: (leastRounds * roundMs) / 1000 };
}
