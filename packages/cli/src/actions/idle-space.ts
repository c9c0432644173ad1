/** `idle status`, `idle fill`, `idle drain`: the idle space of a running miner. */
import { type MethodResult, methods } from "@holdfast/api";
import { parseBytes } from "@holdfast/base";
import { action } from "../command.ts";
import { fil, plural, sizeText } from "../human-text.ts";
import { optionNumber, optionText } from "../input.ts";
import { facts } from "../layout.ts";

type IdleView = MethodResult<"idle.status">;

const mostThreads = 64;

function layersText({ layers }: IdleView): string {
  const parts = [
    `${layers.certified} certified`,
    ...(layers.made > 0 ? [`${layers.made} made, not certified yet`] : []),
    ...(layers.making > 0 ? [`${layers.making} being made`] : []),
    ...(layers.lost > 0 ? [`${layers.lost} damaged, to be made again`] : []),
  ];
  return parts.join(", ");
}

function limitText({ isFilling, maxBytes, totalBytes, nextLayerBytes, layers }: IdleView): string {
  if (!isFilling) return "takes no more";
  if (maxBytes === null) return "takes all that is free";
  const isFull = layers.making === 0 && totalBytes + nextLayerBytes > maxBytes;
  const full = isFull
    ? `: no room for one more layer, which takes ${sizeText(nextLayerBytes)} while it is made`
    : "";
  return `takes at most ${sizeText(maxBytes)}${full}`;
}

type OnChain = NonNullable<IdleView["onChain"]>;

function challengesText(open: number, onChain: IdleView["onChain"]): string {
  const dueAt = onChain?.dueAt ?? null;
  return open === 0 || dueAt === null ? String(open) : `${open}, due at height ${dueAt}`;
}

function chainFacts({ powerBytes, pledgeFil, lostFil, lastProven, faultySince, missed }: OnChain) {
  const health =
    faultySince === null
      ? "healthy"
      : `faulty since height ${faultySince}: ${plural(missed, "challenge")} missed; it is asked again at every lot`;
  return [
    ["counts as", `${sizeText(powerBytes)} of sectors`],
    ["state", health],
    ["last proven", lastProven === null ? "never" : `at height ${lastProven}`],
    ["pledged", fil(pledgeFil)],
    ["lost so far", fil(lostFil)],
  ] as const;
}

function statusText(status: IdleView): string {
  const { front, rear, certifiedBytes, totalBytes, underWay, openChallenges, volumes, fileBytes, onChain } =
    status;
  const files = `${plural(rear - front, "file")} of ${sizeText(fileBytes)}, numbers ${front} to ${rear - 1}`;
  return facts([
    ["profile", status.profile],
    ["registered", status.isRegistered ? "yes" : "no"],
    ["filling", limitText(status)],
    ["certified", rear === front ? "nothing" : `${sizeText(certifiedBytes)}: ${files}`],
    ["on the disks", sizeText(totalBytes)],
    ["layers", layersText(status)],
    ["under way", underWay === null ? "nothing" : underWay === "append" ? "a new layer" : "a release"],
    ["open challenges", challengesText(openChallenges, onChain)],
    ...(onChain === null ? [] : chainFacts(onChain)),
    [
      "volumes",
      volumes.map(
        (one) =>
          `${one.volumeId}: ${sizeText(one.usedBytes)} of ${sizeText(one.reservedBytes)} in ${plural(one.files, "file")}`,
      ),
    ],
  ]);
}

export const idleStatus = action({
  result: methods["idle.status"].result,
  run: async ({ node, signal }) => (await node()).call("idle.status", {}, signal),
  render(status, { terminal }) {
    if (!status.isFilling) terminal.hint("`holdfast idle fill` makes more");
    else if (status.rear === status.front)
      terminal.hint("what it waits for: `holdfast why idle`, on this node");
    return statusText(status);
  },
});

export const idleFill = action({
  result: methods["idle.fill"].result,
  async run({ node, signal }, input) {
    const max = optionText(input, "max");
    const memory = optionText(input, "memory");
    const threads = optionNumber(input, "threads", { least: 1, most: mostThreads });
    const wanted = {
      ...(max === undefined ? {} : { maxBytes: max === "none" ? null : parseBytes(max) }),
      ...(threads === undefined ? {} : { threads }),
      ...(memory === undefined ? {} : { memoryBytes: parseBytes(memory) }),
    };
    return (await node()).call("idle.fill", wanted, signal);
  },
  render: statusText,
});

export const idleDrain = action({
  result: methods["idle.drain"].result,
  async run({ node, signal }, { args }) {
    const [size] = args;
    const bytes = size === undefined ? null : parseBytes(size);
    return (await node()).call("idle.drain", { bytes }, signal);
  },
  render: statusText,
});
