/** The way of a thing through its steps, as on a parcel's label: done, where it is now, and to come. */
import { el, type Tree } from "./element.ts";

export interface TrackStep {
  readonly name: string;
  readonly state: "done" | "now" | "failed" | "ahead";
}

const spoken: { readonly [State in TrackStep["state"]]: string } = {
  done: "done",
  now: "now",
  failed: "failed here",
  ahead: "to come",
};

export function track(label: string, steps: readonly TrackStep[]): Tree {
  return el(
    "ol",
    { class: "track", "aria-label": label },
    steps.map(({ name, state }) =>
      el(
        "li",
        { key: name, class: state, ...(state === "now" ? { "aria-current": "step" } : {}) },
        el("span", { class: "name" }, name),
        el("span", { class: "spoken" }, `, ${spoken[state]}`),
      ),
    ),
  );
}

/** Steps in order, of which the one at `current` runs, or failed, or is done too. */
export function stepsUpTo(
  names: readonly string[],
  current: number,
  state: "now" | "failed" | "done",
): readonly TrackStep[] {
  return names.map((name, index) => ({
    name,
    state: index < current ? "done" : index === current ? state : "ahead",
  }));
}
