/**
 * Everything that a peer can claim in a header, one lie at a time, with real VRFs, signatures and proofs of a
 * really sealed sector. Each lie has its own code; a validator that leaves one check out is found.
 */
import type { Epoch } from "@holdfast/base";
import {
  bigEndian,
  blake2b256,
  blsKeyFromSeed,
  blsSign,
  epoch,
  HoldfastError,
  utf8Bytes,
} from "@holdfast/base";
import type { BlockHeader, HeaderProof, HeaderView } from "@holdfast/consensus";
import {
  applyTipset,
  blockCid,
  checkHeader,
  createTipset,
  decodeBlock,
  electionInput,
  encodeBlock,
  readPowerTable,
  ticketInput,
  tipsetWeight,
  validateHeader,
  verifyHeaderProof,
} from "@holdfast/consensus";
import { beforeAll, describe, expect, it } from "vitest";
import type { RealWorld } from "./support/real-miner.ts";
import {
  blsKey,
  createRealWorld,
  draw,
  heightWhere,
  idler,
  miner,
  realBlock,
  resign,
  rival,
} from "./support/real-miner.ts";
import { keysOf } from "./support/world.ts";

let world: RealWorld;
let honest: BlockHeader;
/** Told once: drawing and signing takes longer than checking. */
const told = new Map<string, BlockHeader>();

beforeAll(async () => {
  world = await createRealWorld();
  honest = realBlock(world, heightWhere(world, true)).header;
});

type Validate = (header: BlockHeader, view: HeaderView) => void;
const validate: Validate = (header, view) => validateHeader(header, world.genesisTipset, view, world.env);

interface Lie {
  readonly code: string;
  readonly name: string;
  tell(header: BlockHeader): BlockHeader;
  /** What the checking node knows, where it matters. */
  readonly view?: Partial<HeaderView>;
}

const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const otherVrf = (): Uint8Array => blsSign(blsKeyFromSeed(blake2b256(utf8Bytes("other"))), utf8Bytes("x"));
const oneOff = (header: BlockHeader, change: Partial<BlockHeader>): BlockHeader =>
  resign({ ...header, ...change });
const heightsBelow = (header: BlockHeader): Epoch => epoch(header.height - 1);
const minTicket = (): Uint8Array => world.genesisTipset.minTicket;

const lies: readonly Lie[] = [
  {
    name: "other parents",
    code: "block/wrong-parents",
    tell: (h) => oneOff(h, { parents: [blockCid(h)] }),
  },
  { name: "no parents", code: "block/wrong-parents", tell: (h) => oneOff(h, { parents: [] }) },
  {
    name: "a parent twice",
    code: "block/wrong-parents",
    tell: (h) => oneOff(h, { parents: [...h.parents, ...h.parents] }),
  },
  {
    name: "the height of the parent",
    code: "block/height-not-above-parent",
    tell: (h) => oneOff(h, { height: epoch(0), timestampMs: world.view.genesisTimeMs }),
  },
  {
    name: "a time one millisecond off",
    code: "block/wrong-timestamp",
    tell: (h) => oneOff(h, { timestampMs: h.timestampMs + 1 }),
  },
  {
    name: "a height that skips no null round",
    code: "block/wrong-timestamp",
    tell: (h) => oneOff(h, { height: epoch(h.height + 1) }),
  },
  {
    name: "a time beyond the clock",
    code: "block/from-the-future",
    tell: (h) => h,
    view: { nowMs: 1_700_000_000_000 - 1_000_000 },
  },
  {
    name: "more weight",
    code: "block/wrong-parent-weight",
    tell: (h) => oneOff(h, { parentWeight: 1n }),
  },
  {
    name: "another parent state",
    code: "block/wrong-parent-state",
    tell: (h) => oneOff(h, { parentState: h.stateRoot }),
  },
  {
    name: "a winning proof that floods",
    code: "block/winning-post-too-large",
    tell: (h) => ({ ...h, winningPost: new Uint8Array(131_073) }),
  },
  { name: "no miner", code: "block/unknown-miner", tell: (h) => oneOff(h, { miner: keysOf("x").address }) },
  { name: "a miner without power", code: "block/no-power", tell: (h) => oneOff(h, { miner: idler }) },
  {
    name: "another miner's name",
    code: "block/bad-election-proof",
    tell: (h) => oneOff(h, { miner: rival }),
  },
  {
    name: "another worker's signature",
    code: "block/bad-signature",
    tell: (h) => resign(h, keysOf("thief").privateKey),
  },
  {
    name: "a signature of another header",
    code: "block/bad-signature",
    tell: (h) => ({ ...h, stateRoot: blockCid(h) }),
  },
  {
    name: "no signature",
    code: "block/bad-signature",
    tell: (h) => ({ ...h, signature: new Uint8Array(65) }),
  },
  {
    name: "a lost election",
    code: "block/not-a-winner",
    tell: () => realBlock(world, heightWhere(world, false)).header,
  },
  {
    name: "the election of another height",
    code: "block/bad-election-proof",
    tell: (h) => {
      const input = electionInput(minTicket(), epoch(h.height + 1000), miner);
      for (let i = 0; ; i++) {
        const electionProof = blsSign(blsKey, i === 0 ? input : bigEndian(i, 8));
        const told = oneOff(h, { electionProof });
        if (wins(told)) return told;
      }
    },
  },
  { name: "a grindable ticket", code: "block/bad-ticket", tell: (h) => oneOff(h, { ticket: otherVrf() }) },
  {
    name: "the ticket of another height",
    code: "block/bad-ticket",
    tell: (h) => {
      const input = ticketInput(minTicket(), epoch(h.height + 1), miner);
      return oneOff(h, { ticket: blsSign(blsKey, input) });
    },
  },
  {
    name: "a ticket that is no point",
    code: "block/bad-ticket",
    tell: (h) => oneOff(h, { ticket: flip(h.ticket, 95) }),
  },
  {
    name: "a damaged winning proof",
    code: "block/bad-winning-post",
    tell: (h) => oneOff(h, { winningPost: flip(h.winningPost, h.winningPost.length - 1) }),
  },
  {
    name: "no winning proof",
    code: "block/bad-winning-post",
    tell: (h) => oneOff(h, { winningPost: new Uint8Array(0) }),
  },
  {
    name: "a longer winning proof",
    code: "block/bad-winning-post",
    tell: (h) => oneOff(h, { winningPost: Uint8Array.of(...h.winningPost, 0) }),
  },
];

