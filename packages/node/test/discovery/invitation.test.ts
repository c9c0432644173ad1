/**
 * Invitations: every one survives its text, also broken into lines; a text that is cut, changed or of another
 * version says what is wrong with it; and the genesis that a peer sends is believed only if it is the one that
 * the invitation names. A reader that skips the checksum would be caught: no changed letter is let through.
 */
import { cidOfCbor, encodeCbor, HoldfastError, type PeerId, silentLogger, type Wire } from "@holdfast/base";
import { SeededRandom } from "@holdfast/base/testing";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { realClock } from "../../src/clock.ts";
import {
  checkInvitationTime,
  createInvitation,
  decodeInvitation,
  encodeInvitation,
  fetchGenesis,
  type Invitation,
  openDiscovery,
} from "../../src/discovery/index.ts";
import { limits } from "../../src/limits.ts";
import { openLibp2pWire } from "../../src/net/index.ts";

const random = new SeededRandom("invitations");
const someone = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
const cidOf = (text: string) => cidOfCbor(encodeCbor(text));

const codeOfError = (error: unknown): string => (error instanceof HoldfastError ? error.code : String(error));
const wrong = (work: () => unknown): string => {
  try {
    work();
    return "no error";
  } catch (error) {
    return codeOfError(error);
  }
};

const example: Invitation = {
  network: "attics-of-the-street",
  genesis: cidOf("genesis"),
  addresses: [`/ip4/192.0.2.7/tcp/6000/p2p/${someone}`, `/dns4/node.example.org/tcp/443/p2p/${someone}`],
  expiresMs: 1_800_000_000_000,
  checkpoint: { height: 70, cids: [cidOf("a"), cidOf("b")] },
};

const invitations: fc.Arbitrary<Invitation> = fc.record({
  network: fc.string({ minLength: 1, maxLength: 16 }),
  genesis: fc.string().map(cidOf),
  addresses: fc.array(
    fc
      .tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))
      .map(([ip, port]) => `/ip4/${ip}/tcp/${port}/p2p/${someone}`),
    { maxLength: limits.invitedPeers },
  ),
  expiresMs: fc.nat(8e15),
  checkpoint: fc.option(
    fc.record({ height: fc.nat(), cids: fc.array(fc.string().map(cidOf), { maxLength: 3 }) }),
  ),
});

const plain = (invitation: Invitation): unknown => JSON.parse(JSON.stringify(invitation));

describe("the text of an invitation", () => {
  it("gives back what was written, also from broken lines and in capitals", () => {
    fc.assert(
      fc.property(invitations, fc.integer({ min: 1, max: 80 }), (invitation, width) => {
        const text = encodeInvitation(invitation);
        const broken = text.replace(new RegExp(`.{${width}}`, "g"), "$&\n  ").toUpperCase();
        for (const one of [text, broken]) expect(plain(decodeInvitation(one))).toEqual(plain(invitation));
      }),
      { numRuns: 60, seed: 5 },
    );
  });
  it("is one word, and short", () => {
    const text = encodeInvitation(example);
    expect(text).toMatch(/^holdfast1x[a-z2-7]+$/);
    expect(text.length).toBeLessThan(500);
  });
  it("does not read a text of which one letter is another", () => {
    const text = encodeInvitation(example);
    for (let at = "holdfast1x".length; at < text.length; at += 1) {
      const changed = text.slice(0, at) + (text[at] === "a" ? "b" : "a") + text.slice(at + 1);
      expect(
        wrong(() => decodeInvitation(changed)),
        `letter ${at}`,
      ).toMatch(/^discovery\/invitation-/);
    }
  });
  it("says that it is cut off, wherever it was cut", () => {
    const text = encodeInvitation(example);
    for (let length = "holdfast1x".length; length < text.length; length += 1) {
      expect(wrong(() => decodeInvitation(text.slice(0, length)))).toBe("discovery/invitation-cut-off");
    }
  });
  it("says what else is wrong", () => {
    const right = encodeInvitation(example);
    const cases: readonly (readonly [string, string])[] = [
      ["", "no-invitation"],
      ["/ip4/192.0.2.7/tcp/6000", "no-invitation"],
      ["x".repeat(limits.invitationBytes + 1), "no-invitation"],
      [right.replace("holdfast1x", "holdfast2x"), "invitation-version"],
      [`${right}aaaaaaaa`, "invitation-damaged"],
      [right.replace(/.{8}$/, "10108888"), "invitation-damaged"],
    ];
    for (const [text, code] of cases) expect(wrong(() => decodeInvitation(text))).toBe(`discovery/${code}`);
  });
  it("throws nothing but its own errors, whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"), maxLength: 400 }),
        (tail) => {
          expect(wrong(() => decodeInvitation(`holdfast1x${tail}`))).toMatch(/^discovery\/invitation-/);
        },
      ),
      { numRuns: 300, seed: 5 },
    );
  });
  it("ends in time", () => {
    expect(wrong(() => checkInvitationTime(example, example.expiresMs + 1))).toBe(
      "discovery/invitation-expired",
    );
    expect(wrong(() => checkInvitationTime(example, example.expiresMs))).toBe("no error");
    expect(wrong(() => checkInvitationTime({ ...example, expiresMs: 0 }, 8e15))).toBe("no error");
  });
});

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const clock = realClock();
const quiet = { clock, logger: silentLogger };

