/** The rules of the seams that both twins share: paths, and waiting that can be called off. */
import { abortable, diskPathSegments } from "@holdfast/base";
import { cancelSource, codeThrown, rejectionOf } from "@holdfast/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("a disk path", () => {
  it("never leaves the root, whatever the text", () => {
    const part = fc.oneof(fc.constantFrom("..", ".", "", "a", "/", "\\", "\0", "..a", "a b"), fc.string());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom("/", "", "\\"), (parts, separator) => {
        const path = parts.join(separator);
        let segments: string[];
        try {
          segments = diskPathSegments(path);
        } catch {
          expect(codeThrown(() => diskPathSegments(path))).toBe("disk/bad-path");
          return;
        }
        const resolved = new URL(`file:///root/${segments.map(encodeURIComponent).join("/")}`).pathname;
        expect(resolved.startsWith("/root/") && resolved.length > "/root/".length).toBe(true);
        expect(segments.join("/")).toBe(path);
        expect(path).not.toMatch(/^\/|\\|\0|(^|\/)\.{0,2}(\/|$)/);
      }),
      { numRuns: 2_000 },
    );
  });
  it("may be the root where a folder is meant", () => {
    expect(diskPathSegments("", { folder: true })).toEqual([]);
    expect(codeThrown(() => diskPathSegments("", { folder: false }))).toBe("disk/bad-path");
  });
});

describe("waiting that can be called off", () => {
  it("settles as the promise does, and leaves no listener", async () => {
    const cancel = cancelSource();
    expect(await abortable(cancel.signal, Promise.resolve(7))).toBe(7);
    expect(await rejectionOf(abortable(cancel.signal, Promise.reject("no")))).toBe("no");
    expect(await abortable(undefined, Promise.resolve(7))).toBe(7);
    expect(cancel.listenerCount()).toBe(0);
  });
  it("rejects with the reason, before or during", async () => {
    const [early, late] = [cancelSource(), cancelSource()];
    early.abort("early");
    expect(await rejectionOf(abortable(early.signal, Promise.reject("unseen")))).toBe("early");
    const waiting = rejectionOf(abortable(late.signal, new Promise(() => undefined)));
    late.abort("late");
    late.abort("later");
    expect(await waiting).toBe("late");
    expect(late.signal.reason).toBe("late");
    expect(() => late.signal.throwIfAborted()).toThrow("late");
  });
});