function wins(header: BlockHeader): boolean {
  try {
    checkHeader(header, world.genesisTipset, world.view, world.env.params);
    return true;
  } catch {
    return false;
  }
}

function codeOf(run: () => void): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

function answer(check: Validate, lie: Lie): string {
  const header = told.get(lie.name) ?? lie.tell(honest);
  told.set(lie.name, header);
  return codeOf(() => check(header, { ...world.view, ...lie.view }));
}

/** Names of the lies that a validator does not answer with their own code. */
function undetected(check: Validate, among: readonly Lie[] = lies): string[] {
  return among.filter((lie) => answer(check, lie) !== lie.code).map((lie) => lie.name);
}

/** A validator that leaves out the costly checks of one kind. */
const without =
  (kind: HeaderProof["kind"]): Validate =>
  (header, view) => {
    for (const proof of checkHeader(header, world.genesisTipset, view, world.env.params)) {
      if (proof.kind !== kind) verifyHeaderProof(proof, world.env.verifier);
    }
  };

describe("a header", () => {
  it("that tells the truth is accepted", () => {
    expect(codeOf(() => validate(honest, world.view))).toBe("accepted");
    expect(honest.height).toBeGreaterThan(0);
    expect(draw(world, heightsBelow(honest)).electionProof).toHaveLength(96);
  });

  it.each(lies.map((lie) => [lie.name, lie.code, lie] as const))("with %s is %s", (_name, code, lie) => {
    expect(answer(validate, lie)).toBe(code);
  });

  it("survives the wire unchanged, and its body may not be swapped", () => {
    const block = realBlock(world, honest.height);
    const again = decodeBlock(encodeBlock(block));
    expect(blockCid(again.header).toString()).toBe(blockCid(honest).toString());
  });

  it("gives the next block its parent weight", () => {
    const power = readPowerTable(world.store, world.genesis.state);
    const tipset = createTipset([honest]);
    expect(tipsetWeight(tipset, power)).toBe(10_000n + 50_000n);
    const blocks = [realBlock(world, honest.height)];
    const { store, env, genesis } = world;
    const result = applyTipset({ store, parentState: genesis.state, blocks, env });
    expect(result.stateRoot.toString()).toBe(honest.stateRoot.toString());
  });
});

describe("a validator that forgets a check is found:", () => {
  const canaries: readonly (readonly [string, Validate, string])[] = [
    ["weight", (h, view) => validate(h, { ...view, parentWeight: h.parentWeight }), "more weight"],
    [
      "parent state",
      (h, view) => validate({ ...h, parentState: view.parentState }, view),
      "another parent state",
    ],
    [
      "future",
      (h, view) => validate(h, { ...view, nowMs: Number.MAX_SAFE_INTEGER }),
      "a time beyond the clock",
    ],
    ["signature", without("signature"), "another worker's signature"],
    ["election", without("election"), "the election of another height"],
    ["ticket", without("ticket"), "a grindable ticket"],
    ["winning proof", without("winning-post"), "a damaged winning proof"],
  ];

  it("none is, if none is forgotten", () => {
    expect(undetected(validate)).toEqual([]);
  });

  it.each(canaries)("%s", (_name, canary, expected) => {
    const lie = lies.filter((one) => one.name === expected);
    expect(undetected(canary, lie)).toEqual([expected]);
  });
});
