/** The first state: reproducible, complete, and every view of it says what the specification put in. */
import type { AttoFil, CID } from "@holdfast/base";
import {
  addressBytes,
  attoFil,
  channelId,
  epoch,
  filToAtto,
  Hamt,
  HoldfastError,
  MemoryBlockstore,
  nonce,
  sectorId,
} from "@holdfast/base";
import type { GenesisSpec } from "@holdfast/consensus";
import {
  actorRecordCodec,
  builtinAddresses,
  codeNameOfCid,
  createGenesis,
  createTipset,
  genesisMinerAddress,
  listActors,
  listChannels,
  listMiners,
  maxFaultReportBytes,
  moneyInvariant,
  networkIdOf,
  provingPeriodAt,
  readActor,
  readChannel,
  readElectionFacts,
  readMinerState,
  readNetworkParams,
  readPower,
  readPowerTable,
  readPreCommit,
  readSector,
  readSectors,
  rewardReserve,
} from "@holdfast/consensus";
import { describe, expect, it } from "vitest";
import { createWorld, keysOf, sectorBytes } from "./support/world.ts";

const world = createWorld({ miners: [3, 1, 0] });
const { store, params, miners, accounts } = world;
const { state, total, header } = world.genesis;
const builtins = builtinAddresses(1);
const [big, small, idle] = miners.map((miner) => miner.address) as [
  (typeof miners)[0]["address"],
  (typeof miners)[0]["address"],
  (typeof miners)[0]["address"],
];

function codeOf(run: () => unknown): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

describe("the genesis", () => {
  it("is the same for the same specification, and another for another name", () => {
    expect(createWorld({ miners: [3, 1, 0] }).genesis.cid.toString()).toBe(world.genesis.cid.toString());
    const other = createWorld({ miners: [3, 1, 0], params: { name: "other" } });
    expect(other.genesis.cid.toString()).not.toBe(world.genesis.cid.toString());
    expect(networkIdOf(other.params)).not.toEqual(networkIdOf(params));
  });

  it("makes a tipset without weight", () => {
    const tipset = createTipset([header]);
    expect(tipset).toMatchObject({ height: 0, parents: [], parentWeight: 0n });
    expect(tipset.minTicket).toHaveLength(96);
  });

  it("holds the reserve and every account", () => {
    expect(readActor(store, state, builtins.reward)?.balance).toBe(rewardReserve);
    expect(rewardReserve).toBe(filToAtto(10n ** 10n));
    for (const { address } of accounts) {
      expect(codeNameOfCid(readActor(store, state, address)?.code as CID)).toBe("accountactor");
    }
    const report = moneyInvariant(store, state, total);
    const pledge = 4n * params.minPledgePerSector;
    expect(report).toMatchObject({ escrow: 0n, pledge, burnt: 0n, total });
    expect(report.balances).toBe(total - pledge);
  });

  it("knows its parameters", () => {
    expect(readNetworkParams(store, state)).toEqual(params);
  });

  it("refuses a specification that contradicts itself", () => {
    const [account] = accounts;
    const address = account?.address ?? big;
    const key = new Uint8Array(48).fill(0x81);
    const sector = {
      sectorId: sectorId(1),
      sectorBytes,
      commD: new Uint8Array(32),
      commR: new Uint8Array(32),
      commRStar: new Uint8Array(32),
    };
    const miner = { owner: address, worker: address, workerKey: key, peerId: "p", balance: filToAtto(1) };
    const make = (change: Partial<GenesisSpec>) =>
      codeOf(() =>
        createGenesis(
          { params, accounts: [], miners: [], timestampMs: 0, ...change },
          new MemoryBlockstore(),
        ),
      );
    const accountOf = (balance: AttoFil) => ({ address, balance });
    expect(make({})).toBe("accepted");
    for (const change of [
      { proofWindowEpochs: params.provingPeriodEpochs },
      { proofWindowEpochs: params.provingPeriodEpochs / params.deadlinesPerPeriod + 1 },
      { proofWindowEpochs: 0 },
      { deadlinesPerPeriod: 0 },
      { deadlinesPerPeriod: 1 },
      { deadlinesPerPeriod: 7 },
      { deadlinesPerPeriod: 2, proofWindowEpochs: 30 },
      { declarationCutoffEpochs: 24 },
      { partitionSectors: 0 },
      { preCommitExpiryEpochs: 10 ** 6 },
      { maxMessageBytes: maxFaultReportBytes - 1 },
      { maxMessageBytes: 2 ** 23 },
      { blockGasLimit: 1_000_000 },
      { blockReward: attoFil(-1n) },
      { minPledgePerSector: attoFil(0n) },
      { upgradeAuthority: builtinAddresses(0).burnt },
      { networkByte: 0 as const },
      { networkByte: 0 as const, softwareAttestation: false, faucetAmount: attoFil(1n) },
    ]) {
      expect(make({ params: { ...params, ...change } })).toBe("genesis/invalid-params");
    }
    expect(make({ accounts: [accountOf(attoFil(1n)), accountOf(attoFil(2n))] })).toBe(
      "genesis/duplicate-address",
    );
    const mainnet = builtinAddresses(0).burnt;
    expect(make({ accounts: [{ address: mainnet, balance: attoFil(1n) }] })).toBe("genesis/wrong-network");
    expect(make({ miners: [{ ...miner, sectors: [], owner: mainnet }] })).toBe("genesis/wrong-network");
    expect(make({ miners: [{ ...miner, sectors: [{ ...sector, sectorBytes: 4096 }] }] })).toBe(
      "genesis/unsupported-sector-size",
    );
    expect(make({ miners: [{ ...miner, sectors: [sector, sector] }] })).toBe("genesis/invalid-miner");
    expect(make({ miners: [{ ...miner, sectors: [sector], balance: attoFil(1n) }] })).toBe(
      "genesis/pledge-not-covered",
    );
    expect(make({ miners: [{ ...miner, sectors: [], workerKey: new Uint8Array(48) }] })).toBe(
      "genesis/invalid-miner",
    );
    expect(make({ miners: [{ ...miner, sectors: [], peerId: "two words" }] })).toBe("genesis/invalid-miner");
  });
});

