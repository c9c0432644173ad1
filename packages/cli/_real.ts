import { randomBytes } from "node:crypto";
import { createClient } from "@holdfast/api";
import { startDevnet } from "@holdfast/node/daemon";

const net = await startDevnet({
  roundMs: 1000,
  miners: 3,
  sectorBytes: 262144,
  apiPort: 0,
  version: "0.1.0",
});
console.log("ready", net.readyMs);
const n = net.nodes.at(-1)!;
const c = createClient({ url: n.api, token: n.token });
const bytes = randomBytes(Number(process.argv[2] ?? 1048576));
async function* once() {
  yield bytes;
}
const t = performance.now();
const el = () => ((performance.now() - t) / 1000).toFixed(1);
const f = await c.importFile(once());
console.log("imported", f, el());
const job = await c.call("put.start", { cid: f.cid, copies: 2, forMs: 600000 });
let prev = "";
for await (const v of c.stream("put.watch", { jobId: job.jobId })) {
  const s = v.copies.map((x) => x.step + " " + x.detail + " " + (x.error?.message ?? "")).join(" | ");
  if (s !== prev) {
    console.log(el(), v.state, s);
    prev = s;
  }
}
const t2 = performance.now();
const d = await c.openFile(f.cid, 0);
let got = 0;
for await (const ch of d.bytes) got += ch.length;
console.log("get local", got, got / 1e6 / ((performance.now() - t2) / 1000), "MB/s");
const b = net.nodes[0]!;
const cb = createClient({ url: b.api, token: b.token });
const t3 = performance.now();
const d2 = await cb.openFile(f.cid, 0);
got = 0;
for await (const ch of d2.bytes) got += ch.length;
console.log("get remote", got, got / 1e6 / ((performance.now() - t3) / 1000), "MB/s");
console.log(await c.call("chain.money", {}));
console.log(
  (await c.call("deal.ls", {})).map((x) => [x.state, x.provenSectors, x.sectors.length, x.totalFil]),
);
const rss = process.memoryUsage().rss / 1e6;
const cpu = process.cpuUsage();
await new Promise((r) => setTimeout(r, 15000));
const c2 = process.cpuUsage(cpu);
console.log("rss", rss, "cpu%", ((c2.user + c2.system) / 1e6 / 15) * 100);
await net[Symbol.asyncDispose]();
console.log("closed");
