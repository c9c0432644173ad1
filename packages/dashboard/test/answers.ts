/**
 * Answers of a node at one moment, as the API gives them: a client with a file that is stored, one on its
 * way, one that failed, and a miner. Names are as strangers would choose them.
 */
import type { MethodResult } from "@holdfast/api";
import type { PutView, Tipset } from "@holdfast/dashboard/page";

export const genesisMs = 1_700_000_000_000;
export const roundMs = 1000;

const miners = [
  "tf2l3u62szr2mzf2ygdwbh5dd4ikxfkapqbrsrfqa",
  "tf2x7vcfy5vpk5mvcypdpdqh3qxvhh7qdpwkrznhy",
  "tf2qk7hp4wo3w6tmsxnyw6pkmsdcyxixjz7kv5wkq",
] as const;
export const client = "tf1eq2yqsxhkxpp4gxc6knrkpc3hbz7pepq6wcl4y";
export const [minerOne, minerTwo, minerThree] = miners;

const letters = "a2b3c4d5e6f7g2h3j4k5m6n7p2q3r4s5t6u7v2w3x4y5z6";

/** A CID-shaped text that ends in its number. */
export function cidOf(kind: string, number: number): string {
  return `bafy2bzace${kind}${letters.slice(kind.length)}${String(number).padStart(6, "2")}`;
}

export function tipset(height: number): Tipset {
  const blocks = height % 7 === 0 ? 3 : height % 3 === 0 ? 2 : 1;
  const cids = Array.from({ length: blocks }, (_, index) => cidOf("block", height * 10 + index));
  return {
    key: cids.join(","),
    height,
    cids,
    miners: cids.map((_, index) => miners[(height + index) % miners.length] ?? minerOne),
    parentWeight: String(height * 11_000),
    messages: height % 4 === 0 ? (height % 24) * 2 : 0,
    timestampMs: genesisMs + height * roundMs,
  };
}

/** From the head down; the heights that are left out are rounds without a block. */
export function tipsets(head: number, missed: readonly number[] = []): Tipset[] {
  return Array.from({ length: 40 }, (_, index) => head - index)
    .filter((height) => height >= 0 && !missed.includes(height))
    .map(tipset);
}

export function status(
  head: number,
  more: Partial<MethodResult<"node.status">> = {},
): MethodResult<"node.status"> {
  return {
    name: "client",
    version: "0.1.0",
    network: "devnet",
    roundMs,
    protocol: { version: 1, known: 1, next: null },
    peerId: "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X",
    addresses: ["/ip4/127.0.0.1/tcp/6003"],
    peers: 4,
    head: tipset(head),
    headAgeMs: 420,
    syncState: "synced",
    syncCode: "none",
    syncReason: "new blocks come in",
    believedFrom: null,
    health: { light: "ok", reason: "the newest block is 0 rounds old", fix: null },
    defaultAddress: client,
    balanceFil: "999.999984716552123456",
    pendingMessages: 2,
    roles: ["client"],
    sectors: [{ sectorBytes: 65_536, profile: "zigzag-64KiB", proofMode: "vanilla" }],
    uptimeMs: 754_000,
    ...more,
  };
}

export const money: MethodResult<"chain.money"> = {
  height: 1234,
  balancesFil: "1999999996.742999999999999943",
  escrowFil: "0.007",
  pledgeFil: "3",
  burntFil: "0.250000000000000057",
  totalFil: "2000000000",
  genesisTotalFil: "2000000000",
  exact: true,
};

const steps = ["imported", "quoted", "funded", "proposed", "transferred", "sealed", "committed"] as const;

