/** What the commands of the light client do: follow, ask, and say what is believed and why. */
import { join } from "node:path";
import { z } from "zod";
import { action, type CommandAction, type CommandContext, type CommandInput } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { fil, plural, roughly } from "../human-text.ts";
import { addressArgument, anyNumber, argument, optionList, optionText, wholeNumber } from "../input.ts";
import { type Fact, facts } from "../layout.ts";
import { offline } from "../offline.ts";
import { nodeFetch } from "../transport.ts";
import { defaultRepo } from "../up-record.ts";

const providerReport = z.object({
  name: z.string(),
  verdict: z.enum(["agrees", "behind", "unsigned", "lighter", "elsewhere", "refused"]),
  height: z.int(),
  forkHeight: z.int().nullable(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
});

const belief = z.object({
  network: z.string(),
  genesis: z.string(),
  anchor: z.string(),
  trusted: z.object({
    height: z.int(),
    cids: z.array(z.string()),
    stateRoot: z.string(),
    timestampMs: z.number(),
  }),
  because: z
    .object({
      depth: z.int(),
      finalityEpochs: z.int(),
      signers: z.int(),
      signedPowerBytes: z.string(),
      totalPowerBytes: z.string(),
    })
    .nullable(),
  newest: z.object({ height: z.int(), timestampMs: z.number() }),
  checkedMs: z.number(),
  providers: z.array(providerReport),
});
type Belief = z.output<typeof belief>;

const fileOf = (input: CommandInput, { env }: CommandContext): string =>
  optionText(input, "file") ?? join(defaultRepo(env), "light.json");

async function opened(context: CommandContext, input: CommandInput) {
  const { env, signal, terminal } = context;
  const urls = optionList(input, "url");
  for (const url of urls) {
    if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url))
      throw cliErrors.badValue({ problem: `--url ${url} is not a URL such as http://127.0.0.1:3453` });
  }
  const { light } = await offline();
  const { openLight, plainJson } = await light();
  const named = (name: "genesis" | "checkpoint" | "invitation") => {
    const text = optionText(input, name);
    return text === undefined ? {} : { [name]: text };
  };
  const session = await openLight({
    file: fileOf(input, context),
    peers: optionList(input, "peer"),
    urls,
    token: env.HOLDFAST_TOKEN ?? "",
    ...named("genesis"),
    ...named("checkpoint"),
    ...named("invitation"),
    fetch: nodeFetch,
    signal,
    onProgress: (trusted, top) => terminal.live([`trusted to height ${trusted}, headers to ${top}`]),
  });
  terminal.clear();
  return { session, plainJson };
}

export const lightSync = action({
  result: belief,
  async run(context, input) {
    const { session } = await opened(context, input);
    await using _session = session;
    return session.view;
  },
  render: (view, context) => shown(view, context),
});

export const lightStatus = action({
  result: belief,
  async run(context, input) {
    const { light } = await offline();
    return (await light()).readLight(fileOf(input, context));
  },
  render: (view, context) => shown(view, context),
});

function shown(view: Belief, { terminal }: CommandContext): string {
  const { trusted, newest, checkedMs, providers } = view;
  if (providers.length === 1) {
    terminal.hint(
      "one node alone can hide newer blocks, or lead to a fork that others have left: name several with --peer",
    );
  }
  const age = (ms: number): string => `${roughly(Math.max(0, checkedMs - ms))} old`;
  return facts([
    ["network", view.network],
    ["genesis", view.genesis],
    ["began at", view.anchor],
    ["trusted", [`height ${trusted.height}, ${age(trusted.timestampMs)} when checked`, ...trusted.cids]],
    ["state", trusted.stateRoot],
    ["because", because(view)],
    [
      "newest",
      `height ${newest.height}, ${age(newest.timestampMs)} when checked; the network may still leave it`,
    ],
    ["checked", new Date(checkedMs).toISOString()],
    ...(providers.length === 0 ? [] : [["asked", providers.map(providerLine)] satisfies Fact]),
  ]);
}