async function wire(listen: readonly string[] = ["/ip4/127.0.0.1/tcp/0"]): Promise<Wire> {
  const made = await openLibp2pWire({ ...quiet, limits }, { privateKey: random.bytes(32), listen });
  open.push(made);
  return made;
}

/** A node of a network whose genesis file has these bytes. */
async function member(file: Uint8Array, cid = cidOf("genesis")): Promise<Wire> {
  const made = await wire();
  open.push(
    openDiscovery({ ...quiet, random, wire: made, bootstrap: [], genesis: { cid, file: async () => file } }),
  );
  return made;
}

describe("the genesis of an invitation", () => {
  const file = random.bytes(600_000); // three frames
  const invite = (made: Wire, genesis = cidOf("genesis")) =>
    createInvitation({ wire: made, clock, network: "n", genesis }, { forMs: 60_000, addresses: [] });
  const check = async (got: Uint8Array) => {
    if (got.length !== file.length || got.some((byte, at) => byte !== file[at]))
      throw new TypeError("it differs");
    return { cid: cidOf("genesis"), network: "n" };
  };
  const fetched = async (invitation: Invitation): Promise<unknown> => {
    const fetching = fetchGenesis({ wire: await wire([]), clock, check }, invitation);
    return fetching.then((got) => got.length, codeOfError);
  };

  it("comes from any peer that is named and answers", async () => {
    const good = await member(file);
    const dead = `/ip4/127.0.0.1/tcp/1/p2p/${someone}`;
    const invitation = decodeInvitation(invite(good).text);
    expect(await fetched({ ...invitation, addresses: [dead, ...invitation.addresses] })).toBe(file.length);
    expect(await fetched({ ...invitation, addresses: [dead] })).toBe("discovery/inviter-silent");
    expect(await fetched({ ...invitation, addresses: [] })).toBe("discovery/inviter-silent");
    expect(await fetched({ ...invitation, expiresMs: 1 })).toBe("discovery/invitation-expired");
    expect(await fetched({ ...invitation, network: "m" })).toBe("discovery/genesis-differs");
  });
  it("is not taken from a peer of another network, nor from one that lies about it", async () => {
    const other = await member(file, cidOf("another genesis"));
    expect(await fetched(invite(other))).toBe("discovery/other-network");
    const liar = await member(file.slice(1));
    expect(await fetched(invite(liar))).toBe("discovery/genesis-differs");
    const { addresses } = invite(await member(file));
    expect(await fetched({ ...invite(liar), addresses: [...invite(liar).addresses, ...addresses] })).toBe(
      file.length,
    );
  });
  it("cannot be offered by a node that listens nowhere, unless somebody names its address", async () => {
    const deaf = await wire([]);
    expect(wrong(() => invite(deaf))).toBe("discovery/listens-nowhere");
    const made = createInvitation(
      { wire: deaf, clock, network: "n", genesis: cidOf("genesis") },
      { forMs: undefined, addresses: ["/dns4/node.example.org/tcp/6000"] },
    );
    expect(made).toMatchObject({
      expiresMs: 0,
      addresses: [`/dns4/node.example.org/tcp/6000/p2p/${deaf.self satisfies PeerId}`],
    });
  });
});
