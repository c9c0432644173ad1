/**
 * The page that `holdfast up` prints, in a real browser on a real network: it opens with its link, lives with
 * the chain, and says so when the node is gone. Without Chromium only the files are fetched.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pageFiles, pageLink } from "@holdfast/dashboard";
import { commandTable } from "holdfast";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const launcher = fileURLToPath(new URL("../packages/cli/bin/holdfast.js", import.meta.url));
const chromiumPath = "/usr/bin/chromium";
const noBrowser = existsSync(chromiumPath) ? "" : ` (left out: there is no ${chromiumPath})`;

/** What a running `holdfast up` leaves for other commands. */
interface UpRecord {
  readonly nodes: readonly { readonly name: string; readonly api: string; readonly token: string }[];
}

let home: string;
let up: ChildProcess;
let link: URL;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-page-"));
  const argv = ["up", "--port", "0", "--miners", "1", "--round", "500ms", "--sector", "2KiB"];
  up = spawn(process.execPath, [launcher, ...argv], {
    env: { ...process.env, HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: up.stdout ?? process.stdin })) {
    const found = /\bhttp\S+#token=\S+/.exec(line)?.[0];
    if (found === undefined) continue;
    link = new URL(found);
    return;
  }
  throw new TypeError("`holdfast up` printed no link");
});
afterAll(async () => {
  if (up.exitCode === null && up.signalCode === null) {
    up.kill("SIGTERM");
    await once(up, "exit");
  }
  await rm(home, { recursive: true, force: true });
});

describe("the files of the page", () => {
  it("are served without the token, and nothing else is", async () => {
    for (const { path } of pageFiles) {
      const response = await fetch(new URL(path, link));
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
    const answer = await fetch(new URL("/api/v1/wallet.ls", link), { method: "POST" });
    expect(answer.status).toBe(401);
  });
});

describe.skipIf(noBrowser !== "")(`the page in a browser${noBrowser}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  });
  afterAll(() => browser.close());

  /** A tab whose complaints are failures. */
  async function tab(options: BrowserContextOptions = {}) {
    const context = await browser.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
      ...options,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
  }
  const factsOf = (page: Page, part: string) => page.locator(`#${part} dd`);
  const open = async (page: Page): Promise<void> => {
    await page.goto(link.href);
    await page.locator("#money .total").waitFor();
  };

  it("opens with its link, forgets it, and shows the node", async () => {
    await using opened = await tab();
    const { page, complaints } = opened;
    await open(page);
    expect(page.url()).toBe(`${link.origin}/`);
    await page.getByRole("status").getByText("Healthy").waitFor();
    expect(await page.title()).toBe("● client");
    expect(await page.locator("#money .total").innerText()).toContain("exact");
    expect(await page.locator("#files").innerText()).toContain("holdfast put README.md");
    await page.reload();
    await page.locator("#money .total").waitFor();
    expect(complaints).toEqual([]);
  });

  it("lives with the chain, and rests while it is hidden", async () => {
    await using opened = await tab();
    const { page, complaints } = opened;
    await open(page);
    const note = page.locator("#chain .note");
    const before = await note.innerText();
    await note.filter({ hasNotText: before }).waitFor();
    const hide = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
         document.dispatchEvent(new Event("visibilitychange"))`,
      );
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    const cut = page.waitForEvent("requestfailed", (request) => request.url().endsWith("chain.watch"));
    await hide(true);
    await cut;
    asked.length = 0;
    // The network makes some rounds; only then is nothing asked a result.
    await fetch(new URL("/api/v1/chain.watch", link), {
      method: "POST",
      headers: {
        authorization: `Bearer ${link.hash.slice("#token=".length)}`,
        "content-type": "application/json",
      },
      body: "{}",
    }).then(async ({ body }) => {
      let heads = 0;
      for await (const chunk of body ?? []) {
        heads += new TextDecoder().decode(chunk).split("\n").length - 1;
        if (heads >= 8) break;
      }
    });
    expect(asked).toEqual([]);
    const shown = page.waitForRequest((request) => request.url().endsWith("chain.watch"));
    await hide(false);
    await shown;
    expect(complaints).toEqual([]);
  });

  it("shows a miner its mining, and names commands that exist and that node", async () => {
    const { nodes }: UpRecord = JSON.parse(await readFile(join(home, ".holdfast", "up.json"), "utf8"));
    const miner = nodes.find(({ name }) => name === "miner-1");
    await using opened = await tab();
    const { page, complaints } = opened;
    await page.goto(pageLink(miner?.api ?? "", miner?.token ?? ""));
    await page.locator("#mine .light").waitFor();
    await page.locator("#sectors tbody tr").first().waitFor();
    await page.locator("#money .total").waitFor();
    const lines = await page.locator(".command code").allInnerTexts();
    expect(lines.length).toBeGreaterThan(8);
    const known = commandTable.commands.map(({ path }) => `holdfast ${path.join(" ")}`);
    for (const line of lines) {
      expect(
        known.some((command) => `${line} `.includes(`${command} `)),
        line,
      ).toBe(true);
      expect(line).toContain(" --node miner-1");
    }
    expect(complaints).toEqual([]);
  });

  it("is used with the keyboard alone, and copies its commands", async () => {
    await using opened = await tab();
    const { page } = opened;
    await open(page);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("skip");
    await page.getByRole("listbox").focus();
    await page.keyboard.press("Home");
    const oldest = await page.getByRole("option").first().getAttribute("aria-label");
    const height = /^height (\d+),/.exec(oldest ?? "")?.[1];
    expect(await factsOf(page, "chain").first().innerText()).toBe(height);
    await page.getByRole("button", { name: "Copy: holdfast chain money" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("holdfast chain money");
  });

  it("fits a screen of 400 pixels, by day and by night", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await using opened = await tab({ viewport: { width: 400, height: 800 }, colorScheme });
      await open(opened.page);
      expect(await opened.page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(400);
    }
  });

  it("runs no script that it did not bring", async () => {
    await using opened = await tab();
    const { page, complaints } = opened;
    await open(page);
    await expect(page.addScriptTag({ content: "document.title = 'taken'" })).rejects.toThrow();
    await expect(page.evaluate(`document.body.innerHTML = "<img src=x>"`)).rejects.toThrow("TrustedHTML");
    expect(await page.title()).toBe("● client");
    expect(complaints.join("\n")).toContain("TrustedScript");
  });

  it("is locked without the token, says what is wrong with another, and opens with the right one", async () => {
    await using opened = await tab();
    const { page } = opened;
    await page.goto(link.origin);
    await page.getByLabel("Token").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("does not accept this token").waitFor();
    await page.getByLabel("Token").fill(link.href);
    await page.keyboard.press("Enter");
    await page.locator("#money .total").waitFor();
  });

  it("says that the node is gone, and keeps what it knew", async () => {
    await using opened = await tab();
    const { page } = opened;
    await open(page);
    up.kill("SIGINT");
    await page.getByRole("alert").getByText("The node does not answer.").waitFor();
    expect(await page.getByRole("status").innerText()).toContain("Not known");
    expect(await page.locator("#money .total").innerText()).toContain("exact");
  });
});
