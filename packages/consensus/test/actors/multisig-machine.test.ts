/** The multisig against a model: any sequence of calls does what the rules on paper say. */
import type { Address } from "@holdfast/base";
import { attoFil } from "@holdfast/base";
import { loadTransactions, multisigStateCodec, vmExitCodes as x } from "@holdfast/consensus";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brokenMultisig } from "./canaries.ts";
import { created, pays, trio, view } from "./multisigs.ts";
import { type Account, account, alice, bob, carol, owner, World } from "./world.ts";

/** The model: what a reader of the rules would write down on paper. */
interface Paper {
  readonly signers: Set<Address>;
  threshold: number;
  balance: bigint;
  nextId: number;
  readonly open: Map<number, { proposer: Address; value: bigint; approvals: Set<Address> }>;
}

type Op =
  | { readonly kind: "propose"; readonly by: number; readonly value: number }
  | { readonly kind: "approve" | "cancel"; readonly by: number; readonly pick: number }
  | { readonly kind: "deposit"; readonly value: number };

const people: readonly Account[] = [alice, bob, carol, owner];
const person = fc.nat({ max: people.length - 1 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("propose" as const), by: person, value: fc.nat({ max: 8 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("approve" as const, "approve" as const, "approve" as const, "cancel" as const),
      by: person,
      pick: fc.nat({ max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deposit" as const), value: fc.nat({ max: 6 }) }) },
);

/** Exit code of the message, and of the transaction if it was executed. */
function predict(paper: Paper, id: number, by: Address): readonly [number, number?] {
  const transaction = paper.open.get(id);
  if (transaction === undefined) return [x.transactionNotFound];
  transaction.approvals.add(by);
  if (transaction.approvals.size < paper.threshold) return [0];
  // For want of money it stays open, to be tried again.
  if (paper.balance < transaction.value) return [0, x.fundsLocked];
  paper.open.delete(id);
  paper.balance -= transaction.value;
  return [0, 0];
}

function expected(paper: Paper, step: Op, ids: readonly number[]): readonly [number, number?] {
  if (step.kind === "deposit") {
    paper.balance += BigInt(step.value);
    return [0];
  }
  const by = (people[step.by] as Account).address;
  if (!paper.signers.has(by)) return [x.notSigner];
  if (step.kind === "propose") {
    const id = paper.nextId++;
    paper.open.set(id, { proposer: by, value: BigInt(step.value), approvals: new Set() });
    return predict(paper, id, by);
  }
  const id = ids[step.pick % Math.max(ids.length, 1)] ?? 0;
  const transaction = paper.open.get(id);
  if (transaction === undefined) return [x.transactionNotFound];
  if (step.kind === "cancel") {
    if (transaction.proposer !== by) return [x.notProposer];
    paper.open.delete(id);
    return [0];
  }
  const isWaiting = transaction.approvals.size < paper.threshold;
  return isWaiting && transaction.approvals.has(by) ? [x.alreadyApproved] : predict(paper, id, by);
}

function play(world: World, multisig: Address, step: Op): readonly [number, number?] {
  if (step.kind === "deposit") {
    world.transfer(owner, multisig, attoFil(BigInt(step.value)));
    return [0];
  }
  const by = people[step.by] as Account;
  if (step.kind === "propose") {
    const { exitCode, returns } = world.send(
      by,
      multisig,
      "multisig.propose",
      pays(worldSink, BigInt(step.value)),
    );
    return returns?.outcome == null ? [exitCode] : [exitCode, returns.outcome.exitCode];
  }
  const { transactions } = view(world, multisig);
  const found = transactions[step.pick % Math.max(transactions.length, 1)];
  const ref = { transactionId: found?.transactionId ?? 0, hash: found?.hash ?? new Uint8Array(32) };
  if (step.kind === "cancel") return [world.send(by, multisig, "multisig.cancel", ref).exitCode];
  const { exitCode, returns } = world.send(by, multisig, "multisig.approve", ref);
  return returns?.outcome == null ? [exitCode] : [exitCode, returns.outcome.exitCode];
}

const worldSink = account("sink").address;

function follows(steps: readonly Op[], codes?: ReturnType<typeof brokenMultisig>): void {
  const world = codes === undefined ? new World() : new World({ codes });
  const multisig = created(world, { value: attoFil(20n) });
  const paper: Paper = { signers: new Set(trio), threshold: 2, balance: 20n, nextId: 0, open: new Map() };
  for (const step of steps) {
    const ids = view(world, multisig).transactions.map(({ transactionId }) => transactionId);
    expect(ids).toEqual([...paper.open.keys()]);
    const want = expected(paper, step, ids);
    expect(play(world, multisig, step)).toEqual(want);
    expect(view(world, multisig).balance).toBe(paper.balance);
    world.money();
  }
}

describe("any sequence of calls", () => {
  const sequences = fc.array(op, { minLength: 1, maxLength: 30, size: "max" });

  it("does what the rules on paper say", () => {
    fc.assert(
      fc.property(sequences, (steps) => follows(steps)),
      { numRuns: 60, seed: 7 },
    );
  });

  it("is checked well enough that planted faults are found", () => {
    const faults = [
      // A second approval of the same signer counts.
      brokenMultisig("approve", (ctx, { transactionId }, run) => {
        const state = ctx.readState(multisigStateCodec);
        if (transactionId > 1) ctx.writeState(multisigStateCodec, { ...state, threshold: 1 });
        const result = run();
        ctx.writeState(multisigStateCodec, {
          ...ctx.readState(multisigStateCodec),
          threshold: state.threshold,
        });
        return result;
      }),
      // What failed for want of money is gone.
      brokenMultisig("approve", (ctx, _params, run) => {
        const result = run();
        if (result.outcome?.exitCode !== x.fundsLocked) return result;
        const state = ctx.readState(multisigStateCodec);
        const open = loadTransactions(ctx.store, state);
        open.delete(result.transactionId);
        ctx.writeState(multisigStateCodec, { ...state, transactions: open.flush() });
        return result;
      }),
      // A number is given out twice after a cancellation.
      brokenMultisig("cancel", (ctx, _params, run) => {
        const result = run();
        const state = ctx.readState(multisigStateCodec);
        ctx.writeState(multisigStateCodec, { ...state, nextTransactionId: state.nextTransactionId - 1 });
        return result;
      }),
    ];
    for (const codes of faults) {
      const found = fc.check(
        fc.property(sequences, (steps) => follows(steps, codes)),
        { numRuns: 200, seed: 7, endOnFailure: true },
      );
      expect(found.failed).toBe(true);
    }
  });
});
