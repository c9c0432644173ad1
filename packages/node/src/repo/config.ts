/**
 * A node's configuration: one schema gives the TOML file, its checks and the words above every key.
 * What is part of the network (round time, sector sizes, periods) is not here: it is in the genesis.
 */
import { parse, stringify } from "smol-toml";
import { z } from "zod";
import { limits } from "../limits.ts";
import { syntaxProblem, valueProblems } from "./config-problems.ts";
import { repoErrors } from "./errors.ts";
import { ledgerSection, pinsSection } from "./pin-config.ts";

const parallelOf = (what: string) =>
  z.int().min(0).max(64).default(0).describe(`${what} of one process at a time; 0: as many as fit`);

export const configSchema = z
  .object({
    name: z.string().min(1).max(64).default("holdfast").describe("name of this node in logs and status"),
    api: z
      .object({
        listen: z
          .string()
          .regex(/^(127\.0\.0\.1|\[::1\]):\d{1,5}$/, "a loopback address such as 127.0.0.1:3453")
          .default("127.0.0.1:3453")
          .describe("loopback address of the API; port 0 takes any free one"),
      })
      .strict()
      .prefault({}),
    net: z
      .object({
        listen: z
          .array(z.string().max(256))
          .max(16)
          .default(["/ip4/0.0.0.0/tcp/6000"])
          .describe("multiaddrs on which peers can dial this node"),
        bootstrap: z
          .array(z.string().max(512))
          .max(64)
          .default([])
          .describe("multiaddrs of peers to keep a connection to"),
        announce: z
          .array(z.string().max(256))
          .max(16)
          .default([])
          .describe("multiaddrs to tell others where they reach this node; empty: those it listens on"),
        mdns: z
          .union([z.boolean(), z.literal("auto")])
          .default("auto")
          .describe("find peers on the local network; auto: if this machine has private addresses only"),
        kad: z.boolean().default(false).describe("take part in the distributed peer table"),
      })
      .strict()
      .prefault({}),
    mining: z
      .object({
        miner: z
          .string()
          .max(64)
          .default("")
          .describe("address of the miner actor that this node runs; empty: none"),
        sectorBytes: z
          .int()
          .min(1024)
          .default(262_144)
          .describe("padded size of new sectors; the network must allow it"),
        pricePerGiBPerDay: z
          .string()
          .max(64)
          .default("0.01FIL")
          .describe("ask that is kept published; empty: none"),
        dealHook: z
          .string()
          .max(1_024)
          .default("")
          .describe('program that judges each deal: gets JSON, prints {"accept": true}; empty: none'),
        maxStagedMs: z
          .int()
          .min(0)
          .default(5_000)
          .describe("how long more deals may join one in a sector that is not full, but filled enough"),
        minFillPercent: z
          .int()
          .min(0)
          .max(100)
          .default(0)
          .describe(
            "of a sector, at least, before it is sealed; with less in it, it waits for deals as long as those in it " +
              "allow, so that a small one takes no sector alone; 0: it does not wait for that",
          ),
        keepUnsealed: z
          .boolean()
          .default(true)
          .describe("keep an unsealed copy, so that reading back is quick"),
        trees: z
          .enum(["kept", "rebuilt"])
          .default("kept")
          .describe(
            "trees of replicas: kept, or hashed anew for each proof of spacetime, for half the disk; refused where that " +
              "would be too slow",
          ),
        unsealedCacheBytes: z
          .int()
          .min(0)
          .default(16 * 2 ** 30)
          .describe("without unsealed copies: space for those that are made when somebody reads"),
        otherSectorBytes: z
          .array(z.int().min(1024))
          .max(16)
          .default([])
          .describe(
            "further sizes of new sectors, side by side: each piece goes into the smallest that takes it",
          ),
        blob: z
          .string()
          .max(1024)
          .default("")
          .describe(
            "bucket where sectors are sealed and kept, as s3://BUCKET/PREFIX?endpoint=URL; empty: this disk",
          ),
        maxStorageBytes: z.int().min(0).default(0).describe("space for sectors; 0: what the disk has"),
        sealingThreads: z
          .int()
          .min(1)
          .max(64)
          .default(1)
          .describe("sectors that are sealed at the same time, each by a worker thread"),
        workerProcesses: z
          .union([z.int().min(0).max(64), z.literal("auto")])
          .default("auto")
          .describe(
            "processes of their own that seal, prove and unseal, at most; 0: threads of the node; auto: as many as " +
              "sealingThreads for sectors of 8 MiB and more",
          ),
        parallelSeals: parallelOf("seals"),
        parallelSealProofs: parallelOf("seal proofs"),
        parallelReads: parallelOf("reads that unseal"),
        parallelChores: z
          .int()
          .min(1)
          .max(64)
          .default(1)
          .describe("sectors that are moved, repaired or checked, and deletions, at the same time"),
        scrubMs: z
          .int()
          .min(0)
          .default(30 * 86_400_000)
          .describe(
            "every stored sector and idle file is read and checked once in this time; 0: only if somebody asks",
          ),
        urgentThreads: z
          .int()
          .min(1)
          .max(16)
          .default(1)
          .describe("threads for proofs of spacetime, reads and rehearsals, which no seal can take"),
        database: z
          .string()
          .max(1024)
          .default("")
          .describe(
            "where the records of sectors and jobs are: postgres://USER:PASSWORD@HOST:5432/DATABASE?schema=NAME, which " +
              "workers of other machines reach too; empty: files of this folder",
          ),
        jobMemoryBytes: z
          .int()
          .min(0)
          .default(0)
          .describe("memory that all jobs of a process may take; 0: three quarters of the machine's"),
        computeThreads: z
          .int()
          .min(0)
          .max(limits.computeThreads)
          .default(0)
          .describe("threads that all of these work with at the same time; 0: as many as the processor has"),
      })
      .strict()
      .prefault({}),
    chain: z
      .object({
        checkpoint: z
          .string()
          .max(8192)
          .default("")
          .describe("tipset that the chain must contain, as CID[,CID…]@HEIGHT; empty: none"),
        stateSync: z
          .boolean()
          .default(true)
          .describe(
            "an empty repo with a checkpoint begins there with a state from peers, not at the genesis",
          ),
        pruneEpochs: z
          .int()
          .min(0)
          .default(0)
          .describe("epochs whose states, messages and receipts are kept; 0: all, as an archive node does"),
        quotaBytes: z
          .int()
          .min(0)
          .default(0)
          .describe(
            "space for the chain; what is not needed to follow it goes when it takes more; 0: no limit",
          ),
      })
      .strict()
      .prefault({}),
    files: z
      .object({
        quotaBytes: z
          .int()
          .min(0)
          .default(64 * 2 ** 30)
          .describe("space for the blocks of files that were imported or fetched"),
      })
      .strict()
      .prefault({}),
    gateway: z
      .object({
        listen: z
          .string()
          .max(256)
          .regex(
            /^$|^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}$/i,
            "an address such as 127.0.0.1:3480, or nothing",
          )
          .default("127.0.0.1:3480")
          .describe(
            "address of the HTTP gateway, which needs no token; port 0 takes any free one; empty: none",
          ),
        publicUrl: z
          .string()
          .max(512)
          .regex(
            /^$|^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/i,
            "a URL such as https://files.example.org, or nothing",
          )
          .default("")
          .describe(
            "under which miners reach the gateway to fetch the data of deals; empty: under its address",
          ),
        plain: z
          .union([z.boolean(), z.literal("auto")])
          .default("auto")
          .describe(
            "give files and pages too, not only blocks and CAR streams that can be checked; auto: on loopback only",
          ),
        fetch: z
          .union([z.boolean(), z.literal("auto")])
          .default("auto")
          .describe("fetch what is not here for whoever asks the gateway; auto: on loopback only"),
      })
      .strict()
      .prefault({}),
    pins: pinsSection,
    ledger: ledgerSection,
    faucet: z
      .object({
        serve: z
          .boolean()
          .default(false)
          .describe("give test money to whoever asks; only where the network's genesis allows it"),
        account: z
          .string()
          .max(64)
          .default("")
          .describe("own address that the faucet pays from; empty: the default address"),
      })
      .strict()
      .prefault({}),
    verifier: z
      .object({
        serve: z
          .boolean()
          .default(false)
          .describe("verify idle space of miners; counts where the network has admitted the account"),
        account: z
          .string()
          .max(64)
          .default("")
          .describe("own address that is the verifier's operator; empty: the default address"),
      })
      .strict()
      .prefault({}),
    log: z
      .object({
        level: z
          .enum(["debug", "info", "warn", "error", "silent"])
          .default("info")
          .describe("least severity that is logged"),
      })
      .strict()
      .prefault({}),
  })
  .strict();

