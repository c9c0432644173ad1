/** The sealed key of an attested node: the same over restarts, of one program, network and use, and of nobody else. */
import { HoldfastError, publicKeyOf, recoverPublicKey, toHex, utf8Bytes } from "@holdfast/base";
import { SeededRandom, SimDisk } from "@holdfast/base/testing";
import { describe, expect, it } from "vitest";
import { type Attestation, openAttestation } from "../../src/attestation/index.ts";
import { FakeGramine, filled, needsOf, noDevices } from "./fakes.ts";

const open = (
  disk: SimDisk,
  program = 0x50,
  change: Parameters<typeof needsOf>[1] = {},
): Promise<Attestation> =>
  openAttestation(needsOf(noDevices, { disk, program: filled(32, program), ...change }), {
    kind: "software",
  });
const keyOf = async (attestation: Attestation): Promise<string> =>
  toHex((await attestation.identity("pin-node")).publicKey);

describe("a sealed identity", () => {
  it("is made once, opened again by the same program, and signs as accounts do", async () => {
    const disk = new SimDisk();
    const made = await (await open(disk)).identity("pin-node");
    expect(made).toMatchObject({ isNew: true, boundTo: "machine", others: [] });
    const found = await (await open(disk)).identity("pin-node");
    expect([found.isNew, found.publicKey]).toEqual([false, made.publicKey]);
    const message = utf8Bytes("a report");
    expect(recoverPublicKey(message, found.sign(message))).toEqual(made.publicKey);
    expect(() => publicKeyOf(made.publicKey)).toThrow();
  });

  it("is another one for another program, network, use and kind of evidence", async () => {
    const disk = new SimDisk();
    const one = await open(disk);
    const keys = [
      await keyOf(one),
      toHex((await one.identity("idle-verifier")).publicKey),
      await keyOf(await open(disk, 0x51)),
      await keyOf(await open(disk, 0x50, { network: { id: filled(32, 1), softwareAllowed: true } })),
      await keyOf(await openAttestation(needsOf(new FakeGramine(), { disk }))),
    ];
    // Whoever draws the same random bytes has the same key: what tells them apart is the file, not the luck.
    const files = (
      await Promise.all((await disk.list("identities")).map((name) => disk.list(`identities/${name}`)))
    ).flat();
    expect(files.length).toBe(keys.length);
  });

  it("stays when the program is upgraded, which has its own, until it is forgotten", async () => {
    const disk = new SimDisk();
    const random = new SeededRandom("upgrade");
    const before = await open(disk, 0x50, { random });
    const old = await keyOf(before);
    const upgraded = await open(disk, 0x51, { random });
    const { isNew, others } = await upgraded.identity("pin-node");
    expect({ isNew, others }).toEqual({ isNew: true, others: ["50".repeat(32)] });
    expect(await keyOf(upgraded)).not.toBe(old);
    expect(await keyOf(await open(disk, 0x50, { random }))).toBe(old);
    expect(await upgraded.forgetOthers("pin-node")).toEqual(["50".repeat(32)]);
    expect((await upgraded.identity("pin-node")).others).toEqual([]);
    expect(await keyOf(await open(disk, 0x50, { random }))).not.toBe(old);
  });

  it("opens for no other machine, and damage is told", async () => {
    const disk = new SimDisk();
    await keyOf(await open(disk));
    const [folder = ""] = await disk.list("identities");
    const [name = ""] = await disk.list(`identities/${folder}`);
    const path = `identities/${folder}/${name}`;
    const codeOf = async (attestation: Attestation): Promise<string> =>
      await attestation.identity("pin-node").then(
        () => "fine",
        (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
      );
    expect(await codeOf(await open(disk, 0x50, { secret: filled(32, 4) }))).toBe(
      "attestation/identity-damaged",
    );
    const sealed = (await disk.readFile(path)) ?? new Uint8Array(0);
    expect(toHex(sealed)).not.toContain(await keyOf(await open(disk)));
    await disk.writeFile(path, sealed.subarray(0, 40));
    expect(await codeOf(await open(disk))).toBe("attestation/identity-damaged");
  });
});
