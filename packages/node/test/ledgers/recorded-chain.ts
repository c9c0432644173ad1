/** A chain of which somebody has recorded the logs, and its contract's events as Solidity writes them. */
import { concatBytes, fromHex, rawCid, toHex, utf8Bytes } from "@holdfast/base";
import {
  type AbiType,
  type AbiValue,
  type JsonRpc,
  type LedgerContract,
  ledgerContracts,
} from "../../src/ledgers/index.ts";

export const contract = `0x${"05".repeat(20)}`;
export const [one, two, three] = ["one", "two", "three"].map((name) =>
  rawCid(utf8Bytes(name)).toString(),
) as [string, string, string];
export const alice = `0x${"aa".repeat(32)}`;
export const bob = `0x${"bb".repeat(32)}`;

export function word(value: AbiValue): Uint8Array {
  const hex = typeof value === "bigint" ? value.toString(16) : value.slice(2);
  return fromHex(hex.padStart(64, "0"));
}

/** As Solidity writes it. */
export function encodeAbi(types: readonly AbiType[], values: readonly AbiValue[]): Uint8Array {
  const heads: Uint8Array[] = [];
  const tails: Uint8Array[] = [];
  let at = types.length * 32;
  for (const [index, type] of types.entries()) {
    const value = values[index] ?? "";
    if (type !== "string") {
      heads.push(word(value));
      continue;
    }
    const text = utf8Bytes(String(value));
    const tail = concatBytes(word(BigInt(text.length)), text, new Uint8Array((32 - (text.length % 32)) % 32));
    heads.push(word(BigInt(at)));
    tails.push(tail);
    at += tail.length;
  }
  return concatBytes(...heads, ...tails);
}

export interface Log {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly logIndex: string;
  readonly removed?: boolean;
}

/** A chain of ten seconds a block with these logs; a range with more than `most` logs is refused. */
export class RecordedChain implements JsonRpc {
  readonly logs: Log[] = [];
  readonly calls: string[] = [];
  head = 100;
  most = 1_000;
  /** Blocks from here on have another hash, since the n-th question about blocks. */
  replacedFrom = Number.POSITIVE_INFINITY;

  add(
    kind: LedgerContract,
    name: string,
    block: number,
    values: readonly AbiValue[],
    change: Partial<Log> = {},
  ): void {
    const form = ledgerContracts[kind].find(({ signature }) => signature.startsWith(`${name}(`));
    if (form === undefined) throw new RangeError(`no event ${name}`);
    const indexed = values.slice(0, form.indexed.length).map((value) => `0x${toHex(word(value))}`);
    this.logs.push({
      address: contract,
      topics: [form.topic, ...indexed],
      data: `0x${toHex(encodeAbi(form.data, values.slice(form.indexed.length)))}`,
      blockNumber: `0x${block.toString(16)}`,
      logIndex: `0x${this.logs.length.toString(16)}`,
      ...change,
    });
  }

  async call(method: string, params: readonly unknown[]): Promise<unknown> {
    this.calls.push(method);
    if (method === "eth_blockNumber") return `0x${this.head.toString(16)}`;
    const [first] = params as [string & { readonly fromBlock: string; readonly toBlock: string }];
    if (method === "eth_getBlockByNumber") {
      const block = Number(first);
      const era = block >= this.replacedFrom ? this.calls.length.toString(16) : "";
      return {
        hash: `0x${(era + block.toString(16)).padStart(64, "0")}`,
        timestamp: `0x${(block * 10).toString(16)}`,
      };
    }
    const [from, to] = [Number(first.fromBlock), Number(first.toBlock)];
    const found = this.logs.filter(
      ({ blockNumber }) => Number(blockNumber) >= from && Number(blockNumber) <= to,
    );
    if (found.length > this.most) throw new RangeError("query returned more than so many results");
    return found;
  }
}
