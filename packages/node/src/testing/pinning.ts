/** Pinned content and evidence by software for nodes of the test network: in memory, on the network's virtual time. */
import { assert, type Clock, type Disk, type Random } from "@holdfast/base";
import { SeededRandom, SimDisk } from "@holdfast/base/testing";
import { type Devices, type Fetcher, openAttestation } from "../attestation/index.ts";
import type { NodeParts } from "../compose.ts";
import { type FileBlocks, memoryBlocks } from "../retrieval/index.ts";

export interface PinningOptions {
  /** What may run: 32 bytes. */
  readonly program: Uint8Array;
  /** What a node says that it runs, if it is something else. */
  readonly programOf?: (name: string) => Uint8Array;
  /** Whether nodes ask by themselves on the chain about what their accounts have bought. */
  readonly mayAsk?: boolean;
  /** The Kubo daemon that keeps a node's pins, instead of its memory; its answers take no virtual time (`atRest`). */
  readonly kuboOf?: (name: string) => string | undefined;
  /** What collateral is good for, if less than what the software's own says. */
  readonly collateralMs?: number;
}

/** What a node keeps when it stops. */
export interface KeptPins {
  readonly blocks: FileBlocks;
  readonly disk: Disk;
  readonly random: Random;
}

export const keptPins = (name: string): KeptPins => ({
  blocks: memoryBlocks(),
  disk: new SimDisk(),
  random: new SeededRandom(`pins of ${name}`),
});

const nothing = async (): Promise<never> => {
  assert(false, "a test network has no hardware");
};
const devices: Devices = {
  read: async () => undefined,
  write: nothing,
  isFolder: async () => false,
  makeFolder: nothing,
  removeFolder: nothing,
};
const fetcher: Fetcher = { get: nothing };

/** For tests that take something away from a node, or speak with its key. */
export interface PinKit {
  readonly blocks: FileBlocks;
  readonly attest: NonNullable<NodeParts["attestation"]>;
}

interface Around {
  readonly clock: Clock;
  readonly kept: KeptPins;
}

export function pinningParts(
  name: string,
  options: PinningOptions,
  around: Around,
): Pick<NodeParts, "pins" | "pinsAsk" | "attestation"> {
  const { blocks, attest } = pinKit(name, options, around);
  const { random } = around.kept;
  const kubo = options.kuboOf?.(name);
  const place = kubo === undefined ? { blocks } : { kubo, isShared: false };
  const pins = { place, listen: "", mayMove: false, random };
  return { pins, pinsAsk: options.mayAsk === true, attestation: attest };
}

export function pinKit(
  name: string,
  { program, programOf, collateralMs }: PinningOptions,
  { clock, kept }: Around,
): PinKit {
  const { blocks, disk, random } = kept;
  return {
    blocks,
    async attest({ networkId, params }) {
      const attestation = await openAttestation(
        {
          ...{ clock, random, devices, fetcher, disk },
          secret: new Uint8Array(32).fill(7),
          program: programOf?.(name) ?? program,
          network: { id: networkId, softwareAllowed: params.softwareAttestation },
        },
        { kind: "software" },
      );
      if (collateralMs === undefined) return attestation;
      return {
        ...attestation,
        async attest(identity, signal) {
          const made = await attestation.attest(identity, signal);
          return { ...made, collateralEndSeconds: (clock.nowMs() + collateralMs) / 1000 };
        },
      };
    },
  };
}
