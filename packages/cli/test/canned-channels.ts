/** A node's answers about channels, vouchers, and messages that wait. */
import type { CallName, MethodResult } from "@holdfast/api";
import { cidOfCbor, encodeCbor, seedAddress } from "@holdfast/base";

const cid = (name: string): string => cidOfCbor(encodeCbor(name)).toString();
const client = seedAddress(1, "client");
const owner = seedAddress(1, "owner");
const messageCid = cid("message");

const channel: MethodResult<"channel.ls">[number] = {
  payer: client,
  channel: 7,
  target: owner,
  signer: client,
  role: "payer",
  depositFil: "10",
  redeemedFil: "1",
  leftFil: "9",
  eol: 900,
  agreedEol: 900,
  state: "open",
  bestFil: "3",
  autoRedeemAt: 840,
  waysOut: [
    {
      who: client,
      role: "payer",
      command: `holdfast channel reclaim 7 --from ${client}`,
      fromHeight: 900,
      untilHeight: null,
      amountFil: "9",
    },
  ],
};

const voucher: MethodResult<"voucher.best"> = {
  text: "hfv1aGVsbG8",
  payer: client,
  channel: 7,
  target: owner,
  amountFil: "3",
  validAt: 100,
  condition: null,
  side: "received",
};

export const amendment: MethodResult<"deal.extend"> = {
  amendmentId: null,
  kind: "extend",
  state: "asking",
  endHeight: 400,
  totalFil: "0.03",
  code: null,
  detail: "the miner is asked",
};

const multisig: MethodResult<"multisig.show"> = {
  address: seedAddress(1, "multisig"),
  signers: [client, owner],
  threshold: 2,
  balanceFil: "10",
  freeFil: "10",
  isSigner: true,
  transactions: [
    {
      transactionId: 3,
      to: owner,
      valueFil: "5",
      method: "",
      paramsHex: "",
      approvals: [client],
      missing: 1,
    },
  ],
};

const sent = { cid: messageCid, nonce: 7 };
const keys = { worker: client, workerKeyHex: "8a".repeat(48), hasKeys: true };

export const dealOnChain: MethodResult<"deal.ls">[number]["onChain"] = {
  status: "active",
  startBy: 90,
  endHeight: 190,
  totalFil: "0.02",
  clientCollateralFil: "0.001",
  providerCollateralFil: "0.004",
  activatedAt: 82,
  endedAt: null,
  lostAt: null,
};

const collaterals = { clientCollateralFil: "0.001", providerCollateralFil: "0.004" };
const takes = {
  priceFilPerGiBPerDay: "0.01",
  minBytes: 1,
  maxBytes: 1_073_741_824,
  minForMs: 60_000,
  maxForMs: 900_000,
  sectorBytes: 262_144,
};

export const authorityCalls = {
  "multisig.create": { ...sent, address: multisig.address },
  "multisig.propose": sent,
  "multisig.change": sent,
  "multisig.approve": sent,
  "multisig.cancel": sent,
  "multisig.ls": [multisig],
  "multisig.show": multisig,
  "mine.worker": { ...keys, owner, pendingOwner: null, pending: { ...keys, effectiveAt: 300 } },
  "mine.workerSet": { ...sent, isProposal: false, worker: client, workerKeyHex: keys.workerKeyHex },
  "mine.workerConfirm": sent,
  "mine.ownerPropose": { ...sent, isProposal: false },
  "mine.ownerAccept": { ...sent, isProposal: true },
  "mine.extend": { ...sent, expiration: 9_000 },
  "mine.terminateQuote": {
    feeFil: "0.0002",
    freedFil: "0.0008",
    powerBytes: 2048,
    pieces: 1,
    deals: 1,
    collateralFil: "0.004",
    sectors: [{ sectorId: 4, expiration: 5_000, feeFil: "0.0002" }],
  },
  "mine.terminate": sent,
  "market.balance": [
    { address: client, role: "account", escrowFil: "0.5", lockedFil: "0.2", freeFil: "0.3" },
    { address: owner, role: "miner", escrowFil: "4", lockedFil: "4", freeFil: "0" },
  ],
  "put.quote": {
    durationEpochs: 120,
    totalFil: "0.02",
    miners: [
      { miner: owner, askId: 1, priceFil: "0.02", ...collaterals, chosen: true, reason: "the cheapest" },
      { miner: client, askId: 2, priceFil: "0.03", ...collaterals, chosen: false, reason: "dearer" },
    ],
  },
  "deal.extend": amendment,
  "deal.release": { ...amendment, kind: "release", totalFil: "0.01" },
  "deal.redeem": { ...sent, isProposal: true, method: "redeem", amountFil: "0.01", addsFil: "0.002" },
  "deal.policy": {
    extend: true,
    release: false,
    open: true,
    minForMs: 86_400_000,
    maxForMs: null,
    allow: [],
    deny: [],
    verified: [client],
    verifiedOnly: false,
    verifiedPercent: 50,
    duplicates: false,
    http: true,
    offline: false,
  },
  "ask.quote": [
    { miner: owner, willing: true, totalFil: "0.02", code: "", reason: "", takes },
    {
      miner: client,
      willing: false,
      totalFil: null,
      code: "deal/duration-out-of-range",
      reason: "a deal of 120 epochs: 600 to 9000 are possible",
      takes: { ...takes, minForMs: 600_000 },
    },
  ],
  "market.add": { ...sent, isProposal: false, amountFil: "5" },
  "market.withdraw": { ...sent, isProposal: false, amountFil: "5" },
  "mine.withdraw": { ...sent, isProposal: false, amountFil: "5" },
} satisfies { readonly [Name in CallName]?: MethodResult<Name> };

export const channelCalls = {
  "channel.create": { cid: messageCid, nonce: 7, payer: client, channel: 7, eol: 900 },
  "channel.extend": { cid: messageCid, nonce: 8, eol: 1900 },
  "channel.cancel": { cid: messageCid, nonce: 9 },
  "channel.reclaim": { cid: messageCid, nonce: 9 },
  "channel.redeem": { cid: messageCid, nonce: 9 },
  "channel.close": { cid: messageCid, nonce: 9 },
  "channel.ls": [channel],
  "channel.show": { ...channel, vouchers: [voucher] },
  "voucher.create": { ...voucher, side: "given" },
  "voucher.check": {
    ...voucher,
    side: null,
    good: false,
    code: "channels/not-better",
    detail: "a voucher over 3 FIL in all adds nothing to one over 4 FIL that is there",
    addsFil: "0",
  },
  "voucher.add": voucher,
  "voucher.ls": [voucher],
  "voucher.best": voucher,
  "message.replace": { cid: cid("raised message"), nonce: 7 },
  "message.cancel": { cid: cid("cancellation"), nonce: 7 },
  "message.why": {
    cid: messageCid,
    state: "waiting",
    reasons: [
      {
        code: "price",
        detail: "it offers 1 attoFIL for a unit of gas, and the cheapest there paid 16",
        fix: `holdfast message replace ${messageCid} --gas-price 21attoFIL`,
      },
    ],
  },
} satisfies { readonly [Name in CallName]?: MethodResult<Name> };
