/**
 * Plants a bug while sources are loaded: one text of one file becomes another, in this process and in its children.
 * The files themselves stay as they are. HOLDFAST_PLANTED names the bug. Invariant: a run in which the bug's file
 * is loaded without exactly one place for it ends at once, so a source that has changed cannot pass for a bug found.
 */
import { registerHooks } from "node:module";
import { type Bug, bugNamed, planted } from "./bugs.ts";

const root = new URL("../../", import.meta.url).href;

function plant(bug: Bug): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== `${root}${bug.file}`) return loaded;
      const { source } = loaded;
      const text = typeof source === "string" ? source : new TextDecoder().decode(source as Uint8Array);
      return { ...loaded, source: planted(bug, text) };
    },
  });
}

const { HOLDFAST_PLANTED: name } = process.env;
if (name !== undefined) plant(bugNamed(name));
