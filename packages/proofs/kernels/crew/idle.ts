/**
 * Idle space by a crew. Of a set of the compatibility profile each block of columns is a slice: blocks share the tables
 * and nothing else. A set of the hardened profile is one chain of labels, which no second thread makes shorter, so
 * there a slice is a whole set, or two that one thread makes at once: several sets stand beside each other.
 *
 * What a thread makes it writes itself. A kind is therefore the host's: it names how every thread opens the place
 * where files go. Memory: `blockBytes` of the plan for each thread; hardened, three layers for each set in hand.
 * Invariant: a slice may be done again, so its files are written again, with the same bytes.
 */
import {
  CessBlockRoom,
  type CessBlocks,
  type CessSetOptions,
  type CessSink,
  cessBlockSteps,
  generateIdleSets,
  type IdleProfile,
  type IdleSetIdentity,
  type IdleSink,
  type IdleWork,
} from "../../src/idle/index.ts";
import type { Steps } from "../../src/steps/index.ts";
import { passSteps } from "../../src/steps/index.ts";
import type { Crew } from "./crew.ts";
import { sharedBytes, sharedZeros } from "./memory.ts";
import { EndedPass } from "./pass.ts";
import type { SliceKind, SliceSteps } from "./wire.ts";

export interface CessBlocksInput<Place> extends CessBlocks {
  readonly place: Place;
}

/** Blocks whose files go to what `open` makes of a place; `module` exports the result as `name`. */
export function cessBlocksKind<Place>(
  module: string | null,
  name: string,
  open: (place: Place) => CessSink,
): SliceKind<CessBlocksInput<Place>> {
  return {
    module,
    name,
    make: (_kernels, { plan, tables, rows, place }) => {
      const sink = open(place);
      const room = new CessBlockRoom(plan);
      return (block) => cessBlockSteps(plan, tables, rows, block, sink, room);
    },
  };
}

/** Blocks of which only the roots are wanted. */
export const cessRootBlocks: SliceKind<CessBlocksInput<null>> = cessBlocksKind(
  null,
  "cessRootBlocks",
  () => ({ write: () => undefined }),
);

const isShared = (bytes: Uint8Array): boolean => bytes.buffer instanceof SharedArrayBuffer;

/** For `cessSetSteps`: begins the blocks on all threads of a crew. */
export function crewCessBlocks<Place>(
  crew: Crew,
  kind: SliceKind<CessBlocksInput<Place>>,
  place: Place,
): NonNullable<CessSetOptions["start"]> {
  return ({ plan, tables, rows }) => {
    if (crew.threads === 1 || plan.blocks === 1) return undefined;
    const room = isShared(rows) ? rows : sharedZeros(rows.length);
    const input = { plan, tables: sharedBytes(tables), rows: room, place };
    return new EndedPass(crew.start(kind, input, plan.blocks), () => {
      if (room !== rows) rows.set(room);
    });
  };
}

export interface IdleSetsInput<Place> {
  readonly profile: IdleProfile;
  readonly identities: readonly IdleSetIdentity[];
  /** Sets that a thread makes at once; of an odd number one is made alone. */
  readonly atOnce: 1 | 2;
  readonly place: Place;
}

function* numbers(steps: ReturnType<typeof generateIdleSets>): SliceSteps {
  for (const step of steps) if (typeof step === "number") yield step;
}

/** Whole sets of the hardened profile whose files go to what `open` makes of a place and a set. */
export function idleSetsKind<Place>(
  module: string | null,
  name: string,
  open: (place: Place, identity: IdleSetIdentity) => IdleSink,
): SliceKind<IdleSetsInput<Place>> {
  return {
    module,
    name,
    make:
      (_kernels, { profile, identities, atOnce, place }) =>
      (slice) => {
        const work = (identity: IdleSetIdentity): IdleWork => ({ identity, sink: open(place, identity) });
        const [one, two] = identities.slice(atOnce * slice, atOnce * (slice + 1)).map(work);
        if (one === undefined) return undefined;
        return numbers(generateIdleSets(profile, two === undefined ? [one] : [one, two]));
      },
  };
}

/** Sets of which nothing is kept: for measuring. */
export const discardedIdleSets: SliceKind<IdleSetsInput<null>> = idleSetsKind(
  null,
  "discardedIdleSets",
  () => ({ file: () => undefined, keptLayer: () => undefined }),
);

/** Makes the sets on all threads of a crew. Yields the share that is done; throws what a sink throws. */
export function crewIdleSets<Place>(
  crew: Crew,
  kind: SliceKind<IdleSetsInput<Place>>,
  input: IdleSetsInput<Place>,
): Steps<void> {
  return passSteps(crew.start(kind, input, Math.ceil(input.identities.length / input.atOnce)));
}
