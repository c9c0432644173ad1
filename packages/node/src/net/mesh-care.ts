/**
 * A mesh that strangers have filled to the last place takes no honest neighbour in: gossipsub itself trims a mesh
 * only when it is over-full, and whoever brings nothing costs nothing as long as it is polite. So a full mesh is
 * trimmed by merit: of its members, all but the best few that have brought no message while others did, not even one
 * that was known already, rest. Resting is a score just below zero: out of the mesh and not taken in, but still told
 * what there is. A mesh with room is left alone: who hears all from us has nothing to bring.
 */

const restMs = 120_000;
const restingScore = -2; // more than what time in the mesh can earn
/** Messages that have come before silence means anything. */
const leastMessages = 5;
/** Members that stay in any case: as many as gossipsub leaves when it trims. */
const kept = 6;

/** Members of one mesh with the messages that each has brought since it came. */
export type MeshCounts = ReadonlyMap<string, number>;

export class MeshCare {
  /** Members from which on a mesh counts as full: gossipsub takes nobody in any more. */
  readonly #full: number;
  readonly #restUntilMs = new Map<string, number>();
  #before: ReadonlyMap<string, MeshCounts> = new Map();
  #came = 0;

  constructor(full: number) {
    this.#full = full;
  }

  /** A message that was new and good. */
  note(): void {
    this.#came += 1;
  }
  /** From time to time, with the mesh of each topic. */
  look(meshes: ReadonlyMap<string, MeshCounts>, nowMs: number): void {
    for (const [peer, untilMs] of this.#restUntilMs) if (untilMs <= nowMs) this.#restUntilMs.delete(peer);
    if (this.#came < leastMessages) return;
    for (const [topic, mesh] of meshes) {
      if (mesh.size < this.#full) continue;
      for (const peer of idle(mesh, this.#before.get(topic))) this.#restUntilMs.set(peer, nowMs + restMs);
    }
    this.#before = meshes;
    this.#came = 0;
  }
  scoreOf(peer: string): number {
    return this.#restUntilMs.has(peer) ? restingScore : 0;
  }
}

/** Who came after the last look is not judged yet. */
function idle(mesh: MeshCounts, before: MeshCounts = new Map()): readonly string[] {
  const merit = (peer: string): number => {
    const then = before.get(peer);
    return then === undefined ? 0.5 : (mesh.get(peer) ?? 0) - then;
  };
  const worst = [...mesh.keys()].sort((a, b) => merit(b) - merit(a)).slice(kept);
  return worst.filter((peer) => merit(peer) <= 0);
}
