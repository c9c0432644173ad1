/**
 * What small chunks cost. Around each leaf of a file lie its CID and the link to it, and they are stored and paid for
 * like the file. Kubo takes any size from one byte on (boxo, chunker/parse.go) and charges nobody; here money moves, so
 * it is said before.
 */
import type { ImportLayout } from "@holdfast/api";
import type { CommandContext } from "./command.ts";
import { confirm } from "./confirm.ts";
import { cliErrors } from "./errors.ts";
import { sizeText } from "./human-text.ts";

/** CID and length in the CAR stream, link in the node above: 37 and some 48 bytes. */
const leafOverheadBytes = 85;
/** What is more than so many times the file is asked about. */
const askedFactor = 2;
/** What is more is said. */
const toldFactor = 1.05;

/** Before a byte is read. Throws cli/not-confirmed. */
export async function confirmChunks(
  context: CommandContext,
  layout: ImportLayout | undefined,
  { isSure, isInput }: { readonly isSure: boolean; readonly isInput: boolean },
): Promise<void> {
  const chunkBytes = layout?.chunkBytes;
  if (chunkBytes === undefined || chunkBytes < 1 || isSure) return;
  const most = 1 + leafOverheadBytes / chunkBytes;
  if (most <= askedFactor) return;
  const cost =
    `in chunks of ${sizeText(chunkBytes)} the file may take up to ${timesText(most)} its size, and cost as many times ` +
    `more: around each chunk some ${leafOverheadBytes} bytes are stored too`;
  if (isInput) throw cliErrors.notConfirmed({ cost }); // the answer would be read from what is stored
  await confirm(context, cost);
}

/** What the file takes, now that it is known and before anything is paid. */
export function tellChunks(
  { terminal }: CommandContext,
  layout: ImportLayout | undefined,
  { sizeBytes, carBytes }: { readonly sizeBytes: number; readonly carBytes: number },
): void {
  if (layout?.chunkBytes === undefined || carBytes < sizeBytes * toldFactor) return;
  const times = timesText(carBytes / sizeBytes);
  terminal.hint(`with these chunks ${sizeText(carBytes)} are stored and paid for, ${times} the file`);
}

const timesText = (factor: number): string => `${factor.toFixed(factor < 10 ? 1 : 0)} times`;
