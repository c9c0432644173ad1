/**
 * Loaded first into a program that is to be profiled (`node --import`): SIGUSR2 starts a profile of the main
 * thread, the next one ends it and writes it to BENCH_PROFILE. The profile itself costs some processor time.
 */
import { writeFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";

const samplingUs = 500;
let session: Session | undefined;

async function toggle(): Promise<void> {
  if (session === undefined) {
    session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: samplingUs });
    await session.post("Profiler.start");
    return;
  }
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  session = undefined;
  await writeFile(process.env.BENCH_PROFILE ?? "bench.cpuprofile", JSON.stringify(profile));
}

process.on("SIGUSR2", () => void toggle());
