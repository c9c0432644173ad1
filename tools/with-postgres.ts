/**
 * `node tools/with-postgres.ts COMMAND…`: runs a command beside a PostgreSQL server of its own, whose address is in
 * HOLDFAST_TEST_POSTGRES. The server lives in a folder that goes away with it, speaks over a socket in that folder and
 * does not wait for the disk unless `--sync` comes first. Ends with the command's code; with 0 and a word where no
 * server is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [first, ...rest] = process.argv.slice(2);
const isSynced = first === "--sync";
const [command = "true", ...args] = isSynced ? rest : [first, ...rest].filter((word) => word !== undefined);
/** How long a server may take to begin. */
const startMs = 30_000;

/** The folder with the server's programs; Debian keeps them off the path. */
function programs(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/** PostgreSQL refuses to run as root: then it runs as somebody who owns nothing else. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(spawnSync("id", [flag, "nobody"], { encoding: "utf8" }).stdout);
  return { uid: idOf("-u"), gid: idOf("-g") };
}

const folder = programs();
if (folder === undefined) {
  console.log("no PostgreSQL here (apt-get install postgresql): left out");
} else {
  const place = mkdtempSync(join(tmpdir(), "holdfast-postgres-"));
  const user = owner();
  if (user !== undefined) chownSync(place, user.uid, user.gid);
  try {
    process.exitCode = await beside(folder, place, user ?? {});
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function beside(bin: string, place: string, user: { uid?: number; gid?: number }): Promise<number> {
  const data = join(place, "data");
  const made = spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "holdfast", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...user, cwd: place, encoding: "utf8" },
  );
  if (made.status !== 0) {
    console.error(made.stdout, made.stderr);
    return 1;
  }
  const log = join(place, "log");
  const settings = [
    "listen_addresses=",
    `unix_socket_directories=${place}`,
    `fsync=${isSynced ? "on" : "off"}`,
  ];
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    { ...user, cwd: place, stdio: ["ignore", "ignore", openSync(log, "w")] },
  );
  const gone = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  try {
    for (let waitedMs = 0; !isReady(data); waitedMs += 20) {
      if (waitedMs > startMs || server.exitCode !== null) {
        console.error("the PostgreSQL server did not start:", readFileSync(log, "utf8"));
        return 1;
      }
      await sleep(20);
    }
    const address = `postgres://holdfast@localhost/postgres?host=${encodeURIComponent(place)}`;
    const env = { ...process.env, HOLDFAST_TEST_POSTGRES: address };
    const run = spawn(command, args, { stdio: "inherit", env });
    return await new Promise<number>((resolve) => run.once("exit", (code) => resolve(code ?? 1)));
  } finally {
    server.kill("SIGINT"); // fast: running sessions are ended
    await gone;
  }
}

/** The server says in this file how far it is. */
function isReady(data: string): boolean {
  const file = join(data, "postmaster.pid");
  return existsSync(file) && /^ready\s*$/m.test(readFileSync(file, "utf8"));
}
