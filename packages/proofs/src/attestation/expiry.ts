/** Until when collateral holds, as it says itself: whoever keeps evidence fresh fetches anew before. */
import type { Collateral } from "./collateral.ts";
import { readQeIdentity } from "./dcap/qe-identity.ts";
import { readTcbInfo } from "./dcap/tcb-info.ts";
import { orUndefined } from "./errors.ts";
import { readRevocationList } from "./x509/crl.ts";

/** Seconds since 1970 of the first document or list that expires; infinite if there is none that can be read. */
export function collateralEndSeconds(collateral: Collateral): number {
  const documents = [
    ...collateral.tcbInfos.map(({ text }) => orUndefined(() => readTcbInfo(text))),
    ...collateral.qeIdentities.map(({ text }) => orUndefined(() => readQeIdentity(text))),
    ...collateral.revocationLists.map((list) => orUndefined(() => readRevocationList(list))),
  ];
  return Math.min(...documents.map((one) => one?.nextUpdateSeconds ?? Number.POSITIVE_INFINITY));
}
