/**
 * The public contracts of 4EVERLAND that say what is to be pinned, as their events: ResourceManager (the one that its
 * subgraph follows), ContentTracer, ContentIDRegistry. A topic is keccak-256 of the signature; what an account is
 * differs. Sizes and ends are claims of whoever wrote them.
 */
import type { AbiType, AbiValue } from "./abi.ts";

/** What an event changes for one account and one CID. */
export interface LedgerChange {
  readonly kind: "insert" | "update" | "remove";
  readonly account: string;
  readonly cid: string;
  readonly sizeBytes: bigint | null;
  /** Seconds since 1970; null: the event names none. */
  readonly expiresAt: bigint | null;
}

export interface EventForm {
  readonly signature: string;
  readonly topic: string;
  readonly indexed: readonly AbiType[];
  readonly data: readonly AbiType[];
  /** Of the indexed values, then those of the data. */
  read(values: readonly AbiValue[]): LedgerChange;
}

const text = (value: AbiValue | undefined): string => String(value ?? "");
const whole = (value: AbiValue | undefined): bigint => (typeof value === "bigint" ? value : 0n);

const resourceManager: readonly EventForm[] = [
  {
    signature: "Insert(bytes32,string,uint256,uint256)",
    topic: "0x1eef0dd7f2c4402e15a215aee878082b5f3fb360f96db64dc84a8b6e0838e6f9",
    indexed: ["bytes32"],
    data: ["string", "uint256", "uint256"],
    read: ([to, cid, size, end]) => ({
      ...{ kind: "insert", account: text(to), cid: text(cid), sizeBytes: whole(size), expiresAt: whole(end) },
    }),
  },
  {
    signature: "Remove(bytes32,string,uint256,uint256)",
    topic: "0x2b06eae6476b6a2c53b5254dc1db4744d635a4f5159fde22df798484de007225",
    indexed: ["bytes32"],
    data: ["string", "uint256", "uint256"],
    read: ([to, cid, size]) => ({
      ...{ kind: "remove", account: text(to), cid: text(cid), sizeBytes: whole(size), expiresAt: null },
    }),
  },
  {
    signature: "Update(bytes32,string,uint256,uint256,uint256)",
    topic: "0x4e8c398fffc35ab09a3bab851a124c701fff6dad4ec832faa328ae8241447f2a",
    indexed: ["bytes32"],
    data: ["string", "uint256", "uint256", "uint256"],
    read: ([to, cid, _, size, end]) => ({
      ...{ kind: "update", account: text(to), cid: text(cid), sizeBytes: whole(size), expiresAt: whole(end) },
    }),
  },
];

/** An account belongs to a provider; two providers may give it the same name. */
const contentTracer: readonly EventForm[] = [
  {
    signature: "Insert(address,bytes32,string,uint256,uint256,uint256)",
    topic: "0xd8be615b569e10ab81c7e1ad876540845a9ad057e7bf224af878656a43ccbae7",
    indexed: [],
    data: ["address", "bytes32", "string", "uint256", "uint256", "uint256"],
    read: ([provider, account, cid, size, _, end]) => ({
      ...{ kind: "insert", account: `${text(provider)}/${text(account)}`, cid: text(cid) },
      ...{ sizeBytes: whole(size), expiresAt: whole(end) },
    }),
  },
  {
    signature: "Remove(address,bytes32,string)",
    topic: "0x20b2a0e9bd2cadc08b645e5d8c204c6d86d3c23817b100e0346846e77a88d7c9",
    indexed: [],
    data: ["address", "bytes32", "string"],
    read: ([provider, account, cid]) => ({
      ...{ kind: "remove", account: `${text(provider)}/${text(account)}`, cid: text(cid) },
      ...{ sizeBytes: null, expiresAt: null },
    }),
  },
];

/** `Upset` is written at every insert, renewal and expansion, each time with the whole. */
const contentIdRegistry: readonly EventForm[] = [
  {
    signature: "Upset(address,string,uint256,uint256)",
    topic: "0x4471eb362c285c1ce8c27b53fa652555ee6b39467a3108f2024529852e38accf",
    indexed: [],
    data: ["address", "string", "uint256", "uint256"],
    read: ([account, cid, size, end]) => ({
      ...{
        kind: "update",
        account: text(account),
        cid: text(cid),
        sizeBytes: whole(size),
        expiresAt: whole(end),
      },
    }),
  },
  {
    signature: "Remove(address,string)",
    topic: "0xafb58637702ac59f4ec776bf00731c6db5de2befbf39779a2c5be4922201bb0e",
    indexed: [],
    data: ["address", "string"],
    read: ([account, cid]) => ({
      ...{ kind: "remove", account: text(account), cid: text(cid), sizeBytes: null, expiresAt: null },
    }),
  },
];

export const ledgerContracts = {
  "resource-manager": resourceManager,
  "content-tracer": contentTracer,
  "content-id-registry": contentIdRegistry,
} as const;
export type LedgerContract = keyof typeof ledgerContracts;
export const ledgerContractNames = Object.keys(ledgerContracts) as readonly LedgerContract[];
