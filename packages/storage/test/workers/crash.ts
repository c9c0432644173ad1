/**
 * A worker's setup module that ends its thread as a crash does, as long as the folder named in its address
 * holds fewer than so many marks: `…/crash.ts?folder=/tmp/x&times=1`.
 */
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const options = new URL(import.meta.url).searchParams;
const folder = options.get("folder") ?? "";
const crashes = readdirSync(folder).length;
if (crashes < Number(options.get("times"))) {
  writeFileSync(path.join(folder, `crash-${crashes}`), "");
  void Promise.reject(new RangeError("planted crash")); // nobody handles it: the thread ends
  await new Promise(() => undefined);
}
