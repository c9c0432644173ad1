/** The page's side of the wire: the same paths as the API's own client, and answers that never throw. */
import { errorToBody, methodPath, methods, streamEnd } from "@holdfast/api";
import { HoldfastError } from "@holdfast/base";
import {
  forgetToken,
  keepToken,
  minerQuestions,
  openApi,
  questions,
  type TokenPlaces,
  takeToken,
} from "@holdfast/dashboard/page";
import { describe, expect, it } from "vitest";
import * as answers from "./answers.ts";
import { jobs } from "./job-answers.ts";
import { policy, volumes } from "./storage-answers.ts";

const signal = new AbortController().signal;

function answering(body: string | ReadableStream<Uint8Array>, status = 200) {
  const sent: { readonly path: string; readonly init: RequestInit | undefined }[] = [];
  const send = async (path: unknown, init?: RequestInit): Promise<Response> => {
    sent.push({ path: String(path), init });
    return new Response(body, { status });
  };
  return { sent, api: openApi("the-token", send as typeof fetch) };
}

describe("queries", () => {
  it("go where the API's client goes, with the token in the header alone", async () => {
    const { sent, api } = answering("[]");
    await api.call("chain.ls", { limit: 3 }, signal);
    expect(sent[0]?.path).toBe(methodPath("chain.ls"));
    expect(sent[0]?.init).toMatchObject({
      method: "POST",
      headers: { authorization: "Bearer the-token" },
      body: '{"limit":3}',
    });
    expect(sent[0]?.path).not.toContain("token");
  });

  it("ask what the method table accepts, and understand what it promises", () => {
    for (const { method, params } of Object.values({ ...questions, ...minerQuestions })) {
      expect(methods[method].params.safeParse(params).success, method).toBe(true);
    }
    const told = {
      "node.status": answers.status(9),
      "chain.ls": answers.tipsets(99),
      "chain.money": answers.money,
      "put.ls": [answers.put(), answers.failedPut],
      "file.ls": answers.files,
      "deal.ls": answers.deals,
      "deal.show": answers.dealDetail,
      "net.peers": answers.peers,
      "net.status": answers.network,
      "net.bans": answers.bans,
      "mine.status": answers.mineStatus,
      "sector.ls": answers.sectors,
      "jobs.ls": jobs,
      "storage.ls": volumes,
      "deal.policy": policy,
    } as const;
    for (const [name, value] of Object.entries(told)) {
      expect(methods[name as keyof typeof told].result.parse(value), name).toEqual(value);
    }
  });

  it("become failures that can be shown, whatever goes wrong", async () => {
    const error = new HoldfastError({ code: "a/b", message: "it broke", fix: "mend it", exit: "refused" });
    const refused = await answering(JSON.stringify(errorToBody(error)), 403).api.call(
      "chain.money",
      {},
      signal,
    );
    expect(refused).toEqual({ ok: false, failure: { kind: "refused", message: "it broke", fix: "mend it" } });
    const locked = await answering("", 401).api.call("chain.money", {}, signal);
    expect(locked).toMatchObject({ ok: false, failure: { kind: "unauthorized" } });
    const strange = await answering("[1]", 500).api.call("chain.money", {}, signal);
    expect(strange).toMatchObject({ ok: false, failure: { kind: "refused" } });
    const garbage = await answering("<html>").api.call("chain.money", {}, signal);
    expect(garbage).toMatchObject({ ok: false, failure: { kind: "unreachable" } });
  });
});

describe("streams", () => {
  /** The bytes of some lines, in pieces. */
  function pieces(lines: readonly unknown[], size: number): ReadableStream<Uint8Array> {
    const bytes = new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + size));
        at += size;
      },
    });
  }

  it.each([1, 7, 1_000_000])("are read line by line, in pieces of %i bytes", async (size) => {
    const error = { code: "a/b", message: "c", fix: "d" };
    const { error: _, ...job } = answers.put({ name: "größer" });
    const failing = { error, ...job };
    const seen: unknown[] = [];
    const { api } = answering(pieces([answers.put(), failing, streamEnd, answers.put()], size));
    await api.follow("put.watch", { jobId: "7" }, signal, (job) => seen.push(job));
    expect(seen).toEqual([answers.put(), failing]);
  });

  it("end with an error document, a cut or a refusal, and never throw", async () => {
    const error = errorToBody(new HoldfastError({ code: "a/b", message: "c", fix: "d", exit: "refused" }));
    const seen: unknown[] = [];
    const take = (value: unknown): void => void seen.push(value);
    await answering(pieces([answers.tipset(5), error], 99)).api.follow("chain.watch", {}, signal, take);
    await answering("{broken").api.follow("chain.watch", {}, signal, take);
    await answering("{broken\n").api.follow("chain.watch", {}, signal, take);
    await answering("", 503).api.follow("chain.watch", {}, signal, take);
    expect(seen).toEqual([answers.tipset(5)]);
  });
});

describe("the token", () => {
  function tab(hash: string, kept: Record<string, string> = {}) {
    const shown: string[] = [];
    const places: TokenPlaces = {
      location: { hash, pathname: "/" },
      history: { replaceState: (_data, _unused, url) => void shown.push(url) },
      storage: {
        getItem: (key) => kept[key] ?? null,
        setItem: (key, value) => {
          kept[key] = value;
        },
        removeItem: (key) => {
          delete kept[key];
        },
      },
    };
    return { places, shown, kept };
  }

  it("is taken out of the address at once, and kept for the tab", () => {
    const { places, shown, kept } = tab("#token=abc-DEF_123");
    expect(takeToken(places)).toBe("abc-DEF_123");
    expect(shown).toEqual(["/"]);
    expect(takeToken(tab("", kept).places)).toBe("abc-DEF_123");
    forgetToken(places);
    expect(takeToken(tab("", kept).places)).toBeUndefined();
  });

  it("is left alone by other fragments, and is nothing but plain characters", () => {
    const other = tab("#main");
    expect(takeToken(other.places)).toBeUndefined();
    expect(other.shown).toEqual([]);
    const bad = tab("#token=a%0d%0ab");
    expect(takeToken(bad.places)).toBeUndefined();
    expect(bad.shown).toEqual(["/"]);
  });

  it("can be pasted, alone or in its link", () => {
    const { places } = tab("");
    expect(keepToken(places, " abc ")).toBe("abc");
    expect(keepToken(places, "http://127.0.0.1:3453/#token=xyz")).toBe("xyz");
    expect(keepToken(places, "two words")).toBeUndefined();
    expect(takeToken(places)).toBe("xyz");
  });
});
