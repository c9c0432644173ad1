/** Errors that arise in the command line itself, before or after a node is asked. */
import { defineErrors } from "@holdfast/base";

export const cliErrors = defineErrors("cli", {
  usage: {
    exit: "usage",
    message: (data: { problem: string; help: string }) => data.problem,
    fix: (data: { help: string }) => data.help,
  },
  badValue: {
    exit: "usage",
    message: (data: { problem: string }) => data.problem,
    fix: "give another value; `--help` after the command explains it",
  },
  notConfirmed: {
    exit: "refused",
    message: (data: { cost: string }) => `nothing was done: ${data.cost}`,
    fix: "type yes when asked, or give --yes",
  },
  noNode: {
    exit: "network",
    message: (data: { looked: string }) => `no running node was found: ${data.looked}`,
    fix: "start a network with `holdfast up`, or name a node with --repo DIR, or with --api URL and --token TOKEN",
  },
  noSuchNode: {
    exit: "not-found",
    message: (data: { name: string; known: string }) =>
      `the running network has no node ${data.name}; it has ${data.known}`,
    fix: "choose one of these names with --node",
  },
  fileMissing: {
    exit: "not-found",
    message: (data: { path: string }) => `there is no file ${data.path}`,
    fix: "check the path",
  },
  noSuchContent: {
    exit: "not-found",
    message: (data: { text: string }) =>
      `${data.text} is no CID, and there is no file or folder of that name`,
    fix: "check it: a CID is never cut off, and paths are those of this machine",
  },
  noPinSize: {
    exit: "usage",
    message: (data: { cid: string }) =>
      `how large ${data.cid} is has to be said: it is what nodes are paid by`,
    fix: "add --size SIZE, of all its blocks together, at least; of a file or folder it is counted",
  },
  nobodyToAsk: {
    exit: "refused",
    message: ({ pin, asked }: { pin: number; asked: number }) =>
      asked === 0 ? `no node holds order ${pin} yet` : `all who hold order ${pin} are being asked already`,
    fix: "see `holdfast pin status ORDER`: who holds it, and until when who is asked may answer",
  },
  holdsNoOrder: {
    exit: "refused",
    message: ({ pin, node }: { pin: number; node: number }) => `node ${node} does not hold order ${pin}`,
    fix: "see who does: `holdfast pin status ORDER`",
  },
  noPinNodes: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "no pinning node has joined this network yet",
    fix: "nodes that are being started join within some rounds: add --wait-for-nodes 2m, or look with `holdfast pin node ls`; `holdfast up --pinning-nodes 3` has some",
  },
  tooFewPinNodes: {
    exit: "timeout",
    message: ({ fit, wanted }: { fit: number; wanted: number }) =>
      `only ${fit} of ${wanted} nodes have room and take the price`,
    fix: "offer more with --price, want fewer with --nodes, or wait longer; what each asks: `holdfast pin node ls`, `holdfast pin node show`",
  },
  nothingEarned: {
    exit: "refused",
    message: (data: { node: number }) => `node ${data.node} has nothing to claim`,
    fix: "credit it first with what its orders owe it: `holdfast pin settle ORDER` (`holdfast pin status ORDER` shows how much)",
  },
  notAFile: {
    exit: "usage",
    message: (data: { path: string }) => `${data.path} is not a regular file`,
    fix: "name one file",
  },
  specialFile: {
    exit: "usage",
    message: (data: { path: string }) => `${data.path} is neither file, folder nor symbolic link`,
    fix: "leave it out of the folder",
  },
  unsafeName: {
    exit: "refused",
    message: (data: { path: string }) => `${JSON.stringify(data.path)} is no name that can be written here`,
    fix: "fetch the folder as a stream with `-o -`, and unpack what you want of it",
  },
  fileEmpty: {
    exit: "usage",
    message: (data: { path: string }) => `${data.path} is empty: there is nothing to store`,
    fix: "name a file that holds at least one byte",
  },
  tooLarge: {
    exit: "usage",
    message: (data: { path: string; mostBytes: number }) =>
      `${data.path} has more than ${data.mostBytes} bytes`,
    fix: "check that it is the right file: nothing of its kind is larger",
  },
  overCapacity: {
    exit: "usage",
    message: (data: { path: string; mostBytes: number }) =>
      `${data.path} has more than the ${data.mostBytes} bytes that such a sector takes`,
    fix: "name a larger --sector-bytes: of a sector 127 bytes in 128 are for data",
  },
  evidenceEmpty: {
    exit: "usage",
    message: ({ path }: { path: string }) =>
      path === "-" ? "no evidence came on standard input" : `${path} is empty: there is no evidence in it`,
    fix: "name the file of a quote or report, such as `holdfast attest quote -o quote.bin` leaves",
  },
  unreadable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) => `${data.path} cannot be read: ${data.detail}`,
    fix: "check the rights of the file and the disk it lies on",
  },
  fileChanged: {
    exit: "retry-later",
    message: (data: { path: string; expectedBytes: number; foundBytes: number }) =>
      `${data.path} changed while it was read: ${data.foundBytes} bytes instead of ${data.expectedBytes}`,
    fix: "store it when nobody writes to it, or store a copy",
  },
  fileExists: {
    exit: "refused",
    message: (data: { path: string }) => `${data.path} exists already`,
    fix: "choose another name with -o, or replace it with --force",
  },
  inTheWay: {
    exit: "refused",
    message: (data: { path: string }) => `${data.path} exists already`,
    fix: "choose another name, or take away what is there: it is not replaced",
  },
  receiptExists: {
    exit: "refused",
    message: (data: { path: string; what: string }) => `nothing was stored: ${data.path} is ${data.what}`,
    fix: "name another file for the receipt, or replace this one with --force",
  },
  unwritable: {
    exit: "refused",
    message: (data: { path: string; detail: string }) => `${data.path} cannot be written: ${data.detail}`,
    fix: "check the folder, its rights and the free space, and run it again: what was done so far is kept",
  },
  notListed: {
    exit: "not-found",
    message: (data: { list: string }) => `${data.list} lists no such files`,
    fix: "look into it for names and sector sizes",
  },
  differs: {
    exit: "proof-invalid",
    message: (data: { path: string; cid: string }) => `${data.path} does not hold the bytes of ${data.cid}`,
    fix: "remove it and fetch it again",
  },
  otherProof: {
    exit: "proof-invalid",
    message: (data: { what: string; wanted: string; told: string }) =>
      `the proof holds, but it is about another ${data.what}: ${data.told}, not ${data.wanted}`,
    fix: "ask for a proof about yours, or name what this one is about",
  },
  unknownSubject: {
    exit: "not-found",
    message: (data: { subject: string; summary: string }) => `${data.subject}: ${data.summary}`,
    fix: "list what there is: `holdfast deals`, `holdfast jobs`, `holdfast message ls`, `holdfast sector ls`, `holdfast pin ls`",
  },
  messageFailed: {
    exit: "refused",
    message: (data: { cid: string; height: number; exitCode: number; meaning: string }) =>
      `the message ${data.cid} failed at height ${data.height}: ${data.meaning} (exit code ${data.exitCode})`,
    fix: (data: { cid: string }) => `its gas is spent, its value is not; see \`holdfast why ${data.cid}\``,
  },
  messageUnfunded: {
    exit: "funds",
    message: (data: { cid: string; height: number; exitCode: number; meaning: string }) =>
      `the message ${data.cid} failed at height ${data.height}: ${data.meaning} (exit code ${data.exitCode})`,
    fix: "send money to the paying address (`holdfast wallet ls`), then send the message again",
  },
  sentUnseen: {
    exit: "retry-later",
    message: (data: { cid: string; detail: string }) =>
      `the message ${data.cid} is sent; whether it took effect was not seen: ${data.detail}`,
    fix: (data: { cid: string }) => `do not send it again; look with \`holdfast message wait ${data.cid}\``,
  },
  moneyDiffers: {
    exit: "proof-invalid",
    message: (data: { totalFil: string; genesisTotalFil: string; height: number }) =>
      `at height ${data.height} all money is ${data.totalFil} FIL, the genesis block held ${data.genesisTotalFil} FIL`,
    fix: "do not trust this node's state: compare `holdfast chain head` with another node, and report it as a bug",
  },
  interrupted: {
    exit: "retry-later",
    message: (_data: { jobId?: string }) => "interrupted",
    fix: ({ jobId }: { jobId?: string }) =>
      jobId === undefined
        ? "run the same command again: what was done is kept"
        : `the node goes on with it (\`holdfast why ${jobId}\`); run the same command again to watch the rest`,
  },
  leftToNode: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "interrupted",
    fix: "the node goes on with it; run the same command again to see how it ends",
  },
  stopped: {
    exit: "retry-later",
    message: (_data: Record<never, never>) => "interrupted",
    fix: "nothing was kept; run it again, it begins anew",
  },
  notAllRepaired: {
    exit: "refused",
    message: ({ failed, left }: { failed: number; left: number }) =>
      failed + left === 1 ? "one sector is left as it is" : `${failed + left} sectors are left as they are`,
    fix: "`holdfast why storage` says of each what is gone, what follows, and what to do",
  },
  repairsLeft: {
    exit: "retry-later",
    message: ({ done, total }: { done: number; total: number }) =>
      `interrupted after ${done} of ${total} sectors`,
    fix: "the node goes on with those that have begun (`holdfast jobs ls --kind repair`); run the same command again for the others",
  },
  unwell: {
    exit: "refused",
    message: ({ failing }: { failing: number }) =>
      `${failing} of the findings above ${failing === 1 ? "keeps" : "keep"} a node from working`,
    fix: "do what those lines say, then run `holdfast doctor` again",
  },
  system: {
    exit: "refused",
    message: (data: { detail: string }) => `the system refused: ${data.detail}`,
    fix: "check the path, its rights and the free space of its disk",
  },
  internal: {
    exit: "internal",
    message: (data: { detail: string }) => data.detail,
    fix: "this is a bug of holdfast: please report it, with the lines below",
  },
});

/** Of work that keeps nothing when it is interrupted: says so. */
export async function beginningAnew<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw signal.aborted ? cliErrors.stopped({}, cause) : cause;
  }
}

/** What the system says of a failed call, in its short form. */
export function systemDetail(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
