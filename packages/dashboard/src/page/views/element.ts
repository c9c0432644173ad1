/**
 * Elements as calls. An attribute is a plain value or a listener, never an object, so that no view can hand
 * markup to the browser: text is always text.
 */
import { type ComponentChildren, h, type VNode } from "preact";

export type Tree = VNode;
export type Children = ComponentChildren;

type Attribute = string | number | boolean | undefined | ((event: never) => void);

export function el(
  name: string,
  attributes: { readonly [name: string]: Attribute } | null,
  ...children: Children[]
): Tree {
  return h(name, attributes as { readonly class?: string } | null, ...children) as Tree;
}
