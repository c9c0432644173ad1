/**
 * Founding a network: two operators who share no key found one together, in either order of their files; what people
 * read of a network is what machines do; what is wrong is told by its field or line.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldfastError } from "@holdfast/base";
import { paramProblems } from "@holdfast/consensus";
import { initNode } from "@holdfast/node/daemon";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foundIn } from "../../src/found.ts";
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
  founderFunds: "100FIL",
  minerFunds: "10FIL",
  set: { blockReward: "5FIL", provingPeriodEpochs: "12h", maxMessageBytes: "512KiB", faucetAmount: "1FIL" },
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
      const options = { sectors, listen: ["/ip4/10.0.0.5/tcp/6000"] };
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
    for (const text of [`miner = "${ann.miner}"`, "sectorBytes = 1024", ...bob.bootstrap]) {
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
      ['"upgrades": []', '"upgrades": [{}]', "upgrades"],
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
