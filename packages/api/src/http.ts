/**
 * How the method table lies on HTTP: paths, the two byte routes beside it, and statuses by exit class.
 */
import { type ExitClass, HoldfastError, type JsonObject } from "@holdfast/base";
import { z } from "zod";
import { cidText, sizeBytes } from "./shapes.ts";

export const apiPrefix = "/api/v1";

export function methodPath(name: string): string {
  return `${apiPrefix}/${name}`;
}

/**
 * `POST` a file's bytes here, or a folder as a tar stream of `tarType`; the answer is an `imported` document. With
 * `?encrypt=1` it is encrypted for the wallet's account (`&recipients=age1…,age1…`: and for these); `&sha256=` of the
 * bytes, of a folder of its tar stream, makes the same content the same CID. What is not encrypted can be laid out as
 * `ipfs add` does with such options: `?cidVersion=0|1`, `&rawLeaves=0|1`, `&chunkBytes=`.
 */
export const importPath = `${apiPrefix}/import`;
export const tarType = "application/x-tar";
export const imported = z.object({ cid: cidText, sizeBytes, carBytes: sizeBytes });
export type Imported = z.output<typeof imported>;

/**
 * `GET` a file's verified bytes here: from `?offset=` on, at most `?length=`, below the folder at `?path=`. With
 * `?as=tar` all of a folder, as a tar stream. What is encrypted is decrypted, but with `?raw=1`. With
 * `?max=` fetching it may cost so much.
 */
export function filePath(cid: string): string {
  return `${apiPrefix}/file/${encodeURIComponent(cid)}`;
}
/** The answer's header with the size of the whole file. */
export const fileBytesHeader = "x-file-bytes";

/** `POST` a CAR file's bytes here; the answer is an `importedCar` document. */
export const carImportPath = `${apiPrefix}/car`;
export const carType = "application/vnd.ipld.car";
export const importedCar = z.object({
  version: z.union([z.literal(1), z.literal(2)]),
  roots: z.array(imported),
  blocks: z.int().min(0).describe("distinct ones that the roots lead to"),
  leftOut: z.int().min(0).describe("blocks of the file that are not kept"),
});
export type ImportedCar = z.output<typeof importedCar>;
/** `GET` the CAR of a file or folder here; `?version=2` with an index. */
export function carPath(cid: string): string {
  return `${carImportPath}/${encodeURIComponent(cid)}`;
}

/** `POST` the CAR file of a deal whose data is carried to this miner here; the answer is a `broughtData` document. */
export function dealDataPath(dealId: string): string {
  return `${apiPrefix}/deal-data/${encodeURIComponent(dealId)}`;
}
export const broughtData = z.object({ dealId: cidText, pieces: z.int(), carBytes: sizeBytes });
export type BroughtData = z.output<typeof broughtData>;

/** `GET` the bytes of a snapshot here, as `chain.snapshot` planned it. */
export const snapshotPath = `${apiPrefix}/snapshot`;

export const statusOf: { readonly [Class in ExitClass]: number } = {
  internal: 500,
  usage: 400,
  "not-found": 404,
  funds: 402,
  "proof-invalid": 422,
  network: 502,
  timeout: 504,
  refused: 403,
  "retry-later": 503,
};

const exitClasses = Object.keys(statusOf) as readonly ExitClass[];

export const errorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    fix: z.string(),
    exit: z.enum(exitClasses as [ExitClass, ...ExitClass[]]),
    data: z.record(z.string(), z.json()),
  }),
});
export type ErrorBody = z.output<typeof errorBody>;

export function errorToBody(error: HoldfastError): ErrorBody {
  return { error: { ...error.toJSON(), exit: error.exit, data: { ...error.data } as JsonObject as never } };
}
export function errorFromBody(body: ErrorBody): HoldfastError {
  const { code, message, fix, exit, data } = body.error;
  return new HoldfastError({ code, message, fix, exit, data: data as JsonObject });
}
