/** The plumbing of the chain: tipsets, blocks, messages, actors, peers. */
import { type MethodResult, methods } from "@holdfast/api";
import { z } from "zod";
import { type CommandSpec, command } from "../command.ts";
import { age, fil, shortCid } from "../human-text.ts";
import { argument, optionDurationMs, optionNumber, optionText, wholeNumber } from "../input.ts";
import { facts, table } from "../terminal.ts";

type TipsetSummary = MethodResult<"chain.head">;
type MessageState = MethodResult<"message.show">;

const tipsetFacts = (tipset: TipsetSummary): string =>
  facts([
    ["height", String(tipset.height)],
    ["age", age(tipset.timestampMs)],
    ["blocks", tipset.cids.join("\n        ")],
    ["miners", tipset.miners.join("\n        ")],
    ["messages", String(tipset.messages)],
    ["weight", tipset.parentWeight],
  ]);

const messageFacts = (state: MessageState): string => {
  const { message, receipt } = state;
  return facts([
    ["message", message.cid],
    ["state", state.state === "mined" ? `mined at ${state.height}, ${state.confirmations} rounds ago` : "waits for a block"],
    ["from", `${message.from} (nonce ${message.nonce})`],
    ["to", message.to],
    ["value", fil(message.valueFil)],
    ["method", message.method === "" ? "transfer" : message.method],
    ["result", receipt === null ? "-" : `${receipt.exitCode} ${receipt.meaning}`],
    ["gas", receipt === null ? `at most ${message.gasLimit}` : `${receipt.gasUsed} of ${message.gasLimit}`],
  ]);
};

