/** Bugs of attested pinning, and of who vouches for idle space; see bugs.ts. */
import type { Bug } from "./bugs.ts";

const law = "packages/consensus/src";
const node = "packages/node/src";

export const pinBugs: readonly Bug[] = [
  {
    name: "answers of idle space are not looked at",
    file: `${law}/actors/idle/audit.ts`,
    find: "if (!auditor.isOpened(total, opened)) {",
    put: "if (opened.index < 0) {",
  },
  {
    name: "a verifier that lies keeps its office",
    file: `${law}/actors/idle/registry.ts`,
    find: "readVerifiers(ctx).filter((verifier) => verifier.operator !== operator),",
    put: "readVerifiers(ctx).filter((verifier) => verifier.operator !== ctx.message.from),",
    seed: 1_073,
  },
  {
    name: "a report is worth the same after a slot without one",
    file: `${law}/actors/pins/reports.ts`,
    find: "const counted = report.slot >= unpaidBefore ? pinAccuracy(report) : 0;",
    put: "const counted = pinAccuracy(report);",
  },
  {
    name: "a chain that stood still costs pinning nodes their pay",
    file: `${law}/actors/pins/reports.ts`,
    find: "if (!missed || witness === null || witness <= lastSlot) return node.unpaidBefore;",
    put: "if (!missed) return node.unpaidBefore;",
  },
  {
    name: "a pinning node is paid for a slot again",
    file: `${law}/actors/pins/book.ts`,
    find: "replica: { ...replica, paidIndex } };",
    put: "replica };",
    seed: 1_041,
  },
  {
    name: "an order counts from the slot in which it was confirmed",
    file: `${law}/actors/pins/book.ts`,
    find: "paidIndex: mark.index, place: setCount };",
    put: "paidIndex: 0, place: setCount };",
  },
  {
    name: "who removes an order gets back what this slot costs",
    file: `${law}/actors/pins/orders.ts`,
    find: "const kept = addAtto(pinCost(settled, 1), book.owedToAsked(pin, book.slot));",
    put: "const kept = book.owedToAsked(pin, book.slot);",
  },
  {
    name: "the newest slots are credited while an order runs",
    file: `${law}/actors/pins/orders.ts`,
    find: "else book.settle(pin, book.creditedSlot);",
    put: "else book.settle(pin, book.slot);",
  },
  {
    name: "anybody takes what a pinning node has earned",
    file: `${law}/actors/pins/book.ts`,
    find: "if (node.operator === this.#ctx.message.from) return node;",
    put: "if (node.operator !== this.#ctx.builtins.pins) return node;",
  },
  {
    name: "earnings of a pinning node stay after they were paid",
    file: `${law}/actors/pins/nodes.ts`,
    find: "book.setNode(number, { ...node, earned: 0n as AttoFil });\n  book.giveOut(node.earned);",
    put: "book.giveOut(node.earned);",
  },
  {
    name: "a stake is free while it can be disputed",
    file: `${law}/actors/pins/nodes.ts`,
    find: "book.slot > node.endedIn + ctx.params.pinDisputeSlots;",
    put: "book.slot > node.endedIn;",
  },
  {
    name: "who shows a lie about pins gets the whole stake",
    file: `${law}/actors/pins/disputes.ts`,
    find: "const reward = ceilDivAtto(node.stake, 1n, reporterDivisor);",
    put: "const reward = node.stake;",
  },
  {
    name: "a true report can be disproved",
    file: `${law}/actors/pins/disputes.ts`,
    find: "if (end.block.equals(block) && equalBytes(end.answer, answer) && end.bytes === bytes) {",
    put: "if (end.bytes < 0 && end.block.equals(block) && equalBytes(answer, answer) && bytes < 0) {",
  },
  {
    name: "a challenge is closed without its deposit",
    file: `${law}/actors/pins/disputes.ts`,
    find: "const paid = addAtto(challenge.deposit, reward);",
    put: "const paid = reward;",
  },
  {
    name: "nobody looks whether a report is signed",
    file: `${law}/types/pin-judge.ts`,
    find: 'return isPinReportSigned(report, facts.networkId) ? undefined : "pinSignatureInvalid";',
    put: "return undefined;",
  },
  {
    name: "a pinning node chooses its samples",
    file: `${law}/types/pin-judge.ts`,
    find: 'if (!areSamplesDrawn(report, facts)) return "pinSamplesWrong";',
    put: "if (!areSamplesDrawn(report, facts) && report.slot < 0) return undefined;",
  },
  {
    name: "a report of a past slot counts again",
    file: `${law}/types/pin-judge.ts`,
    find: 'if (report.slot < slot) return "pinReportLate";',
    put: "",
    behind: "a report that is not after the node's last one is a replay, and its draw is another",
  },
  {
    name: "a buyer's question that was answered costs the node its pay",
    file: `${law}/actors/pins/asks.ts`,
    find: "const deposit = book.answered(pin, replica);",
    put: "const deposit = book.drop(pin, replica);",
  },
  {
    name: "lies in reports are taken for the truth",
    file: `${node}/posc/checks.ts`,
    find: "block?.equals(end.block) === true && equalBytes(end.answer, answer) && end.bytes === bytes;",
    put: "block !== null && end.bytes >= 0 && bytes >= 0 && answer.length > 0;",
  },
  {
    name: "a pinning node leaves its challenges to others",
    file: `${node}/posc/asks.ts`,
    find: "if (asked !== node) continue;",
    put: "if (asked === node) continue;",
  },
  {
    name: "a node that is numbered anew goes on under its old number",
    file: `${node}/posc/entry.ts`,
    find: "const found = key === undefined ? undefined : view.nodeOfKey(key);",
    put: "const found = key === undefined ? undefined : known;",
  },
  {
    name: "an order is confirmed before it is pinned",
    file: `${node}/posc/keeper.ts`,
    find: 'if (found?.state === "pinned" && found.bytes <= pin.bytes) held.push(number);',
    put: "held.push(number);",
    behind: "walks are tried before anything is confirmed",
  },
];