function because({ because: why, anchor, trusted }: Belief): string {
  if (why === null) {
    return anchor === "genesis" && trusted.height === 0
      ? "it is the genesis that you named; nothing above it is final yet"
      : "the checkpoint that you named stands on it; nothing above it is final yet";
  }
  const total = BigInt(why.totalPowerBytes);
  const percent = total === 0n ? 0 : Number((BigInt(why.signedPowerBytes) * 1000n) / total) / 10;
  return (
    `${plural(why.signers, "miner")} with ${percent} % of the power trusted before have signed blocks above it, ` +
    `${why.depth} epochs deep (finality is ${why.finalityEpochs})`
  );
}

function providerLine({
  name,
  verdict,
  height,
  forkHeight,
  detail,
  code,
}: Belief["providers"][number]): string {
  switch (verdict) {
    case "agrees":
      return `${name}: this chain, to height ${height}`;
    case "behind":
      return `${name}: this chain, only to height ${height}`;
    case "unsigned":
      return `${name}: this chain, with headers to height ${height} that no miner with power has signed`;
    case "lighter":
      return `${name}: another chain from height ${forkHeight ?? 0} on, which weighs less`;
    default:
      return `${name}: ${verdict}: ${detail ?? ""} (${code ?? ""})`;
  }
}

const proven = z.object({ height: z.int(), found: z.boolean(), state: z.json() });

type Session = Awaited<ReturnType<typeof opened>>["session"];
type Question = Parameters<Session["ask"]>[0];

/** An answer with what it rests on. */
function question(read: (input: CommandInput) => Question): CommandAction {
  return action({
    result: z.object({ answer: proven, belief }),
    async run(context, input) {
      const asked = read(input);
      const { session, plainJson } = await opened(context, input);
      await using _session = session;
      const { view } = session;
      const answer = await session.ask(asked);
      const { height } = view.trusted;
      const state = answer === undefined ? null : plainJson(answer);
      return { answer: { height, found: answer !== undefined, state }, belief: view };
    },
    render: ({ answer, belief: view }, { terminal }) => {
      explain(view, terminal);
      if (!answer.found) return `proven: there is none at height ${answer.height}`;
      return `${JSON.stringify(answer.state, null, 2)}\nproven at height ${answer.height}`;
    },
  });
}

function explain(view: Belief, terminal: CommandContext["terminal"]): void {
  terminal.hint(because(view));
}

const channelAt = (input: CommandInput, index: number) =>
  wholeNumber(argument(input, index, "the number"), "the number", anyNumber) as never;
const addressAt = (input: CommandInput, index: number) =>
  addressArgument(input, index, "the address") as never;

const lightBalance = action({
  result: z.object({
    answer: z.object({ height: z.int(), address: z.string(), balanceFil: z.string(), found: z.boolean() }),
    belief,
  }),
  async run(context, input) {
    const address = addressArgument(input, 0, "the address");
    const { session, plainJson } = await opened(context, input);
    await using _session = session;
    const { view } = session;
    const actor = await session.ask({ kind: "actor", address: address as never });
    const balanceFil = actor === undefined ? "0" : String(plainJson(actor.balance));
    const { height } = view.trusted;
    return { answer: { height, address, balanceFil, found: actor !== undefined }, belief: view };
  },
  render: ({ answer, belief: view }, { terminal }) => {
    explain(view, terminal);
    const found = answer.found ? "" : "; there is no such actor";
    return `${fil(answer.balanceFil)}, proven at height ${answer.height}${found}`;
  },
});

export const lightQuestions: { readonly [word: string]: CommandAction } = {
  balance: lightBalance,
  actor: question((input) => ({ kind: "actor", address: addressAt(input, 0) })),
  miner: question((input) => ({ kind: "miner", address: addressAt(input, 0) })),
  sector: question((input) => ({
    kind: "sector",
    miner: addressAt(input, 0),
    sector: channelAt(input, 1),
  })),
  deal: question((input) => ({ kind: "deal", client: addressAt(input, 0), channel: channelAt(input, 1) })),
  channel: question((input) => ({
    kind: "channel",
    payer: addressAt(input, 0),
    channel: channelAt(input, 1),
  })),
};
