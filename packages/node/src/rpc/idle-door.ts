/** What the API needs of idle space: of a miner's, the methods of the noun as they are; of a verifier, what it is. */
import type { ApiHandlers } from "@holdfast/api";
import type { Address } from "@holdfast/base";

export type IdleDoor = Pick<ApiHandlers, "idle.status" | "idle.fill" | "idle.drain">;

/** This node as a verifier of others' idle space. */
export interface VerifierDoorView {
  readonly account: Address;
  readonly office: {
    readonly key:
      | {
          readonly kind: "sgx-dcap" | "tdx" | "sev-snp" | "software";
          readonly program: Uint8Array;
          readonly boundTo: "program" | "machine";
        }
      | undefined;
    readonly reason: { readonly code: string; readonly message: string } | undefined;
  };
  readonly certified: number;
  readonly judged: number;
  readonly refused: number;
}