export type NodeConfig = z.output<typeof configSchema>;

export const defaultConfig = (): NodeConfig => configSchema.parse({});

/** Errors: `repo/bad-config` naming every bad key. */
export function readConfig(text: string, path: string): NodeConfig {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (cause) {
    throw repoErrors.badConfig({ path, problems: syntaxProblem(cause) }, cause);
  }
  const result = configSchema.safeParse(raw);
  if (!result.success) {
    throw repoErrors.badConfig({ path, problems: valueProblems(result.error.issues, raw) });
  }
  return result.data;
}

/** The file as a person edits it: every key with its meaning above it. */
export function writeConfig(config: NodeConfig): string {
  const lines = ["# Configuration of a Holdfast node.", ""];
  const { shape } = configSchema;
  lines.push(`# ${shape.name.description}`, stringify({ name: config.name }).trim(), "");
  for (const section of [
    "api",
    "net",
    "chain",
    "mining",
    "files",
    "gateway",
    "pins",
    "ledger",
    "faucet",
    "verifier",
    "log",
  ] as const) {
    lines.push(`[${section}]`);
    const keys = shape[section].unwrap().shape as { readonly [key: string]: z.ZodType };
    for (const [key, value] of Object.entries(config[section])) {
      lines.push(`# ${keys[key]?.description ?? ""}`, stringify({ [key]: value }).trim());
    }
    lines.push("");
  }
  return lines.join("\n");
}