export function put(more: Partial<PutView> = {}): PutView {
  return {
    jobId: "put-7",
    cid: cidOf("file", 7),
    name: "holiday photos 2024.tar",
    sizeBytes: 5_242_880,
    carBytes: 5_250_000,
    state: "running",
    startedAtMs: genesisMs + 1_200_000,
    updatedAtMs: genesisMs + 1_233_000,
    finishedAtMs: null,
    durationEpochs: 2_592_000,
    totalFil: "0.003375",
    encrypted: false,
    keep: {
      spread: "operators",
      renew: false,
      repair: false,
      limitFil: null,
      state: "off",
      detail: "",
      copiesKept: 0,
      untilHeight: null,
      audits: [],
    },
    copies: [
      {
        miner: minerOne,
        dealId: cidOf("deal", 1),
        step: "proven",
        stepsDone: [...steps],
        progressRatio: 0.6,
        detail: "the first proof is due in 12 rounds",
        priceFil: "0.0016875",
        error: null,
      },
      {
        miner: minerTwo,
        dealId: cidOf("deal", 2),
        step: "transferred",
        stepsDone: ["imported", "quoted", "funded", "proposed"],
        progressRatio: 0.35,
        detail: "1.8 MiB of 5 MiB sent",
        priceFil: "0.0016875",
        error: null,
      },
    ],
    error: null,
    ...more,
  };
}

export const failedPut: PutView = put({
  jobId: "put-6",
  cid: cidOf("file", 6),
  name: "backup'; rm -rf ~ #.zip",
  state: "failed",
  copies: [
    {
      miner: minerThree,
      dealId: cidOf("deal", 3),
      step: "transferred",
      stepsDone: ["imported", "quoted", "funded", "proposed"],
      progressRatio: 0.1,
      detail: "",
      priceFil: "0.001",
      error: {
        code: "deal/silent",
        message: "the miner has not answered for 60 s",
        fix: "run the put again: it takes another miner",
      },
    },
  ],
});

export const files: MethodResult<"file.ls"> = [
  {
    cid: cidOf("file", 1),
    name: "README.md",
    sizeBytes: 6_144,
    copies: 2,
    encrypted: false,
    activeCopies: 2,
    state: "stored",
    reason: "",
    storedUntilHeight: 2_593_234,
  },
  {
    cid: cidOf("file", 2),
    name: "<img src=x onerror=alert(1)>.png",
    sizeBytes: 48_213_001,
    copies: 3,
    encrypted: true,
    activeCopies: 2,
    state: "at-risk",
    reason: "the miner …7kv5wkq missed a proof",
    storedUntilHeight: 604_800,
  },
];

type DealView = MethodResult<"deal.ls">[number];

export function deal(more: Partial<DealView> = {}): DealView {
  return {
    dealId: cidOf("deal", 1),
    role: "client",
    payload: cidOf("file", 1),
    name: "README.md",
    client,
    miner: minerOne,
    state: "active",
    detail: "",
    sizeBytes: 6_144,
    pieces: 1,
    sectors: [3],
    provenSectors: 1,
    faultySectors: 0,
    totalFil: "0.0000021",
    redeemedFil: "0.0000007",
    channelId: 0,
    startHeight: 1_100,
    endHeight: 2_593_234,
    keeping: "none",
    onChain: null,
    ...more,
  };
}

export const deals: readonly DealView[] = [
  deal(),
  deal({
    dealId: cidOf("deal", 2),
    miner: minerTwo,
    state: "sealing",
    provenSectors: 0,
    faultySectors: 0,
    detail: "sealing 42 %",
  }),
  deal({
    dealId: cidOf("deal", 3),
    miner: minerThree,
    name: "backup.zip",
    state: "failed",
    sectors: [],
    provenSectors: 0,
    faultySectors: 0,
    detail: "the miner has not answered for 60 s",
  }),
];

export const dealDetail: MethodResult<"deal.show"> = {
  ...deal(),
  pieceList: [
    {
      pieceCid: cidOf("piece", 1),
      paddedBytes: 8192,
      userBytes: 8128,
      sectorId: 3,
      lastProvenAt: 1_220,
    },
  ],
  vouchers: [
    { amountFil: "0.0000007", validAt: 864_000, redeemed: true },
    { amountFil: "0.0000014", validAt: 1_728_000, redeemed: false },
    { amountFil: "0.0000021", validAt: 2_592_000, redeemed: false },
  ],
  amendments: [],
  history: [
    { atMs: genesisMs, state: "proposing", detail: "" },
    { atMs: genesisMs + 900, state: "accepted", detail: "" },
    { atMs: genesisMs + 4_100, state: "sealing", detail: "sector 3" },
    { atMs: genesisMs + 21_000, state: "committed", detail: "" },
    { atMs: genesisMs + 64_000, state: "active", detail: "the first proof is on the chain" },
  ],
};

