/**
 * Founding a network: two operators who share no key found one together, in either order of their files; what people
 * read of a network is what machines do; what is wrong is told by its field or line.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Address, HoldfastError, MemoryBlockstore, toHex } from "@holdfast/base";
import { paramProblems, readProtocol } from "@holdfast/consensus";
import { initNode } from "@holdfast/node/daemon";
import { createNetwork } from "@holdfast/node/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foundIn } from "../../src/found.ts";
import { founderSigningBytes } from "../../src/founding/draft.ts";
import {
  addFounder,
  checkNetworkFile,
  type Draft,
  draftNetwork,
  type Founder,
  finishDraft,
  type NewNetwork,
  readDraft,
  readNetworkFile,
  showNetworkFile,
} from "../../src/founding/index.ts";
import type { PlainSeal } from "../../src/founding/network-file.ts";
import { loadGenesis } from "../../src/genesis.ts";
import { openKeys } from "../../src/keys.ts";
import { repoPaths } from "../../src/repo/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-founding-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const wanted: NewNetwork = {
  name: "club",
  roundMs: 30_000,
  sectors: [1_024, 2_048],
  proofMode: "vanilla",
  porep: "zigzag",
  accounts: [],
  foundersProven: true,
  founderFunds: "100FIL",
  minerFunds: "10FIL",
  set: { blockReward: "5FIL", provingPeriodEpochs: "12h", maxMessageBytes: "512KiB", faucetAmount: "1FIL" },
  upgrades: [],
};
const problemOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "fine";
  } catch (error) {
    return error instanceof HoldfastError ? `${error.code}: ${error.message}` : String(error);
  }
};
const at = (name: string): string => join(folder, name);

describe("a draft", () => {
  it("has sane parameters, takes units, and refuses what makes no network with every reason", async () => {
    const { draft, warnings } = await draftNetwork(at("sane.draft"), wanted);
    const { params } = await readDraft(at("sane.draft"));
    expect(paramProblems(params)).toEqual([]);
    expect(params).toMatchObject({ provingPeriodEpochs: 1_440, maxMessageBytes: 524_288 });
    expect(draft.parameters.blockReward).toBe("5FIL");
    expect(warnings.join()).toContain("upgrades");
    const set = { maxMessageBytes: "1KiB", minPledgePerSector: "0FIL" };
    const refused = await problemOf(draftNetwork(at("bad.draft"), { ...wanted, set }));
    expect(refused).toContain("consensus fault");
    expect(refused).toContain("pledge");
    expect(await problemOf(draftNetwork(at("x"), { ...wanted, set: { colour: "red" } }))).toContain("colour");
    for (const roundMs of [500, 3_000, 3_600_000]) {
      expect(await problemOf(draftNetwork(at("y"), { ...wanted, set: {}, roundMs }))).toBe("fine");
    }
  });

  it("says which line or field is wrong", async () => {
    const text = await readFile(at("sane.draft"), "utf8");
    const cases: readonly (readonly [(text: string) => string, string])[] = [
      [(t) => t.replace('"accounts": [],', '"accounts": [,'), "line"],
      [(t) => t.replace('"roundMs": 30000', '"roundMs": "soon"'), "roundMs"],
      [(t) => t.replace('"founderFunds"', '"fonds"'), "founderFunds"],
      [(t) => t.replace('"finalityEpochs"', '"finality"'), "finality"],
    ];
    for (const [change, word] of cases) {
      await writeFile(at("wrong.draft"), change(text));
      const problem = await problemOf(readDraft(at("wrong.draft")));
      expect(problem).toContain("network/bad-file");
      expect(problem).toContain(word);
    }
  });
});

describe("upgrades in a draft", () => {
  const planned = (...upgrades: NewNetwork["upgrades"]) =>
    draftNetwork(at("planned.draft"), { ...wanted, upgrades });

  it("come in order, with units, and say what this program does not know", async () => {
    const { draft, warnings } = await planned(
      { height: "30d", set: { blockReward: "2FIL", rules: "9" } },
      { height: "100", set: { channelCancelDelayEpochs: "12h" } },
    );
    expect(draft.upgrades).toEqual([
      { height: 100, version: 1, changes: { channelCancelDelayEpochs: 1_440 } },
      { height: 86_400, version: 9, changes: { blockReward: "2FIL" } },
    ]);
    expect(warnings.join()).toContain("version 9");
    expect((await readDraft(at("planned.draft"))).draft.upgrades).toEqual(draft.upgrades);
    expect((await showNetworkFile(at("planned.draft"))).upgrades.join()).toContain("blockReward = 2FIL");
  });

  it("are refused with the reason if no network could have them", async () => {
    const cases: readonly (readonly [NewNetwork["upgrades"], string])[] = [
      [[{ height: "10", set: { roundMs: "1s" } }], "roundMs"],
      [[{ height: "0", set: { blockReward: "1FIL" } }], "whole number"],
      [[{ height: "10", set: { blockReward: "much" } }], "blockReward"],
      [[{ height: "10", set: { minPledgePerSector: "0FIL" } }], "pledge"],
      [
        [
          { height: "10", set: {} },
          { height: "10", set: {} },
        ],
        "rise",
      ],
      [
        [
          { height: "9", set: { rules: "3" } },
          { height: "10", set: { rules: "2" } },
        ],
        "never falls",
      ],
    ];
    for (const [upgrades, word] of cases) expect(await problemOf(planned(...upgrades))).toContain(word);
  });

  it("are in the genesis, and a network that passes the height follows them", async () => {
    await planned({ height: "6", set: { blockReward: "2FIL" } });
    const { draft, params } = await readDraft(at("planned.draft"));
    const { founder } = await foundIn(at("planner"), params, {
      sectors: 1,
      foundersProven: true,
      listen: [],
    });
    await writeFile(at("planned"), await finishDraft(addFounder(draft, params, founder), params, 0));
    const { car, plain } = await readNetworkFile(at("planned"));
    expect(plain.upgrades).toEqual([{ height: 6, version: 1, changes: { blockReward: "2FIL" } }]);
    const lie = (await readFile(at("planned"), "utf8")).replace(
      '"blockReward": "2FIL"',
      '"blockReward": "3FIL"',
    );
    await writeFile(at("lie"), lie);
    expect(await problemOf(readNetworkFile(at("lie")))).toContain("network/contradiction");

    const store = new MemoryBlockstore();
    const { upgrades } = readProtocol(store, (await loadGenesis(car, store)).stateRoot);
    await using net = await createNetwork({ miners: 1, seed: "planned", upgrades });
    const { chain, handlers } = net.client.node;
    const signal = new AbortController().signal;
    expect((await handlers["network.show"]({}, signal)).upgrades).toMatchObject([
      { height: 6, version: 1, isKnown: true, changes: { blockReward: "2" } },
    ]);
    expect(await net.advanceUntil(() => chain.head().height > 8, 120_000)).toBe(true);
    const shown = await handlers["network.show"]({}, signal);
    expect(shown).toMatchObject({ upgrades: [], applied: [{ height: 6 }], constants: { blockReward: "2" } });
    const before = chain.tipsetAt(5).height;
    expect(before).toBeLessThan(6);
    net.money();
  });
});

describe("founders' seals", () => {
  let ann: Founder;
  let bob: Founder;
  let draft: Draft;
  let params: Awaited<ReturnType<typeof readDraft>>["params"];
  const code = (work: () => unknown): string => {
    try {
      work();
      return "fine";
    } catch (error) {
      return error instanceof HoldfastError ? error.code : String(error);
    }
  };
  /** Signed by its owner: a founder may lie about its own sectors. */
  async function signed(name: string, change: (founder: Founder) => Founder): Promise<Founder> {
    const paths = repoPaths(at(name));
    const { wallet } = await openKeys({ keystore: paths.keystore, network: params.networkByte });
    const { signature: _, ...facts } = change(name === "seal-ann" ? ann : bob);
    return { ...facts, signature: toHex(wallet.sign(facts.owner as Address, founderSigningBytes(facts))) };
  }
  const withProof = (founder: Founder, sealProof: string | undefined): Founder => {
    const [first, ...rest] = founder.sectors;
    if (first === undefined) throw new RangeError("a founder has a sector");
    const { sealProof: _, ...bare } = first;
    return { ...founder, sectors: [sealProof === undefined ? bare : { ...bare, sealProof }, ...rest] };
  };

  beforeAll(async () => {
    await draftNetwork(at("seals.draft"), wanted);
    ({ draft, params } = await readDraft(at("seals.draft")));
    ann = (await foundIn(at("seal-ann"), params, { sectors: 1, foundersProven: true, listen: [] })).founder;
    bob = (await foundIn(at("seal-bob"), params, { sectors: 1, foundersProven: true, listen: [] })).founder;
  });

  it("are proven by their file, and a sector without its own proof is refused", async () => {
    expect(code(() => addFounder(draft, params, ann))).toBe("fine");
    const [own] = ann.sectors;
    const bytes = Buffer.from(own?.sealProof ?? "", "base64");
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    const lies = [undefined, "", "AAAA", bob.sectors[0]?.sealProof, bytes.toString("base64")];
    for (const proof of lies) {
      const liar = await signed("seal-ann", (founder) => withProof(founder, proof));
      expect(code(() => addFounder(draft, params, liar))).toBe("network/seal-not-proven");
      const unchecked = { ...draft, founders: [liar, bob] };
      expect(await problemOf(finishDraft(unchecked, params, 0))).toContain("network/seal-not-proven");
    }
    expect(code(() => addFounder(draft, params, withProof(ann, undefined)))).toBe("network/bad-founder");
  });

  it("are checked in the network's file, one for each sector of the genesis", async () => {
    const both = addFounder(addFounder(draft, params, ann), params, bob);
    const text = await finishDraft(both, params, 0);
    const check = async (change: (seals: PlainSeal[]) => unknown[]): Promise<string> => {
      const file = JSON.parse(text);
      await writeFile(at("sealed"), JSON.stringify({ ...file, seals: change(file.seals) }));
      return problemOf(checkNetworkFile(at("sealed"), undefined));
    };
    expect(await check((seals) => seals)).toBe("fine");
    expect(await checkNetworkFile(at("sealed"), undefined)).toMatchObject({ sectors: 2, proven: 2 });
    const [x, y] = JSON.parse(text).seals;
    for (const seals of [[], [x], [x, x], [x, { ...y, sectorId: 1 }], [x, { ...y, proof: x.proof }]]) {
      expect(await check(() => seals)).toContain("network/seal-not-proven");
    }
    expect(await check(() => [x, y, y])).toContain("network/contradiction");
    expect(await check(() => [y, x])).toBe("fine");
    const denied = text.replace('"foundersProven": true', '"foundersProven": false');
    await writeFile(at("sealed"), denied);
    expect(await problemOf(checkNetworkFile(at("sealed"), undefined))).toContain("network/contradiction");
  });

  it("need no proof where the draft says so, and the file says that there is none", async () => {
    const { warnings } = await draftNetwork(at("trust.draft"), { ...wanted, foundersProven: false });
    expect(warnings.join()).toContain("believe each other");
    const trusting = await readDraft(at("trust.draft"));
    const options = { sectors: 1, foundersProven: false, listen: [] };
    const { founder } = await foundIn(at("trusting"), trusting.params, options);
    expect(founder.sectors[0]).not.toHaveProperty("sealProof");
    const grown = addFounder(trusting.draft, trusting.params, founder);
    await writeFile(at("trust"), await finishDraft(grown, trusting.params, 0));
    expect(await checkNetworkFile(at("trust"), undefined)).toMatchObject({ sectors: 1, proven: 0 });
    expect((await showNetworkFile(at("trust"))).founders.join()).toContain("not proven");
    expect((await showNetworkFile(at("trust"))).warnings.join()).toContain("believe each other");
    expect(code(() => addFounder(trusting.draft, trusting.params, ann))).toBe("network/bad-founder");
    const set = { networkByte: "0", faucetAmount: "0FIL", softwareAttestation: "false" };
    const valuable = { ...wanted, set, foundersProven: false };
    expect(await problemOf(draftNetwork(at("value"), valuable))).toContain("founders");
    expect(await problemOf(draftNetwork(at("value"), { ...valuable, foundersProven: true }))).toBe("fine");
  });
});

