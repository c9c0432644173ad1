/** The page without its key: how to come by it, and a place to put it. */
import { el, type Tree } from "./element.ts";
import { failureNote, type Look } from "./parts.ts";

interface Submission {
  readonly currentTarget: unknown;
  preventDefault(): void;
}

export function gate({ model, actions }: Look): Tree {
  return el(
    "main",
    { class: "gate", id: "main" },
    el("img", { src: "/page/icon.svg", alt: "", width: 44, height: 44 }),
    el("h1", null, "Holdfast"),
    model.lost === undefined ? null : el("div", { role: "alert" }, failureNote(model.lost)),
    el(
      "p",
      null,
      "This page asks the node with its token. Open the link that ",
      el("code", null, "holdfast up"),
      " prints, or paste that link or the token from the file ",
      el("code", null, "token"),
      " in the node's repo.",
    ),
    el(
      "form",
      {
        onSubmit: (event: Submission) => {
          event.preventDefault();
          const field = (event.currentTarget as { readonly elements: { namedItem(name: string): unknown } })
            .elements;
          actions.giveToken((field.namedItem("token") as { readonly value: string }).value);
        },
      },
      el("label", { for: "token" }, "Token"),
      el("input", { id: "token", name: "token", type: "password", autocomplete: "off", required: true }),
      el("button", { type: "submit" }, "Open"),
    ),
  );
}
