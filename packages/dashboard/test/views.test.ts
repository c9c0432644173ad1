/** What a person reads, presses and hears on the page, without a browser. */
import { firstModel, type Model, unreachable } from "@holdfast/dashboard/page";
import { describe, expect, it } from "vitest";
import * as answers from "./answers.ts";
import { type Shown, show } from "./markup.ts";
import { clientModel, head, minerModel } from "./models.ts";

const pages: readonly (readonly [string, Model])[] = [
  ["locked", firstModel(false)],
  ["starting", firstModel(true)],
  ["a client", clientModel()],
  ["a client with an open deal", withOpenDeal()],
  ["a miner", minerModel()],
  ["a node that is gone", clientModel({ lost: unreachable })],
];

function withOpenDeal(): Model {
  const value = answers.dealDetail;
  return clientModel({ openDealId: value.dealId, openDeal: { value, failure: undefined } });
}

function withMoney(money: Partial<typeof answers.money>): Model {
  const model = clientModel();
  const value = { ...answers.money, ...money };
  return { ...model, parts: { ...model.parts, money: { value, failure: undefined } } };
}

const ofClass = (shown: Shown, name: string): string[] =>
  shown.elements
    .filter(({ attributes }) =>
      String(attributes.class ?? "")
        .split(" ")
        .includes(name),
    )
    .map(({ text }) => text);

function press(shown: Shown, label: string): void {
  const found = shown.elements.find(
    ({ name, text, attributes }) => name === "button" && (attributes["aria-label"] ?? text.trim()) === label,
  );
  const listener = found?.attributes.onClick;
  expect(listener, `a button "${label}"`).toBeTypeOf("function");
  if (typeof listener === "function") listener();
}