export const network: MethodResult<"net.status"> = {
  peerId: "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X",
  network: "devnet",
  addresses: ["/ip4/127.0.0.1/tcp/6003"],
  observed: [{ address: "127.0.0.1", peers: 2 }],
  reach: "public",
  dialBacks: [],
  inbound: 1,
  outbound: 1,
  halfOpen: 0,
  bans: 2,
  receivedBytes: 1_572_864,
  sentBytes: 1_048_576,
};

export const bans: MethodResult<"net.bans"> = [
  {
    subject: "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
    kind: "peer",
    reason: "its score fell to -80, at last by: lied",
    by: "score",
    fromMs: genesisMs,
    untilMs: genesisMs + 21_600_000,
  },
  {
    subject: "203.0.113.0/24",
    kind: "range",
    reason: "<img src=x onerror=alert(1)>",
    by: "person",
    fromMs: genesisMs,
    untilMs: null,
  },
];

export const peers: MethodResult<"net.peers"> = [
  {
    peerId: "12D3KooWJAZjUxsSTGcGUwBSGPfu2XxyAfkzcGovYb8cX1GfTabX",
    addresses: ["/ip4/127.0.0.1/tcp/6000"],
    direction: "outbound",
    headHeight: 1_234,
    score: 10.5,
    latencyMs: 12,
    connectedMs: 3_600_000,
    agent: "holdfast/0.1.0",
    protocols: ["/fil/hello/1.0.0"],
    receivedBytes: 1_048_576,
    sentBytes: 524_288,
  },
  {
    peerId: "12D3KooWBmWJ6TcRjTVp3bhgFJWPtsfzUjtXH8h8GFrdiFEqGZBK",
    addresses: ["/ip4/127.0.0.1/tcp/6001"],
    direction: "inbound",
    headHeight: 1_229,
    score: null,
    latencyMs: null,
    connectedMs: null,
    agent: "",
    protocols: [],
    receivedBytes: null,
    sentBytes: null,
  },
  {
    peerId: "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo",
    addresses: [],
    direction: "inbound",
    headHeight: null,
    score: -20,
    latencyMs: null,
    connectedMs: 1_000,
    agent: "",
    protocols: [],
    receivedBytes: 0,
    sentBytes: 0,
  },
];

export const mineStatus: MethodResult<"mine.status"> = {
  miner: minerOne,
  owner: client,
  light: "at-risk",
  reason: "the proof of this period is not on the chain yet",
  powerBytes: 393_216,
  idlePowerBytes: 0,
  networkPowerBytes: 1_179_648,
  blocksWon: 412,
  lastBlockAt: 1_232,
  signing: { standing: "clear", reason: null, fix: null },
  sectors: { active: 4, faulty: 1, pending: 1 },
  pledgeFil: "1.5",
  availableFil: "20.25",
  provingPeriodStart: 1_200,
  nextDeadline: 1_250,
  lastPostAt: 1_150,
  deadlines: [
    {
      index: 0,
      sectors: 5,
      faulty: 1,
      partitions: 1,
      opensAt: 1_201,
      closesAt: 1_249,
      isOpen: true,
      toProve: 4,
    },
  ],
  asks: [],
  earnedFil: "206.000000000000412",
};

type SectorView = MethodResult<"sector.ls">[number];

function sector(sectorId: number, state: string, more: Partial<SectorView> = {}): SectorView {
  return {
    sectorId,
    miner: minerOne,
    sectorBytes: 65_536,
    state,
    commD: null,
    commR: null,
    pieces: 1,
    usedBytes: 48_128,
    activatedAt: 900,
    expiresAt: 2_600_000,
    lastProvenAt: 1_150,
    detail: "",
    ...more,
  };
}

export const sectors: MethodResult<"sector.ls"> = [
  ...Array.from({ length: 8 }, (_, id) => sector(id, "active")),
  sector(8, "faulty", { detail: "its file could not be read" }),
  sector(9, "sealing", { activatedAt: null, lastProvenAt: null, expiresAt: null }),
];
