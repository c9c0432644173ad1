/** A page on the API server: open to whoever asks this machine by its name, and to no one else. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ApiHandlers } from "@holdfast/api";
import { silentLogger } from "@holdfast/base";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../src/rpc/index.ts";

const importMap = '\n  { "imports": { "a": "/page/a.ts" } }\n';
const html = `<!doctype html><script type="importmap">${importMap}</script><script src="/page/a.ts"></script>`;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

describe("pages", () => {
  let folder: string;
  let server: RunningServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-pages-"));
    const write = async (name: string, text: string): Promise<URL> => {
      await writeFile(join(folder, name), text);
      return pathToFileURL(join(folder, name));
    };
    server = await startServer({
      listen: "127.0.0.1:0",
      token: "the-token",
      version: "0",
      handlers: { "wallet.ls": async () => [] } as unknown as ApiHandlers,
      files: {} as never,
      cars: {} as never,
      archive: {} as never,
      metrics: { text: async () => "" },
      logger: silentLogger,
      pages: [
        { path: "/", file: await write("index.html", html) },
        { path: "/page/a.ts", file: await write("a.ts", "export const a: number = 1 as number;\n") },
        { path: "/page/gone.ts", file: pathToFileURL(join(folder, "gone.ts")) },
      ],
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Not `fetch`: it tidies paths and forbids Host. */
  const ask = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const asked = request(server.url, { path, ...options }, async (response) => {
        let text = "";
        for await (const chunk of response.setEncoding("utf8")) text += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
      asked.on("error", reject).end();
    });

  it("are shown without a token", async () => {
    const page = await ask("/");
    expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.text).toBe(html);
  });

  it("are TypeScript without its types, at the same lines and columns", async () => {
    const { status, headers, text } = await ask("/page/a.ts");
    expect([status, headers["content-type"]]).toEqual([200, "text/javascript; charset=utf-8"]);
    expect(text.replace(/ +/g, " ")).toBe("export const a = 1 ;\n");
    expect(text.length).toBe("export const a: number = 1 as number;\n".length);
  });

  it("may run their own files and their import map, and nothing else", async () => {
    const hash = createHash("sha256").update(importMap).digest("base64");
    const policy = String((await ask("/")).headers["content-security-policy"]).split("; ");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}'`);
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy.join(";")).not.toMatch(/unsafe|\*|http|data:|blob:/);
    expect((await ask("/page/a.ts")).headers["content-security-policy"]).toContain("script-src 'self';");
  });

  it("are for no frame, no other origin, no cache, and give no referrer", async () => {
    for (const path of ["/", "/page/a.ts"]) {
      expect((await ask(path)).headers).toMatchObject({
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
      });
    }
  });

  it("are refused to a name that only points at this machine", async () => {
    for (const path of ["/", "/page/a.ts"]) {
      const { status, text } = await ask(path, { headers: { host: "evil.example:3453" } });
      expect([status, text.includes("import")]).toEqual([401, false]);
    }
    expect((await ask("/", { headers: { host: "localhost:3453" } })).status).toBe(200);
  });

  it.each([
    "/page/",
    "/page/b.ts",
    "/page/../page/a.ts",
    "/page/..%2f..%2fetc%2fpasswd",
    "/page/a.ts/",
    "//",
    "/metrics",
    "/openapi.json",
  ])("open no door beside them: %s", async (path) => {
    expect((await ask(path)).status).toBe(401);
  });

  it("open no method, whatever its query says", async () => {
    const post = (path: string) =>
      ask(path, { method: "POST", headers: { "content-type": "application/json" } });
    expect((await post("/api/v1/wallet.ls")).status).toBe(401);
    expect((await post("/")).status).toBe(401);
    expect((await ask("/api/v1/wallet.ls?/page/a.ts")).status).toBe(401);
    expect((await ask("/?token=x")).status).toBe(200);
  });

  it("that are missing on disk are not found, and the disk is not described", async () => {
    const { status, text } = await ask("/page/gone.ts");
    expect(status).toBe(404);
    expect(text).not.toContain(folder);
  });
});
