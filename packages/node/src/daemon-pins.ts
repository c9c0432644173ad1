/** Of a node on its repo: where pinned content lies, and what shows which program runs. */
import { join } from "node:path";
import { type Clock, parseFil } from "@holdfast/base";
import { openNodeDisk } from "@holdfast/storage";
import {
  attestedProgram,
  machineDevices,
  networkFetcher,
  openAttestation,
  ownProgram,
  stretchedKey,
} from "./attestation/index.ts";
import { realRandom } from "./clock.ts";
import type { NodeParts } from "./compose.ts";
import { httpJsonRpc } from "./ledgers/index.ts";
import { defaultConfig, type NodeConfig, type Repo } from "./repo/index.ts";
import { openDiskBlocks } from "./retrieval/index.ts";

interface Around {
  readonly repo: Repo;
  readonly clock: Clock;
  readonly peerSeed: Uint8Array;
}

export async function pinningOf(
  around: Around & { readonly stack: AsyncDisposableStack },
): Promise<Pick<NodeParts, "pins" | "pinsFor" | "pinsAsk" | "ledger" | "attestation">> {
  const { repo, stack } = around;
  const pins = await pinsOf(repo.config, repo.paths.root, stack);
  const { config } = repo;
  const { mayAsk: pinsAsk } = config.pins;
  return { ...pins, pinsAsk, attestation: attestationOf(around), ...joinsOf(config), ...ledgerOf(config) };
}

function joinsOf({ pins: { capacityBytes, leastPrice } }: NodeConfig): Pick<NodeParts, "pinsFor"> {
  if (capacityBytes === 0) return {};
  const price = leastPrice.endsWith("FIL") ? leastPrice : `${leastPrice}FIL`;
  return { pinsFor: { capacityBytes, leastPrice: parseFil(price) } };
}

function ledgerOf({ ledger: { rpc, ...options } }: NodeConfig): Pick<NodeParts, "ledger"> {
  return rpc === "" || options.address === "" ? {} : { ledger: { rpc: httpJsonRpc(rpc), options } };
}

/** Opened when the node is to show what it runs. What is sealed where no hardware seals is sealed by the peer's key. */
function attestationOf({
  repo: { config, paths },
  clock,
  peerSeed,
}: Around): NonNullable<NodeParts["attestation"]> {
  const { attestation: kind } = config.pins;
  return async ({ networkId, params }) =>
    openAttestation(
      {
        clock,
        random: realRandom,
        devices: machineDevices,
        fetcher: networkFetcher,
        disk: await openNodeDisk(join(paths.root, "attestation")),
        secret: stretchedKey(peerSeed, "node"),
        // Hardware measures by itself what was loaded, and its environment with it.
        program: (await (kind === "software" ? attestedProgram() : ownProgram())).measurement,
        network: { id: networkId, softwareAllowed: params.softwareAttestation },
      },
      kind === "hardware" ? {} : { kind },
    );
}

async function pinsOf(
  { pins: { quotaBytes, kubo, kuboShared, listen } }: NodeConfig,
  repo: string,
  stack: AsyncDisposableStack,
): Promise<Pick<NodeParts, "pins">> {
  if (quotaBytes === 0 && kubo === "") return {};
  const choice = { listen, mayMove: listen === defaultConfig().pins.listen, random: realRandom };
  if (kubo !== "") return { pins: { ...choice, place: { kubo, isShared: kuboShared } } };
  const disk = await openNodeDisk(repo);
  const blocks = stack.use(await openDiskBlocks({ disk, folder: "pins", quotaBytes }));
  return { pins: { ...choice, place: { blocks } } };
}
