/**
 * Recovered keys that all nodes of a simulation share. Who signed something is the same for every node, and each of
 * them asks for every message several times: in the pool, alone in a block and in its tipset.
 */
import { type CryptoKernel, installCryptoKernel } from "@holdfast/base";
import { Bounded } from "../../bounded.ts";
import { buildNativeKernel, installNativeKernels } from "../../kernels.ts";
import { installSignatures } from "../../signature-kernel.ts";

const remembered = 16_384;
let installed: Promise<void> | undefined;

/** Once in a process. */
export function installSimulationKernels(): Promise<void> {
  installed ??= install();
  return installed;
}

async function install(): Promise<void> {
  await installNativeKernels();
  // Evidence of a pinning node is judged in each block, by each node: by the product's means, which remember it.
  installSignatures();
  const { functions } = await buildNativeKernel();
  const { secpRecover } = functions;
  if (secpRecover !== undefined) installCryptoKernel({ secpRecover: remembering(secpRecover) });
}

function remembering(recover: CryptoKernel["secpRecover"]): CryptoKernel["secpRecover"] {
  const keys = new Bounded<{ readonly key: Uint8Array | undefined }>(remembered);
  return (digest, signature) => {
    const name = `${textOf(digest)}/${textOf(signature)}`;
    const known = keys.get(name);
    if (known !== undefined) return known.key?.slice();
    const key = recover(digest, signature);
    keys.set(name, { key });
    return key?.slice();
  };
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
