/**
 * The files of a page that a person opens in a browser: static, without a secret, so they are served without
 * the token that every query of theirs needs. TypeScript is served as it stands with its types blanked
 * out, once. The policy allows the page its own files, the import map that its HTML holds, and nothing else.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { extname } from "node:path";
import { assert } from "@holdfast/base";
import type { FastifyInstance } from "fastify";
import { rpcErrors } from "./errors.ts";
import type { PageFile } from "./needs.ts";

const contentTypes: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ts": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
};

/** For browsers: what comes from here is for this page alone, and is not kept for a later version. */
const headers: { readonly [name: string]: string } = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

interface LoadedFile {
  readonly type: string;
  readonly text: string;
  readonly policy: string;
}

export function addPages(app: FastifyInstance, files: readonly PageFile[]): void {
  for (const { path, file } of files) {
    const type = contentTypes[extname(file.pathname)];
    assert(type !== undefined, `${file.pathname} is of a kind that a page consists of`);
    let loaded: LoadedFile | undefined;
    app.get(path, async (_request, reply) => {
      loaded ??= await load(file, type).catch((cause: unknown) => {
        throw rpcErrors.notFound({ what: `file ${path} of the page` }, cause);
      });
      return reply
        .headers({ ...headers, "content-type": loaded.type, "content-security-policy": loaded.policy })
        .send(loaded.text);
    });
  }
}

async function load(file: URL, type: string): Promise<LoadedFile> {
  const text = await readFile(file, "utf8");
  return {
    type,
    text: file.pathname.endsWith(".ts") ? stripTypeScriptTypes(text) : text,
    policy: policyOf(file.pathname.endsWith(".html") ? inlineScripts(text) : []),
  };
}

/** Content Security Policy Level 3. */
function policyOf(scripts: readonly string[]): string {
  const hashes = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  return [
    "default-src 'none'",
    ["script-src 'self'", ...hashes].join(" "),
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

/** An import map can only stand in the page itself. */
function inlineScripts(html: string): string[] {
  return [...html.matchAll(/<script type="importmap">([\s\S]*?)<\/script>/g)].map(([, text]) => text ?? "");
}