describe("two founders", () => {
  let ann: Founder;
  let bob: Founder;
  let draft: Draft;
  let params: Awaited<ReturnType<typeof readDraft>>["params"];
  const timestampMs = Date.UTC(2026, 11, 1);

  beforeAll(async () => {
    await draftNetwork(at("club.draft"), wanted);
    ({ draft, params } = await readDraft(at("club.draft")));
    const found = async (name: string, sectors: number): Promise<Founder> => {
      const options = { sectors, foundersProven: true, listen: ["/ip4/10.0.0.5/tcp/6000"] };
      return (await foundIn(at(name), params, options)).founder;
    };
    ann = await found("ann", 2);
    bob = await found("bob", 1);
  });

  it("make the same network in either order, and each has its miner when it joins", async () => {
    const both = addFounder(addFounder(draft, params, ann), params, bob);
    const other = addFounder(addFounder(draft, params, bob), params, ann);
    const text = await finishDraft(both, params, timestampMs);
    const again = await readNetworkFileOf("again", await finishDraft(other, params, timestampMs));
    const file = await readNetworkFileOf("club.network", text);
    expect(file.genesis).toBe(again.genesis);
    expect(file.bootstrap).toHaveLength(2);
    expect(await checkNetworkFile(at("club.network"), file.genesis)).toMatchObject({ name: "club" });
    expect(await showNetworkFile(at("club.network"))).toMatchObject({
      kind: "network",
      genesis: file.genesis,
    });
    const node = { name: "ann", bootstrap: [], network: { file: at("club.network") } };
    const made = await initNode({ repo: at("ann"), ...node });
    expect(made.address).toBe(ann.owner);
    const config = await readFile(at("ann/config.toml"), "utf8");
    const ports = ['listen = [ "/ip4/0.0.0.0/tcp/6000" ]', 'announce = [ "/ip4/10.0.0.5/tcp/6000" ]'];
    for (const text of [...ports, `miner = "${ann.miner}"`, "sectorBytes = 1024", ...bob.bootstrap]) {
      expect(config).toContain(text);
    }
  });

  async function readNetworkFileOf(name: string, text: string) {
    await writeFile(at(name), text);
    return readNetworkFile(at(name));
  }

  it("cannot speak for each other, nor for another network", () => {
    const code = (founder: Founder): string => {
      try {
        addFounder(addFounder(draft, params, bob), params, founder);
        return "fine";
      } catch (error) {
        return error instanceof HoldfastError ? error.code : String(error);
      }
    };
    expect(code(ann)).toBe("fine");
    const changed: readonly Partial<Founder>[] = [
      { network: "other" },
      { owner: bob.owner },
      { miner: bob.miner },
      { sectors: bob.sectors },
      { bootstrap: [] },
    ];
    for (const change of changed) expect(code({ ...ann, ...change })).toBe("network/bad-founder");
    expect(code(bob)).toBe("network/bad-founder");
  });

  it("give a file whose words are those of its genesis", async () => {
    const text = await finishDraft(addFounder(draft, params, ann), params, timestampMs);
    const lies: readonly (readonly [string, string, string])[] = [
      ['"blockReward": "5FIL"', '"blockReward": "6FIL"', "parameters.blockReward"],
      ['"name": "club"', '"name": "klub"', "name"],
      ['"softwareAttestation": true', '"softwareAttestation": false', "parameters.softwareAttestation"],
      ['"upgrades": []', '"upgrades": [{ "height": 9, "version": 1, "changes": {} }]', "upgrades"],
    ];
    for (const [said, lie, field] of lies) {
      expect(text).toContain(said);
      const problem = await problemOf(readNetworkFileOf("lie", text.replace(said, lie)));
      expect(problem).toContain("network/contradiction");
      expect(problem).toContain(field);
    }
    expect(await problemOf(finishDraft(draft, params, 0))).toContain("network/no-founder");
    const another = "bafy2bzacedm73rdb7s67magseyxicw7t7hxjszjowi2drtykg4qg24guuzjyw";
    expect(await problemOf(checkNetworkFile(at("club.network"), another))).toContain("network/contradiction");
  });
});
