/**
 * `pin add` before there are nodes: nobody is drawn for an order that is made then, so it says so and pays nothing, and
 * waits if it is told to; and what `up` says of a network with and without such nodes.
 */
import type { MethodResult } from "@holdfast/api";
import { exitCodes } from "@holdfast/base";
import { type CommandContext, commandTable, openTerminal } from "holdfast";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { calls, fileCid } from "./canned.ts";
import { type CannedNode, startCannedNode } from "./canned-node.ts";
import { captured, jsonError, run } from "./run.ts";

let node: CannedNode;
beforeAll(async () => {
  node = await startCannedNode();
});
afterAll(() => node[Symbol.asyncDispose]());
afterEach(() => {
  node.instead.clear();
  node.calls.length = 0;
});

const [one] = calls["pinNode.ls"].nodes;
const none: MethodResult<"pinNode.ls"> = { nodes: [], next: null };
const nodes = (count: number, change: Partial<MethodResult<"pinNode.show">> = {}) => ({
  nodes: Array.from({ length: count }, (_, index) => ({ ...one, node: index, ...change })),
  next: null,
});
const argv = ["pin", "add", fileCid, "--size", "1MiB", "--nodes", "2", "--json"];
const isPaid = (): boolean => node.calls.some(({ name }) => name === "pinOrder.add");

describe("pin add", () => {
  it("pays nothing while no node has joined, and says how to wait", async () => {
    node.instead.set("pinNode.ls", () => none);
    const ended = await run(argv, { node });
    expect(ended.code).toBe(75);
    expect(jsonError(ended)).toMatchObject({
      code: "cli/no-pin-nodes",
      fix: expect.stringContaining("--wait-for-nodes"),
    });
    expect(isPaid()).toBe(false);
  });

  it("waits until so many have joined, have room and take the price", async () => {
    const answers = [none, nodes(1), nodes(2, { leastFilPerGiBPerDay: "0.02" }), nodes(2)];
    let looks = 0;
    node.instead.set("pinNode.ls", () => answers[Math.min(looks++, answers.length - 1)]);
    node.instead.set("chain.watch", () => answers.map(() => calls["chain.head"]));
    expect(await run([...argv, "--wait-for-nodes", "1m"], { node })).toMatchObject({ code: 0, err: "" });
    expect(looks).toBe(answers.length);
    expect(isPaid()).toBe(true);
  });

  it("says how many take the price when it has waited for nothing", async () => {
    node.instead.set("pinNode.ls", () => nodes(3, { capacityBytes: 2 ** 20, assignedBytes: 1 }));
    const ended = await run([...argv, "--wait-for-nodes", "1ms"], { node });
    expect(ended.code).toBe(exitCodes.timeout);
    expect(jsonError(ended)).toMatchObject({ code: "cli/too-few-pin-nodes" });
    expect(isPaid()).toBe(false);
    // Not told to wait, it buys of those that there are.
    node.instead.set("pinNode.ls", () => nodes(1));
    expect((await run(argv, { node })).code).toBe(0);
  });
});

describe("pin ask", () => {
  const order = calls["pinOrder.show"];
  const [holder] = order.holders;
  const holders = [0, 1, 2].map((of) => ({ ...holder, node: of, ask: null }));

  it("tells who was asked before it failed, and then why", async () => {
    const answers: unknown[] = [calls["pinOrder.ask"], calls["pinOrder.ask"], "none"];
    node.instead.set("pinOrder.show", () => ({ ...order, holders }));
    node.instead.set("pinOrder.ask", () => answers.shift());
    const ended = await run(["pin", "ask", "12", "--no-wait", "--json"], { node });
    const asked = ended.out.trim().split("\n");
    expect(asked.map((line) => JSON.parse(line).node)).toEqual([0, 1]);
    expect([ended.code, jsonError(ended).code]).toEqual([6, "api/bad-answer"]);
    expect(answers).toEqual([]);
  });

  it("says who cannot be asked: who holds nothing, and where all are being asked or nobody holds it yet", async () => {
    const refused = async (...argv: string[]) => {
      const ended = await run(["pin", "ask", "12", ...argv, "--json"], { node });
      expect(ended.code).toBe(exitCodes.refused);
      return jsonError(ended).message;
    };
    node.instead.set("pinOrder.show", () => ({ ...order, holders }));
    expect(await refused("9")).toBe("node 9 does not hold order 12");
    const ask = { answerBy: 140, depositFil: "0.01" };
    node.instead.set("pinOrder.show", () => ({ ...order, holders: [{ ...holder, ask }] }));
    expect(await refused()).toBe("all who hold order 12 are being asked already");
    node.instead.set("pinOrder.show", () => ({ ...order, holders: [{ ...holder, state: "assigned" }] }));
    expect(await refused()).toBe("no node holds order 12 yet");
  });
});

describe("the greeting of up", () => {
  const terminal = openTerminal(captured(), captured(), {});
  const view = { network: "local-1", roundMs: 1_000, state: "/net", readyMs: 1_000 };
  const made = (name: string, role: string) => ({ name, role, api: "", address: "", balanceFil: "1" });
  const files = [made("miner-1", "miner"), made("client", "client")];
  const text = async (...roles: readonly string[]): Promise<string> => {
    const up = await commandTable.commands.find(({ path }) => path.join(" ") === "up")?.action();
    const nodes = [...files, ...roles.map((role) => made(`${role}-1`, role))];
    const context = { terminal, env: { HOME: "/nowhere" } } as Partial<CommandContext> as CommandContext;
    return String(await up?.render({ ...view, nodes }, context));
  };

  it("names what to try with the nodes that there are, and how to have the others", async () => {
    const plain = await text();
    expect(plain).toContain("up --verifiers 1 --pinning-nodes 3");
    expect(plain).not.toMatch(/idle fill|pin add/);
    const all = await text("verifier", "pinning");
    expect(all).toMatch(/idle fill --max 96MiB --node miner-1/);
    expect(all).toMatch(/pin add FILE --wait-for-nodes/);
    expect(all).not.toContain("holdfast up");
    expect(await text("verifier")).toContain("up --pinning-nodes 3");
  });
});
