/**
 * Where the page meets the browser: the token, the one model and its drawing, the clock, and the moments at
 * which someone looks and looks away.
 */
import { render } from "preact";
import { openApi } from "./api.ts";
import { startLive } from "./live.ts";
import { answered, firstModel, type Model } from "./model.ts";
import type { PaceClock } from "./pace.ts";
import { forgetToken, keepToken, type TokenPlaces, takeToken } from "./token.ts";
import { page } from "./views/page.ts";
import type { Actions } from "./views/parts.ts";

const copiedMs = 2000;

const places: TokenPlaces = { location, history, storage: sessionStorage };
const clock: PaceClock = {
  nowMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

let token = takeToken(places);
let model = firstModel(token !== undefined);
let stopLive: (() => void) | undefined;
let drawing = false;

const titles = { ok: "●", warning: "▲", failing: "✖" } as const;

/** Changes of one turn are drawn together. */
function update(change: (model: Model) => Model): void {
  model = change(model);
  if (drawing) return;
  drawing = true;
  queueMicrotask(() => {
    drawing = false;
    draw();
  });
}

function draw(): void {
  const root = document.getElementById("page");
  if (root !== null) render(page(model, actions), root);
  const { status, lost } = model;
  document.title =
    status === undefined
      ? "Holdfast"
      : `${titles[lost === undefined ? status.health.light : "failing"]} ${status.name}`;
}

function start(): void {
  if (token === undefined || document.hidden || stopLive !== undefined) return;
  const api = openApi(token, (input, init) => fetch(input, init));
  stopLive = startLive({ api, clock, model: () => model, update, onLocked: lock });
}

function stop(): void {
  stopLive?.();
  stopLive = undefined;
}

function lock(): void {
  stop();
  forgetToken(places);
  token = undefined;
  update((before) => ({ ...firstModel(false), lost: before.lost }));
}

function unlock(given: string): void {
  stop();
  token = given;
  update(() => firstModel(true));
  start();
}

async function showDeal(dealId: string): Promise<void> {
  if (token === undefined) return;
  const api = openApi(token, (input, init) => fetch(input, init));
  const answer = await api.call("deal.show", { dealId }, new AbortController().signal);
  update((before) =>
    before.openDealId === dealId ? { ...before, openDeal: answered(before.openDeal, answer) } : before,
  );
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  update((before) => ({ ...before, copied: text }));
  setTimeout(
    () => update((before) => (before.copied === text ? { ...before, copied: undefined } : before)),
    copiedMs,
  );
}

const actions: Actions = {
  copy: (text) => void copy(text),
  lookAt: (tipsetKey) => update((before) => ({ ...before, tipsetKey })),
  openDeal(dealId) {
    update((before) => ({
      ...before,
      openDealId: dealId,
      openDeal: { value: undefined, failure: undefined },
    }));
    if (dealId !== undefined) void showDeal(dealId);
  },
  showAll: (list) => update((before) => ({ ...before, whole: [...before.whole, list] })),
  giveToken(text) {
    const given = keepToken(places, text);
    if (given !== undefined) unlock(given);
  },
};

document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
// The link, opened again in this tab, changes the fragment alone.
addEventListener("hashchange", () => {
  const given = location.hash.startsWith("#token=") ? takeToken(places) : undefined;
  if (given !== undefined) unlock(given);
});

draw();
start();
