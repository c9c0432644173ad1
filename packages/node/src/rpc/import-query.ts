/**
 * What the query of an import asks for. A wish that is misspelt must not store a file in clear, or under a CID that
 * nobody meant: a name that is unknown, given twice or out of place refuses the import.
 */
import { apiErrors, type ImportEncryption, type ImportLayout, type ImportRequest } from "@holdfast/api";

export interface ImportQueryText {
  readonly encrypt?: string;
  readonly sha256?: string;
  readonly recipients?: string;
  readonly cidVersion?: string;
  readonly rawLeaves?: string;
  readonly chunkBytes?: string;
}

/** `api/bad-params`. */
export function importRequestOf(query: ImportQueryText): ImportRequest {
  const { encrypt, sha256, recipients, cidVersion, rawLeaves, chunkBytes, ...rest } = givenOnce(query);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw refusal(
      `${unknown.slice(0, 32)}: an import takes encrypt, sha256, recipients, cidVersion, rawLeaves, chunkBytes`,
    );
  return {
    encrypt: encryptionOf({ encrypt, sha256, recipients }),
    layout: layoutOf({ cidVersion, rawLeaves, chunkBytes }),
  };
}

/** A name that is given twice is a list for the parser, whatever the types say. */
export function givenOnce<Query extends object>(query: Query): Query {
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== "string")
      throw apiErrors.badParams({ method: "request", problems: `${name} is given twice` });
  }
  return query;
}

type Given<Name extends keyof ImportQueryText> = { readonly [Key in Name]: string | undefined };

/** Undefined if nothing is to be encrypted. */
function encryptionOf(given: Given<"encrypt" | "sha256" | "recipients">): ImportEncryption | undefined {
  const { encrypt, sha256, recipients } = given;
  if (encrypt === "1") return { sha256, recipients: recipients?.split(",") };
  if (encrypt === undefined && sha256 === undefined && recipients === undefined) return undefined;
  throw refusal("encrypt: an import takes encrypt=1, and with it sha256 and recipients");
}

/** Undefined if it is to be laid out as usual. */
function layoutOf(given: Given<"cidVersion" | "rawLeaves" | "chunkBytes">): ImportLayout | undefined {
  const { cidVersion, rawLeaves, chunkBytes } = given;
  if (cidVersion === undefined && rawLeaves === undefined && chunkBytes === undefined) return undefined;
  const bit = (name: string, text: string | undefined): 0 | 1 | undefined => {
    if (text === undefined) return undefined;
    if (text === "0" || text === "1") return text === "1" ? 1 : 0;
    throw refusal(`${name} is 0 or 1`);
  };
  if (chunkBytes !== undefined && !/^\d{1,15}$/.test(chunkBytes))
    throw refusal("chunkBytes is a whole number");
  const raw = bit("rawLeaves", rawLeaves);
  return {
    cidVersion: bit("cidVersion", cidVersion),
    rawLeaves: raw === undefined ? undefined : raw === 1,
    chunkBytes: chunkBytes === undefined ? undefined : Number(chunkBytes),
  };
}

function refusal(problems: string): Error {
  return apiErrors.badParams({ method: "import", problems });
}
