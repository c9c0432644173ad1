/** Consensus faults on the chain: which there are, who reports them, what they cost, once. */
import type { Address } from "@holdfast/base";
import { attoFil, epoch, filToAtto } from "@holdfast/base";
import type { BlockHeader } from "@holdfast/consensus";
import { blockCid, consensusFaultOf, none, reporterShare, signBlock, vmExitCodes } from "@holdfast/consensus";
import { beforeEach, describe, expect, it } from "vitest";
import { createMinerWorld, type MinerWorld } from "./miner-world.ts";
import {
  alice,
  bob,
  carol,
  openingBalance,
  owner,
  pledge,
  testNetworkId,
  World,
  worker,
  workerKey,
} from "./world.ts";

let m: MinerWorld;
beforeEach(() => {
  m = createMinerWorld(new World(), filToAtto(10n));
});

describe("reportConsensusFault", () => {
  const header = (over: Partial<BlockHeader> = {}): Omit<BlockHeader, "signature"> => ({
    miner: m.miner,
    height: m.world.height,
    parents: [],
    parentWeight: 0n,
    parentState: m.world.state,
    ticket: new Uint8Array(96),
    electionProof: new Uint8Array(96),
    winningPost: new Uint8Array(10),
    stateRoot: m.world.state,
    messages: m.world.state,
    receipts: m.world.state,
    timestampMs: 1,
    ...over,
  });
  const signed = (over: Partial<BlockHeader> = {}, key = worker.privateKey) =>
    signBlock(key, testNetworkId, header(over));
  const report = (
    first: BlockHeader,
    second: BlockHeader,
    given: { readonly to?: Address; readonly witness?: BlockHeader } = {},
  ) =>
    m.world.send(bob, given.to ?? m.miner, "miner.reportConsensusFault", {
      first,
      second,
      witness: given.witness ?? null,
    });

  beforeEach(() => {
    m.addSector(1);
    m.preCommit(2);
  });

  it("takes all sectors, pledge and power for two blocks of one height, and pays the reporter", () => {
    const { exitCode } = report(signed(), signed({ parentWeight: 2n }));
    expect(exitCode).toBe(0);
    const lost = attoFil(2n * pledge);
    const share = reporterShare(lost);
    expect(m.view).toMatchObject({
      power: 0n,
      pledge: 0n,
      sectorCount: 0,
      preCommitCount: 0,
      burnt: lost,
      freeBalance: filToAtto(8n),
      slashedAt: m.world.height,
    });
    expect(m.world.balance(bob.address)).toBe(openingBalance + share);
    expect(m.world.ask(m.world.builtins.market, "market.getTotalPower", none).returns).toBe(0n);
    expect(m.world.money().burnt).toBe(lost - share);
    m.mineToJudgement();
    expect(m.view.deadline).toBeNull();
  });

  it("punishes a fault once", () => {
    const [first, second] = [signed(), signed({ parentWeight: 2n })];
    report(first, second);
    m.addSector(3);
    expect(report(first, second).exitCode).toBe(vmExitCodes.faultReportInvalid);
    expect(report(first, signed({ height: first.height, parentWeight: 3n })).exitCode).toBe(
      vmExitCodes.faultReportInvalid,
    );
    expect(m.view.power).toBe(1024n);
    expect(report(signed(), signed({ parentWeight: 2n })).exitCode).toBe(0);
  });

  it("refuses everything that does not prove a fault of this miner", () => {
    const first = signed();
    const foreign = { miner: m.world.blockMiner };
    const reports: readonly (readonly [BlockHeader, BlockHeader])[] = [
      [first, first],
      [first, { ...first, signature: new Uint8Array(65) }],
      [first, signed({ height: epoch(first.height - 1), parents: [blockCid(signed(foreign))] })],
      [first, signed({ parentWeight: 2n }, alice.privateKey)],
      [signed(foreign), signed({ ...foreign, parentWeight: 2n })],
      [signed({ height: epoch(900) }), signed({ height: epoch(900), parentWeight: 2n })],
    ];
    for (const [a, b] of reports) expect(report(a, b).exitCode).toBe(vmExitCodes.faultReportInvalid);
    expect(m.view).toMatchObject({ power: 1024n, burnt: 0n, slashedAt: null });
  });

  it("takes the signature of a header for no second block", () => {
    const first = signed();
    const again = { ...first, signature: Uint8Array.from(first.signature).reverse() };
    expect(consensusFaultOf(first, again, null)).toBeUndefined();
  });

  it("blames nobody for a height that it has signed on another network with the same keys", () => {
    const [here, there] = [signed(), signed({ parentWeight: 2n, timestampMs: 2 })];
    expect(consensusFaultOf(here, there, null)).toBeUndefined();
    expect(report(here, there).exitCode).toBe(vmExitCodes.faultReportInvalid);
    expect(m.view).toMatchObject({ power: 1024n, slashedAt: null });
  });

  it("names two blocks on the same parents a time offset, whatever their heights", () => {
    const parents = [blockCid(signed({ parentWeight: 9n }))];
    const first = signed({ parents, height: epoch(m.world.height - 1) });
    const second = signed({ parents });
    expect(consensusFaultOf(first, second, null)).toBe("time-offset");
    expect(report(second, first).exitCode).toBe(0);
    expect(m.view).toMatchObject({ power: 0n, slashedAt: m.world.height });
  });

  it("names a block that leaves its own brother out a grinding of parents", () => {
    const parents = [blockCid(signed({ parentWeight: 9n }))];
    const height = epoch(m.world.height - 1);
    const first = signed({ parents, height });
    const witness = signBlock(
      alice.privateKey,
      testNetworkId,
      header({ parents, height, miner: m.world.blockMiner }),
    );
    const grinding = signed({ parents: [blockCid(witness)] });
    const honest = signed({ parents: [blockCid(first), blockCid(witness)] });
    expect(consensusFaultOf(first, grinding, witness)).toBe("parent-grinding");
    expect(consensusFaultOf(first, honest, witness)).toBeUndefined();
    expect(consensusFaultOf(first, grinding, null)).toBeUndefined();
    const other = { ...witness, height: epoch(height - 1) };
    expect(consensusFaultOf(first, grinding, other)).toBeUndefined();
    const stranger = signBlock(
      alice.privateKey,
      testNetworkId,
      header({ parents: [], height, miner: m.world.blockMiner }),
    );
    expect(consensusFaultOf(first, signed({ parents: [blockCid(stranger)] }), stranger)).toBeUndefined();
    expect(report(first, grinding).exitCode).toBe(vmExitCodes.faultReportInvalid);
    expect(report(first, grinding, { witness }).exitCode).toBe(0);
  });

  it("is not escaped by changing the worker", () => {
    const change = { worker: alice.address, workerKey };
    m.world.send(owner, m.miner, "miner.changeWorker", change);
    m.world.mineTo(m.world.height + m.world.params.finalityEpochs);
    expect(m.world.send(bob, m.miner, "miner.confirmWorker", none).exitCode).toBe(0);
    expect(m.view.worker).toBe(alice.address);
    const old = [signed(), signed({ parentWeight: 2n })] as const;
    const mixed = [signed(), signed({ parentWeight: 2n }, alice.privateKey)] as const;
    expect(report(...old).exitCode).toBe(0);
    m.world.mineTo(m.world.height + 1);
    expect(report(signed(), signed({ parentWeight: 2n }, alice.privateKey)).exitCode).toBe(0);
    expect(report(...mixed).exitCode).toBe(vmExitCodes.faultReportInvalid);
    m.world.mineTo(m.world.height + m.world.params.finalityEpochs);
    expect(report(signed(), signed({ parentWeight: 2n })).exitCode).toBe(vmExitCodes.faultReportInvalid);
  });

  it("refuses a fault that is older than the chain's finality", () => {
    const height = m.world.height;
    const pair = [signed({ height }), signed({ height, parentWeight: 2n })] as const;
    m.world.mineTo(height + m.world.params.finalityEpochs);
    expect(report(...pair).exitCode).toBe(vmExitCodes.faultReportInvalid);
  });

  it("does not touch another miner", () => {
    const other = m.world.blockMiner;
    expect(report(signed(), signed({ parentWeight: 2n }), { to: other }).exitCode).toBe(
      vmExitCodes.faultReportInvalid,
    );
    expect(m.world.ask(other, "miner.getOwner", none).returns).toBe(carol.address);
  });
});