export const chainCommands: readonly CommandSpec[] = [
  command({
    path: ["chain", "head"],
    summary: "Show the newest tipset",
    examples: ["holdfast chain head", "holdfast chain head --json"],
    result: methods["chain.head"].result,
    run: async ({ node, signal }) => (await node()).call("chain.head", {}, signal),
    render: tipsetFacts,
  }),
  command({
    path: ["chain", "ls"],
    summary: "List tipsets from the head down",
    examples: ["holdfast chain ls --limit 20", "holdfast chain ls --from 1000"],
    options: [
      { flags: "--from <height>", summary: "begin at this height instead of the head" },
      { flags: "--limit <count>", summary: "how many tipsets", initial: "20" },
    ],
    result: methods["chain.ls"].result,
    run: async ({ node, signal }, input) => {
      const from = optionNumber(input, "from", { least: 0, most: Number.MAX_SAFE_INTEGER });
      const limit = optionNumber(input, "limit", { least: 1, most: 1000 }) ?? 20;
      return (await node()).call("chain.ls", { limit, ...(from === undefined ? {} : { from }) }, signal);
    },
    render: (tipsets) =>
      table(
        ["HEIGHT", "AGE", "BLOCKS", "MESSAGES", "FIRST BLOCK"],
        tipsets.map((tipset) => [
          String(tipset.height),
          age(tipset.timestampMs),
          String(tipset.cids.length),
          String(tipset.messages),
          tipset.cids[0] ?? "-",
        ]),
      ),
  }),
  command({
    path: ["chain", "show"],
    summary: "Show one block and its messages",
    examples: ["holdfast chain show bafy2bza…"],
    args: [{ name: "cid", summary: "CID of the block (see `chain ls`)" }],
    result: methods["chain.show"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("chain.show", { cid: argument(input, 0, "the block's CID") }, signal),
    render: (block) =>
      [
        facts([
          ["block", block.cid],
          ["height", String(block.height)],
          ["miner", block.miner],
          ["age", age(block.timestampMs)],
          ["parents", block.parents.join("\n         ")],
          ["state", block.stateRoot],
        ]),
        "",
        table(
          ["MESSAGE", "FROM", "METHOD", "VALUE"],
          block.messages.map((message) => [
            shortCid(message.cid),
            message.from,
            message.method === "" ? "transfer" : message.method,
            fil(message.valueFil),
          ]),
        ),
      ].join("\n"),
  }),
  command({
    path: ["message", "show"],
    summary: "Show a message and where it is",
    examples: ["holdfast message show bafy2bza…"],
    args: [{ name: "cid", summary: "CID of the message" }],
    result: methods["message.show"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("message.show", { cid: argument(input, 0, "the message's CID") }, signal),
    render: messageFacts,
  }),
  command({
    path: ["message", "wait"],
    summary: "Wait until a message is in the chain",
    about: "Ends with exit code 7 when the time is over; the message itself is not withdrawn.",
    examples: ["holdfast message wait bafy2bza… --timeout 1m", "holdfast message wait bafy2bza… --confirmations 5"],
    args: [{ name: "cid", summary: "CID of the message" }],
    options: [
      { flags: "--timeout <time>", summary: "give up after this time", initial: "2m" },
      { flags: "--confirmations <rounds>", summary: "rounds that must lie on top of it", initial: "0" },
    ],
    result: methods["message.wait"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call(
        "message.wait",
        {
          cid: argument(input, 0, "the message's CID"),
          timeoutMs: optionDurationMs(input, "timeout") ?? 120_000,
          confirmations: wholeNumber(optionText(input, "confirmations") ?? "0", "--confirmations", 0, 10_000),
        },
        signal,
      ),
    render: messageFacts,
  }),
  command({
    path: ["actor", "ls"],
    summary: "List the actors of the chain",
    examples: ["holdfast actor ls"],
    options: [{ flags: "--limit <count>", summary: "how many at most", initial: "100" }],
    result: methods["actor.ls"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("actor.ls", { limit: optionNumber(input, "limit", { least: 1, most: 1000 }) ?? 100 }, signal),
    render: (actors) =>
      table(
        ["ADDRESS", "KIND", "BALANCE", "NONCE"],
        actors.map((actor) => [actor.address, actor.kind, fil(actor.balanceFil), String(actor.nonce)]),
      ),
  }),
  command({
    path: ["actor", "show"],
    summary: "Show one actor and its state",
    examples: ["holdfast actor show tf…"],
    args: [{ name: "address", summary: "address of the actor" }],
    result: methods["actor.show"].result,
    run: async ({ node, signal }, input) =>
      (await node()).call("actor.show", { address: argument(input, 0, "the address") }, signal),
    render: (actor) =>
      [
        facts([
          ["address", actor.address],
          ["kind", actor.kind],
          ["balance", fil(actor.balanceFil)],
          ["nonce", String(actor.nonce)],
        ]),
        JSON.stringify(actor.state, null, 2),
      ].join("\n"),
  }),
  command({
    path: ["net", "peers"],
    summary: "List the peers of this node",
    examples: ["holdfast net peers", "holdfast net peers --node miner-1"],
    result: methods["net.peers"].result,
    run: async ({ node, signal }) => (await node()).call("net.peers", {}, signal),
    render: (peers) =>
      table(
        ["PEER", "DIRECTION", "HEIGHT", "ADDRESS"],
        peers.map((peer) => [
          peer.peerId,
          peer.direction,
          peer.headHeight === null ? "?" : String(peer.headHeight),
          peer.addresses[0] ?? "-",
        ]),
      ),
  }),
  command({
    path: ["net", "connect"],
    summary: "Connect to a peer",
    examples: ["holdfast net connect /ip4/127.0.0.1/tcp/6000/p2p/12D3Koo…"],
    args: [{ name: "address", summary: "multiaddr of the peer, with its peer id" }],
    result: z.object({ peerId: z.string() }),
    run: async ({ node, signal }, input) =>
      (await node()).call("net.connect", { address: argument(input, 0, "the multiaddr") }, signal),
    render: (result) => `connected to ${result.peerId}`,
  }),
];