describe.each(pages)("the page of %s", (_name, model) => {
  const shown = show(model);

  it("has one main heading, one main part, and a name for every part and button", () => {
    const count = (name: string): number => shown.elements.filter((element) => element.name === name).length;
    expect([count("h1"), count("main")]).toEqual([1, 1]);
    const ids = new Set(shown.elements.map(({ attributes }) => attributes.id));
    for (const { name, attributes, text } of shown.elements) {
      if (name === "section")
        expect(attributes["aria-label"] ?? ids.has(attributes["aria-labelledby"])).toBeTruthy();
      if (name === "button") expect(`${attributes["aria-label"] ?? text}`.trim()).not.toBe("");
      if (name === "svg") expect(attributes["aria-hidden"]).toBe("true");
      if (name === "img") expect(attributes.alt).toBe("");
    }
  });

  it("has every id once", () => {
    const ids = shown.elements.map(({ attributes }) => attributes.id).filter((id) => id !== undefined);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it("has no inline style, which its policy forbids, and no markup from data", () => {
    expect(shown.html).not.toMatch(/ style=|dangerously|javascript:/);
    expect(shown.elements.filter(({ name }) => name === "img" || name === "script")).toHaveLength(1);
  });

  it("gives a holdfast command for every part", () => {
    for (const text of ofClass(shown, "commands")) expect(text).toContain("holdfast ");
    expect(ofClass(shown, "commands").length).toBe(ofClass(shown, "panel").length);
  });
});

describe("health", () => {
  it("says its light in a word, with the reason and the fix", () => {
    const health = { light: "failing", reason: "there is no peer", fix: "connect to one" } as const;
    const { text, elements } = show(clientModel({ status: answers.status(head, { health }) }));
    expect(text).toContain("Failingthere is no peer");
    expect(text).toContain("connect to one");
    expect(elements.some(({ attributes }) => attributes.role === "status")).toBe(true);
  });

  it("is not known when the node is gone, whatever it said before", () => {
    const { text, elements } = show(clientModel({ lost: unreachable }));
    expect(text).toContain("Not known");
    expect(text).not.toContain("Healthy");
    expect(elements.some(({ attributes }) => attributes.role === "alert")).toBe(true);
  });
});

describe("money", () => {
  it("is exact to the last attoFIL, and shown in full", () => {
    const { text } = show(clientModel());
    expect(text).toContain(".742999999999999943");
    expect(ofClass(show(clientModel()), "total")[0]).toContain("exact");
  });

  it.each([
    ["one attoFIL is missing", { burntFil: "0.250000000000000056" }],
    ["one attoFIL is too many", { escrowFil: "0.007000000000000001" }],
    ["the total is not what genesis held", { genesisTotalFil: "1999999999.999999999999999999" }],
  ])("canary: %s, and the node says that it is exact", (_what, wrong) => {
    const [total] = ofClass(show(withMoney({ ...wrong, exact: true })), "total");
    expect(total).toContain("not what genesis held");
  });
});

describe("chain", () => {
  it("draws every tipset as wide as its blocks, and a gap where rounds had none", () => {
    const { elements } = show(clientModel());
    const cells = elements.filter(({ attributes }) => attributes.role === "option");
    expect(cells).toHaveLength(38);
    const newest = cells.at(-1)?.attributes;
    expect(newest?.["aria-label"]).toMatch(/^height 1234, 1 block by tf2\w{3}….*, 0 messages$/);
    expect(cells.find(({ attributes }) => attributes.id === "tipset-1232")?.attributes.class).toContain(
      "wide-3",
    );
    const gaps = elements.filter(({ attributes }) => attributes.class === "gap");
    expect(gaps.map(({ attributes }) => attributes.title)).toEqual(["2 rounds without a block"]);
  });

  it("moves along the strip with the arrow keys, and stays inside", () => {
    const pressed = (key: string, tipsetKey?: string): (string | undefined)[] => {
      const looked: (string | undefined)[] = [];
      const model = clientModel(tipsetKey === undefined ? {} : { tipsetKey });
      const { elements } = show(model, { lookAt: (at) => looked.push(at) });
      const strip = elements.find(({ attributes }) => attributes.role === "listbox");
      const listener = strip?.attributes.onKeyDown;
      if (typeof listener === "function") listener({ key, preventDefault() {} });
      return looked;
    };
    const key = (height: number): string => answers.tipset(height).key;
    expect(pressed("ArrowLeft")).toEqual([key(head - 1)]);
    expect(pressed("ArrowRight")).toEqual([key(head)]);
    expect(pressed("ArrowLeft", key(1231))).toEqual([key(1228)]);
    expect(pressed("Home")).toEqual([key(head - 39)]);
    expect(pressed("Tab")).toEqual([]);
  });

  it("shows the tipset that is looked at, and how to ask for its block", () => {
    const { text } = show(clientModel({ tipsetKey: answers.tipset(1220).key }));
    expect(text).toContain(`holdfast chain show ${answers.tipset(1220).cids[0]}`);
  });
});

describe("files, puts and deals", () => {
  const shown = show(clientModel());

  it("are told as steps that are done, under way, failed and to come", () => {
    expect(ofClass(shown, "track")[0]).toBe(
      [
        ..."imported quoted funded proposed transferred sealed committed"
          .split(" ")
          .map((step) => `${step}, done`),
      ]
        .concat(["proven, now", "read back, to come", ""])
        .join("\n"),
    );
    expect(shown.text).toContain("transferred, failed here");
    expect(shown.elements.filter(({ attributes }) => attributes["aria-current"] === "step").length).toBe(4);
  });

  it.each([
    ["proposing", 0, "proposed, now"],
    ["active", 6, "proving, now"],
    ["complete", 8, "complete, done"],
    ["rejected", 1, "accepted, failed here"],
  ] as const)("tell how far a deal is that is %s", (state, done, last) => {
    const model = clientModel();
    const value = [answers.deal({ state })];
    const puts = { value: [], failure: undefined };
    const parts = { ...model.parts, puts, deals: { value, failure: undefined } };
    const steps = ofClass(show({ ...model, parts }), "track")[0]?.split("\n") ?? [];
    expect(steps.filter((step) => step.endsWith(", done"))).toHaveLength(done);
    expect(steps.findLast((step) => step !== "" && !step.endsWith("to come"))).toBe(last);
  });

  it("tell what went wrong and how to go on", () => {
    expect(shown.text).toContain("the miner has not answered for 60 s run the put again");
    expect(shown.text).toContain("holdfast why put-6");
  });

  it("show names as text, whatever they hold", () => {
    expect(shown.html).toContain("<bdi>&lt;img src=x onerror=alert(1)>.png</bdi>");
    expect(shown.text).toContain(`-o '<img src=x onerror=alert(1)>.png'`);
  });

  it("open a deal's history and payments", () => {
    const opened: (string | undefined)[] = [];
    press(show(clientModel(), { openDeal: (id) => opened.push(id) }), "more");
    expect(opened).toEqual([answers.dealDetail.dealId]);
    const { text } = show(withOpenDeal());
    expect(text).toContain("+1m4sactive: the first proof is on the chain");
    expect(text).toContain("1 of 3 vouchers redeemed");
  });

  it("say how to begin when there is none", () => {
    const model = clientModel();
    const none = { value: [], failure: undefined };
    const { text } = show({ ...model, parts: { ...model.parts, puts: none, files: none, deals: none } });
    expect(text).toContain("holdfast put README.md");
    expect(text).not.toContain("Being stored");
  });

  it("show the newest rows of a long list until all are asked for", () => {
    const many = Array.from({ length: 300 }, (_, index) => answers.deal({ dealId: `deal-${index}` }));
    const model = clientModel();
    const long: Model = { ...model, parts: { ...model.parts, deals: { value: many, failure: undefined } } };
    const rows = (at: Model): number =>
      show(at).elements.filter(({ attributes }) => attributes.class === "track").length;
    const asked: string[] = [];
    press(show(long, { showAll: (list) => asked.push(list) }), "show all 300");
    expect(asked).toEqual(["deals"]);
    expect(rows({ ...long, whole: ["deals"] }) - rows(long)).toBe(292);
  });
});

describe("a part that has no answer", () => {
  it("says why beside what it knew, and the others go on", () => {
    const model = clientModel();
    const failure = { kind: "refused", message: "the market is closed", fix: "open it" } as const;
    const deals = { value: [...answers.deals], failure };
    const { text } = show({ ...model, parts: { ...model.parts, deals } });
    expect(text).toContain("the market is closed open it");
    expect(text).toContain("sealing 42 %");
    expect(text).toContain("exact");
  });
});

describe("peers", () => {
  const known = <Value>(value: Value) => ({ value, failure: undefined });
  const of = (parts: Partial<Model["parts"]>): Shown => {
    const model = clientModel();
    return show({ ...model, parts: { ...model.parts, ...parts } });
  };

  it("are shown with who is banned, by whom, until when and why", () => {
    const { text } = of({});
    expect(text).toContain(`${answers.peers.length} peers, 2 bans`);
    expect(text).toMatch(/203\.0\.113\.0\/24\s*person\s*by hand\s*<img src=x onerror=alert\(1\)>/);
    expect(text).toMatch(/score\s*11-15 04:13\s*its score fell to -80, at last by: lied/);
    expect(text).toContain("holdfast net bans");
    expect(of({ bans: known([]) }).text).not.toContain("banned");
  });

  it("tell how a node is mended that nobody can dial, and nothing where it can be", () => {
    expect(of({}).text).not.toContain("could not dial");
    const found = { peerId: "p", port: 6000, reached: false, atMs: 1 };
    const network = { ...answers.network, reach: "private" as const, dialBacks: [found] };
    expect(of({ network: known(network) }).text).toContain(
      "1 peer could not dial this node on port 6000: forward",
    );
  });
});

describe("mining", () => {
  const shown = show(minerModel());

  it("tells whether it earns, why not, and when the next proof is due", () => {
    expect(shown.text).toContain("At riskthe proof of this period is not on the chain yet");
    expect(shown.text).toContain("in 16 rounds, about 16s");
    expect(shown.text).toContain("33.3 %");
    expect(shown.text).toContain("holdfast mine status --node miner-1");
  });

  it("shows first the sectors that need someone", () => {
    expect(shown.text.indexOf("its file could not be read")).toBeLessThan(shown.text.indexOf("sealing"));
    expect(shown.text).toContain("show all 10");
  });

  it("shows what its workers do, first what failed and why", () => {
    expect(shown.text).toContain("2 under way");
    expect(shown.text).toContain("failedthe worker died 3 times");
    expect(shown.text.indexOf("the worker died 3 times")).toBeLessThan(shown.text.indexOf("running 25"));
    expect(shown.text).toContain("holdfast jobs ls --node miner-1");
  });

  it("is asked of miners only", () => {
    expect(show(clientModel()).text).not.toContain("Mining");
  });
});

describe("storage", () => {
  const shown = show(minerModel());

  it("shows first the disks that need someone, each with what is wrong", () => {
    const rows = shown.elements.filter(({ name, text }) => name === "tr" && text.includes("/mnt/disk"));
    expect(rows.map(({ text }) => /disk\d/.exec(text)?.[0])).toEqual(["disk2", "disk3", "disk1", "disk0"]);
    expect(rows[0]?.text).toContain("it has no .holdfast-volume");
    expect(rows[1]?.text).toContain("takes no writes");
    expect(rows[3]?.text).toContain("1\u00a0GiB of 5\u00a0GiB");
  });

  it("says whom the miner takes deals from", () => {
    const [panel] = shown.elements.filter(({ attributes }) => attributes.id === "policy");
    expect(panel?.text).toContain("everybody");
    expect(panel?.text).toContain("50 % of the ask");
  });

  it("marks files that only a key opens", () => {
    expect(ofClass(show(clientModel()), "chip").filter((text) => text === "encrypted")).toHaveLength(1);
  });
});

describe("the lock", () => {
  it("says where the token is, and takes it", () => {
    const given: string[] = [];
    const { text, elements } = show(firstModel(false), { giveToken: (token) => given.push(token) });
    expect(text).toContain("holdfast up");
    const submit = elements.find(({ name }) => name === "form")?.attributes.onSubmit;
    const currentTarget = { elements: { namedItem: () => ({ value: "pasted" }) } };
    if (typeof submit === "function") submit({ preventDefault() {}, currentTarget });
    expect(given).toEqual(["pasted"]);
  });
});
