/** Longer and shorter lives of sectors in the model's words: what a message about them should do. */
import { attoFil, epoch, sectorId } from "@holdfast/base";
import { terminationFee, vmExitCodes as x } from "@holdfast/consensus";
import fc from "fast-check";
import { expect } from "vitest";
import type { MinerModel, ModelSector } from "./miner-model.ts";
import type { MinerWorld } from "./miner-world.ts";
import { pledge, worker } from "./world.ts";

export type TermsOp =
  | { readonly kind: "extend"; readonly ids: readonly number[]; readonly life: number }
  | { readonly kind: "terminate"; readonly ids: readonly number[] };

export const termsOps = (few: fc.Arbitrary<number[]>): fc.Arbitrary<TermsOp> =>
  fc.oneof(
    fc.record({
      kind: fc.constant("extend" as const),
      ids: few,
      life: fc.constantFrom(30, 90, 200, 400, 600),
    }),
    fc.record({ kind: fc.constant("terminate" as const), ids: few }),
  );

type Named = readonly [number, ModelSector | undefined];

function extend(m: MinerWorld, model: MinerModel, { ids, life }: Extract<TermsOp, { kind: "extend" }>): void {
  const height = m.world.height + 1;
  const expiration = epoch(height + life);
  const params = { sectorIds: ids.map((id) => sectorId(id)), expiration };
  const { exitCode } = m.world.send(worker, m.miner, "miner.extendSectors", params);
  model.block(height);
  const named = ids.map((id): Named => [id, model.sectors.get(id)]);
  const codeOf = ([, sector]: Named): number => {
    if (sector === undefined) return x.sectorNotFound;
    if (model.isFrozen(sector.deadline, height)) return x.deadlineFrozen;
    if (sector.faulty !== null || sector.end <= height) return x.sectorNotActive;
    return expiration <= sector.end ? x.expirationOutOfRange : x.ok;
  };
  const missing = named.reduce((sum, [, sector]) => sum + (pledge - (sector?.pledge ?? pledge)), 0n);
  const tooLong = life > model.params.maxSectorLifetimeEpochs ? x.expirationOutOfRange : undefined;
  const tooPoor = model.balance - model.pledge < missing ? x.insufficientPledge : x.ok;
  const expected = tooLong ?? named.map(codeOf).find((code) => code !== x.ok) ?? tooPoor;
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  for (const [, sector] of named)
    if (sector !== undefined) Object.assign(sector, { end: expiration, pledge });
}

function terminate(m: MinerWorld, model: MinerModel, ids: readonly number[]): void {
  const height = m.world.height + 1;
  const params = { sectorIds: ids.map((id) => sectorId(id)) };
  const { exitCode } = m.world.send(worker, m.miner, "miner.terminateSectors", params);
  model.block(height);
  const named = ids.map((id): Named => [id, model.sectors.get(id)]);
  const codes = named.map(([, sector]) => {
    if (sector === undefined) return x.sectorNotFound;
    return model.isFrozen(sector.deadline, height) ? x.deadlineFrozen : x.ok;
  });
  const expected = codes.find((code) => code !== x.ok) ?? x.ok;
  expect(exitCode).toBe(expected);
  if (expected !== x.ok) return;
  for (const [id, sector] of named) {
    if (sector === undefined) continue;
    model.sectors.delete(id);
    model.burn(sector.end > height ? terminationFee(sector.pledge) : attoFil(0n));
  }
}

export function applyTerms(m: MinerWorld, model: MinerModel, given: TermsOp): void {
  if (given.kind === "extend") extend(m, model, given);
  else terminate(m, model, given.ids);
}
