/** Errors of the API server. */
import { defineErrors } from "@holdfast/base";

export const rpcErrors = defineErrors("rpc", {
  portInUse: {
    exit: "refused",
    message: (data: { address: string }) => `another program listens on ${data.address}`,
    fix: "stop it, or choose another port (`holdfast up --port 0` takes a free one; `api.listen` in config.toml)",
  },
  cannotListen: {
    exit: "refused",
    message: (data: { address: string; detail: string }) =>
      `the API cannot listen on ${data.address}: ${data.detail}`,
    fix: "choose a loopback address and a port above 1023",
  },
  tooManyStreams: {
    exit: "retry-later",
    message: (data: { limit: number }) => `${data.limit} streams are open already`,
    fix: "close some watchers and try again",
  },
  stopping: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "the node stops",
    fix: "start it again, then repeat the command",
  },
  notFound: {
    exit: "not-found",
    message: (data: { what: string }) => `there is no ${data.what}`,
    fix: "check the id; `holdfast ls`, `deals`, `jobs puts`, `jobs ls`, `sector ls`, `message ls` and `chain ls` list what there is",
  },
  jobEnded: {
    exit: "refused",
    message: (data: { jobId: number; state: string }) => `job ${data.jobId} is ${data.state}`,
    fix: "only what waits or runs can be called off, and only what failed or was called off done again",
  },
  badTarget: {
    exit: "usage",
    message: (data: { target: string; kinds: string }) =>
      `${JSON.stringify(data.target)} cannot be cordoned; kinds are ${data.kinds}`,
    fix: "name all, kind:KIND or worker:ID (`holdfast jobs workers` lists the workers)",
  },
  noGateway: {
    exit: "refused",
    message: (_data: Record<never, never>) => "this node has no gateway from which a miner could fetch",
    fix: "set `gateway.listen` in config.toml, or name the CAR file: `--transfer https://…/{cid}.car`",
  },
  noOrder: {
    exit: "not-found",
    message: (data: { pin: number }) => `there is no order ${data.pin} of pinning`,
    fix: "list them with `holdfast pin ls`",
  },
  noPinNode: {
    exit: "not-found",
    message: (data: { node: number }) => `there is no pinning node ${data.node} on this network`,
    fix: "list them with `holdfast pin node ls`",
  },
  noVerifier: {
    exit: "not-found",
    message: (_data: Record<never, never>) => "this wallet has the key of no verifier",
    fix: "name its operator, or ask its node (`--node verifier-1`): `holdfast verifier ls` lists them",
  },
  nobodyAdmits: {
    exit: "refused",
    message: (_data: Record<never, never>) =>
      "nobody admits verifiers on this network: those of its genesis stay as they are",
    fix: "a network has an authority if its genesis names one (`idle.authority`, see `holdfast network show`)",
  },
  noProgramAuthority: {
    exit: "refused",
    message: (_data: Record<never, never>) =>
      "nobody lists programs on this network: those of its genesis stay (`holdfast pin program ls`)",
    fix: "a network has an authority if its genesis names one (`upgradeAuthority`, see `holdfast network show`)",
  },
  noSectors: {
    exit: "not-found",
    message: (data: { node: string }) => `node ${data.node} has no sectors: it runs no miner`,
    fix: "ask the node of a miner (`--node miner-1`)",
  },
  noIdleSpace: {
    exit: "refused",
    message: (data: { network: string }) => `the network ${data.network} counts no idle space`,
    fix: "a network is founded with it: `holdfast up --verifiers 1`, or `holdfast genesis new --help`",
  },
  noJobs: {
    exit: "not-found",
    message: (data: { node: string }) => `node ${data.node} has no jobs: it runs no miner`,
    fix: "ask the node of a miner (`--node miner-1`)",
  },
  notASigner: {
    exit: "refused",
    message: (data: { multisig: string }) => `this wallet has no key of a signer of ${data.multisig}`,
    fix: "ask the node of a signer: `holdfast multisig show` names them",
  },
  changeIncomplete: {
    exit: "usage",
    message: (data: { change: string }) => `the change "${data.change}" does not say of what`,
    fix: "name the signer, the new signer or the threshold",
  },
  halfAKey: {
    exit: "usage",
    message: (_data: Record<never, never>) => "a worker is an address and a BLS key: both or neither",
    fix: "give both, or none: then this node makes new keys",
  },
  noTerm: {
    exit: "usage",
    message: (_data: Record<never, never>) => "the new end of the sectors is missing",
    fix: "name a height or a duration",
  },
  keyReused: {
    exit: "usage",
    message: (data: { key: string }) => `another message was sent with the key ${data.key}`,
    fix: "take a new key for another message; a repeat names the same recipient, amount, method and parameters",
  },
  notAMiner: {
    exit: "refused",
    message: (data: { node: string }) => `the node ${data.node} runs no miner`,
    fix: "ask a miner, for example with --node miner-1",
  },
  badConstant: {
    exit: "usage",
    message: (data: { problem: string }) => `these constants cannot be changed so: ${data.problem}`,
    fix: "`holdfast network show` lists the constants as they are",
  },
  noAuthority: {
    exit: "refused",
    message: (_data: Record<never, never>) => "nobody can schedule upgrades of this network",
    fix: "its upgrades are those of its genesis; another rule needs another network",
  },
  notAuthority: {
    exit: "refused",
    message: (data: { authority: string }) => `only ${data.authority} schedules upgrades of this network`,
    fix: "ask the node that has its key; if it is a multisig, propose the parameters that --dry-run prints",
  },
  notBytes: {
    exit: "usage",
    message: (_data: Record<never, never>) => "a file is uploaded as it is, not as JSON",
    fix: "send its bytes with `content-type: application/octet-stream`",
  },
  badOffset: {
    exit: "usage",
    message: (data: { offset: string }) => `${data.offset} is not a position in the file`,
    fix: "give an offset from 0 to the size of the file",
  },
});
