/**
 * When an attested node has to show new evidence, and when it has to stop: decided from what the chain says and nothing
 * else, so that every node and the chain agree. Renewal comes in the last third of what an admission lasts, before the
 * program's permission or the collateral ends; a program that is not allowed any more stops with the reason, and its
 * successor enters with a key of its own while the pins stay where they are.
 */

/** What the chain says of a program. */
export interface ProgramPermission {
  /** The last epoch at which it may run; undefined: no end is set. */
  readonly untilEpoch: number | undefined;
  readonly revoked: boolean;
}

/** What the chain says of a node. */
export interface NodeAdmission {
  /** The key and the program that it was admitted with. */
  readonly nodeKeyHex: string;
  readonly programHex: string;
  readonly fromEpoch: number;
  readonly untilEpoch: number;
}

export interface RenewalView {
  readonly epoch: number;
  /** Of the program that runs here; undefined: it is not on the list. */
  readonly permission: ProgramPermission | undefined;
  /** Of this operator's node; undefined: there is none. */
  readonly admission: NodeAdmission | undefined;
  readonly nodeKeyHex: string;
  readonly programHex: string;
  /** The epoch at which the collateral of the last evidence expires; undefined: nothing was sent yet. */
  readonly collateralEndEpoch: number | undefined;
}

export type RenewalStep =
  | { readonly step: "enter"; readonly because: "new" | "expired" | "upgraded" | "key-lost" }
  | { readonly step: "renew"; readonly because: "time" | "collateral" }
  /** Nothing before this epoch, unless the chain changes. */
  | { readonly step: "wait"; readonly untilEpoch: number }
  /** It must not work: others would refuse what it says. */
  | { readonly step: "stop"; readonly because: "not-allowed" | "revoked" | "program-expired" };

/** What is to be done now. */
export function nextStep(view: RenewalView): RenewalStep {
  const { epoch, permission, admission } = view;
  if (permission === undefined) return { step: "stop", because: "not-allowed" };
  if (permission.revoked) return { step: "stop", because: "revoked" };
  if (permission.untilEpoch !== undefined && epoch > permission.untilEpoch)
    return { step: "stop", because: "program-expired" };
  if (admission === undefined) return { step: "enter", because: "new" };
  if (admission.programHex !== view.programHex) return { step: "enter", because: "upgraded" };
  if (admission.nodeKeyHex !== view.nodeKeyHex) return { step: "enter", because: "key-lost" };
  if (epoch > admission.untilEpoch) return { step: "enter", because: "expired" };
  return dueStep(view, admission);
}

function dueStep(view: RenewalView, { fromEpoch, untilEpoch }: NodeAdmission): RenewalStep {
  const { epoch, collateralEndEpoch } = view;
  const lasts = untilEpoch - fromEpoch;
  const byTime = untilEpoch - Math.floor(lasts / 3);
  // Collateral that ends within the admission: anew while it still holds, and once only, for as long as the vendor has
  // no newer one.
  const before = collateralEndEpoch === undefined ? untilEpoch : collateralEndEpoch - Math.floor(lasts / 12);
  const byCollateral = before < untilEpoch && fromEpoch < before ? before : Number.POSITIVE_INFINITY;
  if (epoch >= byTime) return { step: "renew", because: "time" };
  if (epoch >= byCollateral) return { step: "renew", because: "collateral" };
  return { step: "wait", untilEpoch: Math.max(epoch + 1, Math.min(byTime, byCollateral)) };
}
