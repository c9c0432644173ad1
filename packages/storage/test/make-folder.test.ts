/** Folders with all that lead to them, and refusals where a system's folder takes no new ones: at once. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "@holdfast/storage";
import { expect, it } from "vitest";

it("makes what is missing, and says where it began", async () => {
  const root = await mkdtemp(join(tmpdir(), "holdfast-folder-"));
  try {
    expect(await makeFolder(join(root, "a", "b", "c"))).toBe(join(root, "a"));
    expect((await stat(join(root, "a", "b", "c"))).isDirectory()).toBe(true);
    expect(await makeFolder(join(root, "a", "b"))).toBeUndefined();
    const both = await Promise.all([makeFolder(join(root, "x", "y")), makeFolder(join(root, "x", "y"))]);
    expect(both.some((first) => first !== undefined)).toBe(true);
    await writeFile(join(root, "file"), "");
    await expect(makeFolder(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeFolder(join(root, "file", "below"))).rejects.toMatchObject({ code: "EEXIST" });
  } finally {
    await rm(root, { recursive: true });
  }
});

it.runIf(process.platform === "linux")("ends where the system makes none", async () => {
  await expect(makeFolder("/proc/holdfast/below")).rejects.toMatchObject({ code: "ENOENT" });
});