describe("the views", () => {
  it("list actors and miners", () => {
    const all = [...listActors(store, state)].map(([address]) => address);
    expect(all).toContain(builtins.market);
    expect(all).toHaveLength(7 + miners.length + accounts.length + 1);
    expect(listMiners(store, state)).toEqual([big, small, idle]);
    expect(genesisMinerAddress(1, 0)).toBe(big);
  });

  it("show power and miners", () => {
    expect(readPower(store, state)).toBe(4n * BigInt(sectorBytes));
    const table = readPowerTable(store, state);
    expect(table.powerOf(big)).toBe(3n * BigInt(sectorBytes));
    expect(table.powerOf(keysOf("nobody").address)).toBe(0n);
    const view = readMinerState(store, state, big);
    expect(view).toMatchObject({ power: table.powerOf(big), sectorCount: 3, preCommitCount: 0, asks: [] });
    expect(view.owner).toBe(miners[0]?.owner);
    expect(view.pledge + view.freeBalance).toBe(view.balance);
    expect(view.deadline).toBe(provingPeriodAt(params, big, epoch(0)).nextJudgement);
    expect(readMinerState(store, state, idle)).toMatchObject({ power: 0n, deadline: null });
    expect(readSectors(store, state, big).map((sector) => sector.sectorId)).toEqual([0, 1, 2]);
    expect(readSector(store, state, big, sectorId(1))?.lastProven).toBeNull();
    expect(readSector(store, state, big, sectorId(9))).toBeUndefined();
    expect(readPreCommit(store, state, big, sectorId(1))).toBeUndefined();
    const facts = readElectionFacts(store, state, big);
    expect(facts?.readProvableSectors()).toHaveLength(3);
    expect(readElectionFacts(store, state, keysOf("nobody").address)).toBeUndefined();
  });

  it("show channels", () => {
    const [payer] = accounts;
    const address = payer?.address ?? big;
    expect(listChannels(store, state, address)).toEqual([]);
    expect(readChannel(store, state, address, channelId(0))).toBeUndefined();
  });

  it("say what is wrong with an address", () => {
    const nobody = keysOf("nobody").address;
    expect(codeOf(() => readMinerState(store, state, nobody))).toBe("state/actor-not-found");
    expect(codeOf(() => readMinerState(store, state, builtins.market))).toBe("state/wrong-kind-of-actor");
    expect(codeOf(() => readActor(new MemoryBlockstore(), state, nobody))).toBe("store/missing-block");
  });
});

describe("the law of money", () => {
  const tampered = (address: typeof big, by: bigint): CID => {
    const actors = Hamt.load(store, actorRecordCodec, state);
    const record = actors.get(addressBytes(address)) ?? {
      code: readActor(store, state, builtins.burnt)?.code as CID,
      head: null,
      nonce: nonce(0),
      balance: attoFil(0n),
    };
    actors.set(addressBytes(address), { ...record, balance: attoFil(record.balance + by) });
    return actors.flush();
  };

  it("notices one attoFIL more or less, wherever it is", () => {
    for (const address of [builtins.reward, builtins.broker, builtins.burnt, keysOf("new").address]) {
      expect(codeOf(() => moneyInvariant(store, tampered(address, 1n), total))).toBe(
        "state/money-not-conserved",
      );
    }
    expect(codeOf(() => moneyInvariant(store, tampered(builtins.reward, -1n), total))).toBe(
      "state/money-not-conserved",
    );
    expect(moneyInvariant(store, tampered(builtins.burnt, 5n)).burnt).toBe(5n);
  });

  it("notices a miner that holds less than it pledged", () => {
    const { balance, pledge } = readMinerState(store, state, big);
    expect(codeOf(() => moneyInvariant(store, tampered(big, pledge - balance - 1n)))).toContain("pledged");
  });
});
