/** Errors of the market as its own node sees them; what a miner says against a deal is in `refusals.ts`. */
import { defineErrors } from "@holdfast/base";

type NoData = Record<never, never>;

/** True while the job goes on; what is to be done afterwards, `why` says. */
export const triesOthers = "nothing to do: other miners are tried";

export const marketErrors = defineErrors("market", {
  closed: {
    exit: "retry-later",
    message: (_data: NoData) => "the node is shutting down",
    fix: "start the node again; jobs go on where they were",
  },
  notImported: {
    exit: "not-found",
    message: (data: { cid: string; detail: string }) =>
      `the file ${data.cid} is not wholly on this node: ${data.detail}`,
    fix: "import it first: `holdfast put FILE`",
  },
  copiesOutOfRange: {
    exit: "usage",
    message: (data: { copies: number; limit: number }) =>
      `${data.copies} copies: 1 to ${data.limit} are possible`,
    fix: "ask for another number of copies",
  },
  durationOutOfRange: {
    exit: "usage",
    message: (data: { asked: string; least: string; most: string; minEpochs: number; maxEpochs: number }) =>
      `a deal for ${data.asked}: this network has deals for ${data.least} to ${data.most} (${data.minEpochs} to ${data.maxEpochs} epochs)`,
    fix: "store the file for another time: `holdfast put FILE --for TIME`",
  },
  noMiners: {
    exit: "retry-later",
    message: (data: { miners: number }) =>
      data.miners === 0
        ? "the network has no miners"
        : `the network has ${data.miners} miners, and none of them offers storage`,
    fix: "wait until a miner publishes its price (`holdfast ask ls`), or start one",
  },
  tooLarge: {
    exit: "refused",
    message: (data: { carBytes: number; reasons: string }) =>
      `no miner takes a file of ${data.carBytes} bytes (with its tree): ${data.reasons}`,
    fix: "split the file, or wait for a miner that offers more: `holdfast ask ls`",
  },
  tooFewMiners: {
    exit: "retry-later",
    message: (data: { copies: number; miners: number; reasons: string }) =>
      `${data.copies} copies need ${data.copies} miners, ${data.miners} can be used` +
      (data.reasons === "" ? "" : ` (${data.reasons})`),
    fix: "ask for fewer copies, or wait until more miners are online: `holdfast ask ls`",
  },
  tooFewOperators: {
    exit: "retry-later",
    message: (data: { copies: number; miners: number; operators: number }) =>
      `${data.copies} copies need ${data.copies} operators; the ${data.miners} miners that can be used belong to ${data.operators}`,
    fix: "ask for fewer copies, or let copies lie at different miners of one operator: --spread miners",
  },
  duplicate: {
    exit: "refused",
    message: (data: { cid: string; copies: number; miners: number; until: number }) =>
      `${data.miners} of the miners that could be used keep ${data.cid} for you already, until ${data.until}: too few are left for ${data.copies} more`,
    fix: "let those deals live longer with `holdfast deal extend`, or have it there twice: --allow-duplicates",
  },
  priceAboveMax: {
    exit: "funds",
    message: (data: { totalFil: string; maxFil: string }) =>
      `it would cost ${data.totalFil} FIL, the limit is ${data.maxFil} FIL`,
    fix: "raise the limit, store for a shorter time, or with fewer copies",
  },
  insufficientFunds: {
    exit: "funds",
    message: (data: { address: string; balanceFil: string; neededFil: string; missingFil: string }) =>
      `${data.missingFil} FIL are missing: ${data.address} has ${data.balanceFil} FIL to spend, ${data.neededFil} FIL are needed`,
    fix: "send money to this address, store for a shorter time, or with fewer copies; nothing was paid",
  },
  unknownDeal: {
    exit: "not-found",
    message: (data: { dealId: string }) => `this node stores nothing by a deal ${data.dealId}`,
    fix: "see the deals with `holdfast deals`",
  },
  notChangeable: {
    exit: "refused",
    message: (data: { dealId: string; reason: string }) =>
      `the deal ${data.dealId} cannot be changed: ${data.reason}`,
    fix: "see `holdfast deal show DEAL`; what is not possible with this miner, `holdfast put` does with another",
  },
  keyReused: {
    exit: "usage",
    message: (data: { key: string }) => `the key ${data.key} stands for something else already`,
    fix: "use a new key for something new",
  },
  unknownJob: {
    exit: "not-found",
    message: (data: { jobId: string }) => `there is no put job ${data.jobId}`,
    fix: "see the puts with `holdfast jobs puts`",
  },
  unknownFile: {
    exit: "not-found",
    message: (data: { cid: string }) => `this node has put no file ${data.cid}`,
    fix: "see the files with `holdfast ls`",
  },
  notDone: {
    exit: "retry-later",
    message: (data: { jobId: string; state: string }) =>
      `the put job ${data.jobId} is ${data.state}: it has no receipt`,
    fix: "wait for it, or ask `holdfast why JOB`",
  },
  noMinerLeft: {
    exit: "refused",
    message: (data: { copy: number; tried: string }) =>
      `no miner is left for copy ${data.copy}: ${data.tried}`,
    fix: "see what each miner said, then run the same command again; money that was not used comes back by itself",
  },
  channelFailed: {
    exit: "refused",
    message: (data: { method: string; exitCode: number; meaning: string }) =>
      `${data.method} of the payment channel failed on the chain: ${data.meaning} (exit code ${data.exitCode})`,
    fix: "the job sends it again; if that does not help, look with `holdfast why JOB`",
  },
  unreachable: {
    exit: "network",
    message: (data: { miner: string; detail: string }) =>
      `the miner ${data.miner} cannot be reached: ${data.detail}`,
    fix: triesOthers,
  },
  silent: {
    exit: "timeout",
    message: (data: { miner: string; silentMs: number }) =>
      `the miner ${data.miner} has not answered for ${data.silentMs} ms`,
    fix: triesOthers,
  },
  badAnswer: {
    exit: "network",
    message: (data: { miner: string; detail: string }) =>
      `the miner ${data.miner} does not keep to the protocol: ${data.detail}`,
    fix: triesOthers,
  },
  rejected: {
    exit: "refused",
    message: (data: { miner: string; code: string; reason: string }) =>
      `the miner ${data.miner} refused the deal: ${data.reason} (${data.code})`,
    fix: `${triesOthers}, and the money comes back by itself`,
  },
  dealFailed: {
    exit: "refused",
    message: (data: { miner: string; reason: string }) =>
      `the deal failed at the miner ${data.miner}: ${data.reason}`,
    fix: `${triesOthers}, and the money comes back by itself`,
  },
  notInTime: {
    exit: "timeout",
    message: (data: { miner: string; startBy: number }) =>
      `the miner ${data.miner} had no commitment on the chain by height ${data.startBy}`,
    fix: `${triesOthers}, and the money comes back by itself`,
  },
  endedUnproven: {
    exit: "timeout",
    message: (data: { miner: string; endHeight: number }) =>
      `the deal with ${data.miner} ended at ${data.endHeight} before its sectors were proven`,
    fix: "store the file for a longer time",
  },
  falseClaim: {
    exit: "proof-invalid",
    message: (data: { miner: string; detail: string }) =>
      `what the miner ${data.miner} claims is not true: ${data.detail}`,
    fix: `${triesOthers}, and the money comes back by itself`,
  },
  sectorLost: {
    exit: "proof-invalid",
    message: (data: { miner: string; sectorId: number; detail: string }) =>
      `the miner ${data.miner} lost sector ${data.sectorId} before its first proof: ${data.detail}`,
    fix: `${triesOthers}, and the money comes back by itself`,
  },
  copyLost: {
    exit: "proof-invalid",
    message: (data: { miner: string; sectorId: number; detail: string }) =>
      `the copy at ${data.miner} is lost: ${data.detail}`,
    fix: "nothing to do: another copy takes its place, and what the deal was still to cost comes back",
  },
  readBackFailed: {
    exit: "proof-invalid",
    message: (data: { miner: string; detail: string }) =>
      `the miner ${data.miner} proves the file, but does not give it back: ${data.detail}`,
    fix: triesOthers,
  },
  wrongLength: {
    exit: "proof-invalid",
    message: (data: { detail: string }) =>
      `the stream does not have the length that was said: ${data.detail}`,
    fix: "import the file again",
  },
  notOperator: {
    exit: "refused",
    message: (data: { miner: string; worker: string }) =>
      `this node does not hold the worker key ${data.worker} of ${data.miner}`,
    fix: "import the worker's key with `holdfast wallet import`, or correct mining.miner in config.toml",
  },
});
