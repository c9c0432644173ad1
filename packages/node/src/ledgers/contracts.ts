/**
 * The public contracts of 4EVERLAND that say what is to be pinned, as their events: ResourceManager (the one that its
 * subgraph follows), ContentTracer, ContentIDRegistry. What an account is differs. Sizes and ends are claims of whoever
 * wrote them.
 */
import { keccak256, toHex, utf8Bytes } from "@holdfast/base";
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

/** A topic is keccak-256 of the signature. */
const event = (signature: string): Pick<EventForm, "signature" | "topic"> => ({
  signature,
  topic: `0x${toHex(keccak256(utf8Bytes(signature)))}`,
});

const text = (value: AbiValue | undefined): string => String(value ?? "");
const whole = (value: AbiValue | undefined): bigint => (typeof value === "bigint" ? value : 0n);

const resourceManager: readonly EventForm[] = [
  {
    ...event("Insert(bytes32,string,uint256,uint256)"),
    indexed: ["bytes32"],
    data: ["string", "uint256", "uint256"],
    read: ([to, cid, size, end]) => ({
      ...{ kind: "insert", account: text(to), cid: text(cid), sizeBytes: whole(size), expiresAt: whole(end) },
    }),
  },
  {
    ...event("Remove(bytes32,string,uint256,uint256)"),
    indexed: ["bytes32"],
    data: ["string", "uint256", "uint256"],
    read: ([to, cid, size]) => ({
      ...{ kind: "remove", account: text(to), cid: text(cid), sizeBytes: whole(size), expiresAt: null },
    }),
  },
  {
    ...event("Update(bytes32,string,uint256,uint256,uint256)"),
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
    ...event("Insert(address,bytes32,string,uint256,uint256,uint256)"),
    indexed: [],
    data: ["address", "bytes32", "string", "uint256", "uint256", "uint256"],
    read: ([provider, account, cid, size, _, end]) => ({
      ...{ kind: "insert", account: `${text(provider)}/${text(account)}`, cid: text(cid) },
      ...{ sizeBytes: whole(size), expiresAt: whole(end) },
    }),
  },
  {
    ...event("Remove(address,bytes32,string)"),
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
    ...event("Upset(address,string,uint256,uint256)"),
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
    ...event("Remove(address,string)"),
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
