/** What `pin access`, `pin service` and `pin remote` do: the IPFS Pinning Service API, as server and as client. */
import { setTimeout as sleep } from "node:timers/promises";
import { type MethodResult, methods } from "@holdfast/api";
import { action } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { plural, shortId, sizeText } from "../human-text.ts";
import { argument, cidArgument, optionBytes, optionFlag, optionNumber, optionText } from "../input.ts";
import { facts, table } from "../layout.ts";
import { mostListed, pinStates, statesOf } from "./local-pins.ts";

type RemotePin = MethodResult<"remotePin.show">;

const tokenBytes = 4_096;
/** Between two questions whether a service has it. */
const lookMs = 1_000;

export const accessNew = action({
  result: methods["pinAccess.new"].result,
  async run({ node, signal }, input) {
    const maxBytes = optionBytes(input, "max");
    const wanted = { name: argument(input, 0, "the name"), ...(maxBytes === undefined ? {} : { maxBytes }) };
    return (await node()).call("pinAccess.new", wanted, signal);
  },
  render: ({ name, token, maxBytes, url }) =>
    facts([
      ["name", name],
      ["token", token],
      ["at most", maxBytes === null ? "what there is" : sizeText(maxBytes)],
      ["service", url ?? "none yet: set pins.listen in config.toml"],
      ...(url === null
        ? []
        : ([["with Kubo", `ipfs pin remote service add ${name} ${url} ${token}`]] as [string, string][])),
    ]),
});

export const accessList = action({
  result: methods["pinAccess.ls"].result,
  run: async ({ node, signal }) => (await node()).call("pinAccess.ls", {}, signal),
  render: (found) =>
    found.length === 0
      ? "nobody has access: `pin access new NAME` gives somebody a token"
      : table(
          ["NAME", "USED", "AT MOST"],
          found.map(({ name, usedBytes, maxBytes }) => [
            name,
            sizeText(usedBytes),
            maxBytes === null ? "-" : sizeText(maxBytes),
          ]),
        ),
});

export const accessRemove = action({
  result: methods["pinAccess.rm"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("pinAccess.rm", { name: argument(input, 0, "the name") }, signal),
  render: () => "access ended",
});

export const serviceAdd = action({
  result: methods["pinService.add"].result,
  async run({ node, signal, stdin }, input) {
    const name = argument(input, 0, "the name");
    const url = argument(input, 1, "the URL");
    const token = await tokenFrom(stdin);
    return (await node()).call("pinService.add", { name, url, token }, signal);
  },
  render: ({ name, url }) => `${name} is at ${url}`,
});

export const serviceList = action({
  result: methods["pinService.ls"].result,
  run: async ({ node, signal }) => (await node()).call("pinService.ls", {}, signal),
  render: (found) =>
    found.length === 0
      ? "no pinning service is known: `pin service add NAME URL`"
      : table(
          ["NAME", "URL"],
          found.map(({ name, url }) => [name, url]),
        ),
});

export const serviceRemove = action({
  result: methods["pinService.rm"].result,
  run: async ({ node, signal }, input) =>
    (await node()).call("pinService.rm", { name: argument(input, 0, "the name") }, signal),
  render: () => "forgotten",
});

export const remoteAdd = action({
  result: methods["remotePin.add"].result,
  async run({ node, signal, terminal }, input) {
    const service = optionText(input, "service") ?? "";
    const name = optionText(input, "name");
    const cid = cidArgument(input, 0, "the CID");
    const api = await node();
    let pin = await api.call(
      "remotePin.add",
      { service, cid, ...(name === undefined ? {} : { name }) },
      signal,
    );
    const isUnderWay = (): boolean => pin.state === "queued" || pin.state === "pinning";
    while (optionFlag(input, "wait") && isUnderWay()) {
      terminal.live([`${service}: ${pin.state} …`]);
      await sleep(lookMs, undefined, { signal });
      pin = await api.call("remotePin.show", { service, id: pin.id }, signal);
    }
    terminal.clear();
    return pin;
  },
  render: remoteText,
});

export const remoteList = action({
  result: methods["remotePin.ls"].result,
  async run({ node, signal }, input) {
    const name = optionText(input, "name");
    const states = statesOf(input);
    const filter = {
      service: optionText(input, "service") ?? "",
      states: states.length === 0 ? [...pinStates] : states,
      limit: optionNumber(input, "limit", mostListed) ?? 100,
      ...(name === undefined ? {} : { name }),
    };
    return (await node()).call("remotePin.ls", filter, signal);
  },
  render({ count, pins }) {
    if (count === 0) return "nothing is pinned there";
    const rows = pins.map(({ id, cid, name, state }) => [id, state, shortId(cid), name ?? ""]);
    const rest = count > pins.length ? `\n${pins.length} of ${plural(count, "pin")}` : "";
    return `${table(["ID", "STATE", "CID", "NAME"], rows)}${rest}`;
  },
});

export const remoteRemove = action({
  result: methods["remotePin.rm"].result,
  run: async ({ node, signal }, input) => {
    const service = optionText(input, "service") ?? "";
    return (await node()).call(
      "remotePin.rm",
      { service, id: argument(input, 0, "the id of the pin") },
      signal,
    );
  },
  render: () => "removed there",
});

function remoteText({ service, id, cid, name, state, details }: RemotePin): string {
  return facts([
    ["service", service],
    ["id", id],
    ["CID", cid],
    ...(name === null ? [] : ([["name", name]] as [string, string][])),
    ["state", state],
    ...(details === null ? [] : ([["it says", details]] as [string, string][])),
  ]);
}

async function tokenFrom(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stdin) {
    length += part.length;
    if (length > tokenBytes) break;
    parts.push(Uint8Array.from(part));
  }
  const token = Buffer.concat(parts).toString("utf8").trim();
  if (!/^[!-~]{1,4096}$/.test(token))
    throw cliErrors.badValue({
      problem: "standard input holds no token: one line of visible ASCII characters",
    });
  return token;
}
