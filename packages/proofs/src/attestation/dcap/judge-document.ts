/**
 * The judgement of one signed document: its form, its signer up to the root and on no list, the signature over the
 * exact text, the time that it is of. Only what all but the last of these hold for says anything about a platform.
 */
import type { FailureCode } from "../codes.ts";
import { isEmpty, type SignedDocument } from "../collateral.ts";
import { orUndefined, refused, refusedAs } from "../errors.ts";
import type { Judgement } from "../verdict.ts";
import {
  type ChainContext,
  checkDocumentSignature,
  checkLists,
  type DocumentRole,
  findSigner,
  type Signer,
  signerChain,
} from "./chains.ts";

interface Dated {
  readonly issueSeconds: number;
  readonly nextUpdateSeconds: number;
  readonly evaluation: number;
}

export interface DocumentReading<Content extends Dated> {
  readonly documents: readonly SignedDocument[];
  readonly read: (text: Uint8Array) => Content;
  /** Whether it is of this platform; of several documents such a one is taken. */
  readonly fits: (content: Content) => boolean;
  readonly check: (content: Content) => void;
}

/** Form, signer, signature and time of a document; its content if all of these hold. */
export function judgeDocument<Content extends Dated>(
  judgement: Judgement,
  role: DocumentRole,
  context: ChainContext,
  reading: DocumentReading<Content>,
): Content | undefined {
  const { collateral, atSeconds } = context;
  const document = chosen(reading, atSeconds);
  const missing = isEmpty(collateral) ? "collateral-missing" : (`${role}-missing` as const);
  const content = judgement.checkGiven(role, document, missing, ({ text }) => {
    const found = refusedAs(`${role}-malformed`, () => reading.read(text));
    reading.check(found);
    return found;
  });
  let signer: Signer | undefined;
  const chain = judgement.checkGiven(`${role}-chain`, document, missing, (found) => {
    signer = findSigner(role, found, context);
    return signerChain(role, signer, context);
  });
  const signed = judgement.checkGiven(`${role}-signature`, document, missing, (found) => {
    if (signer === undefined) throw refused(judgement.codeOf(`${role}-chain`) ?? missing);
    checkDocumentSignature(`${role}-signature-invalid`, found, signer);
    return true;
  });
  const unchained = judgement.codeOf(`${role}-chain`) ?? missing;
  const unlisted = judgement.checkGiven(`${role}-revocation`, chain, unchained, (found) => {
    checkLists(role, found, context);
    return true;
  });
  const unread = judgement.codeOf(role) ?? missing;
  judgement.checkGiven(`${role}-validity`, content, unread, ({ issueSeconds, nextUpdateSeconds }) => {
    if (atSeconds < issueSeconds) throw refused(`${role}-not-yet-valid`);
    if (atSeconds > nextUpdateSeconds) throw refused(`${role}-expired`);
  });
  return unlisted === true && signed === true ? content : undefined;
}

/** One of this platform before any, one that is valid before any, then the one of the newest evaluation. */
function chosen<Content extends Dated>(
  { documents, read, fits }: DocumentReading<Content>,
  atSeconds: number,
): SignedDocument | undefined {
  const rank = (document: SignedDocument): number => {
    const content = orUndefined(() => read(document.text));
    if (content === undefined) return -1;
    const { issueSeconds, nextUpdateSeconds, evaluation } = content;
    const isValid = atSeconds >= issueSeconds && atSeconds <= nextUpdateSeconds;
    return (fits(content) ? 2 ** 41 : 0) + (isValid ? 2 ** 40 : 0) + evaluation;
  };
  const [only, ...others] = documents;
  if (others.length === 0) return only;
  return documents.map((document) => ({ document, rank: rank(document) })).sort((a, b) => b.rank - a.rank)[0]
    ?.document;
}

/** Why nothing can be judged by a document. */
export function documentCode(judgement: Judgement, role: DocumentRole): FailureCode {
  const names = [role, `${role}-chain`, `${role}-signature`, `${role}-revocation`];
  return (
    names.map((name) => judgement.codeOf(name)).find((code) => code !== undefined) ?? "collateral-missing"
  );
}
