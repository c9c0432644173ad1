/**
 * All money there is, as a waterfall: what lies in balances, open channels, pledges and what was burnt, one
 * behind the other, ends where the genesis block's total ends. The page adds it up itself, in attoFIL.
 */
import type { MethodResult } from "@holdfast/api/methods";
import { parseFil } from "@holdfast/base/human";
import { commandLine } from "../command-lines.ts";
import { numberText } from "../texts.ts";
import { el, type Tree } from "./element.ts";
import { bar, chip, emptyNote, fil, type Look, panel } from "./parts.ts";

type Money = MethodResult<"chain.money">;

const rows = [
  { name: "balances", about: "accounts, miners and rewards to come" },
  {
    name: "escrow",
    about: "in open payment channels, collateral of deals, stakes and bonds of idle space and pinning",
  },
  { name: "pledge", about: "what miners answer with" },
  { name: "burnt", about: "fees for missed proofs" },
] as const;

export function money(look: Look): Tree {
  const { model } = look;
  const { value, failure } = model.parts.money;
  return panel(
    look,
    {
      id: "money",
      title: "Money",
      commands: [commandLine(model.status?.name ?? "", "chain", "money")],
      failure,
      ...(value === undefined ? {} : { note: `at height ${numberText(value.height)}` }),
    },
    value === undefined ? emptyNote("The sum comes with the first answer.") : waterfall(value),
  );
}

function waterfall(value: Money): Tree {
  const amounts = [value.balancesFil, value.escrowFil, value.pledgeFil, value.burntFil];
  const total = parseFil(value.totalFil);
  let below = 0n;
  const steps = rows.map((row, index) => {
    const amountFil = amounts[index] ?? "0";
    const from = below;
    below += parseFil(amountFil);
    return { ...row, amountFil, from: ratio(from, total), length: ratio(below - from, total) };
  });
  const isExact = below === total && total === parseFil(value.genesisTotalFil);
  return el(
    "dl",
    { class: "waterfall" },
    steps.map(({ name, about, amountFil, from, length }) =>
      el(
        "div",
        { key: name, title: about },
        el("dt", null, name),
        el("dd", null, fil(amountFil)),
        bar(from, length, name),
      ),
    ),
    el(
      "div",
      { class: "total", key: "total" },
      el("dt", null, "total ", isExact ? chip("good", "exact") : chip("bad", "not what genesis held")),
      el("dd", null, fil(value.totalFil)),
    ),
  );
}

const precision = 1_000_000n;

/** What is there is never nothing, however small beside the whole. */
function ratio(part: bigint, total: bigint): number {
  const millionths = total === 0n ? 0n : (part * precision) / total;
  return Number(part > 0n && millionths === 0n ? 1n : millionths) / Number(precision);
}
