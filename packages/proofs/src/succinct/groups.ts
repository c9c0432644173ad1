/** Statements in groups of one size, each group one SNARK: a circuit has one shape. */

/** Groups of `size`; the last one repeats its last item until it is full, which proves nothing less. */
export function groupsOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  for (let at = 0; at < items.length; at += size) {
    const group = items.slice(at, at + size);
    const last = group.at(-1);
    while (last !== undefined && group.length < size) group.push(last);
    groups.push(group);
  }
  return groups;
}

/** Proofs of `length` bytes each that lie one behind the other, or `undefined` if they are not `count`. */
export function splitProofs(
  bytes: Uint8Array,
  length: number,
  count: number,
): readonly Uint8Array[] | undefined {
  if (bytes.length !== length * count) return undefined;
  return Array.from({ length: count }, (_none, i) => bytes.subarray(i * length, (i + 1) * length));
}
