/** What following a contract needs: one call of JSON-RPC, over whatever leads to a node of that chain. */
export interface JsonRpc {
  /** The `result` of the answer. Errors: `ledger/rpc-failed`. */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
}
