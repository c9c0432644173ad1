/**
 * What the people of a simulation have asked for and been promised: messages that a node has taken, files that it has
 * begun to store. A promise is what was answered; what a crash left without an answer is asked again under the same
 * key until it is answered, as a program of theirs would do. At the end every promise must have been kept, once.
 */
import type { Address, CID } from "@holdfast/base";
import { HoldfastError } from "@holdfast/base";
import type { RunningNode } from "../../compose.ts";
import type { SendRequest } from "../../mempool/index.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

export interface SentMessage {
  readonly node: SimNode;
  readonly key: string;
  readonly from: Address;
  readonly to: Address;
  readonly method: string;
  readonly cid: CID;
  readonly nonce: number;
}

export interface StartedPut {
  readonly node: SimNode;
  readonly jobId: string;
  readonly cid: string;
  readonly bytes: Uint8Array;
  state: "running" | "done" | "failed";
}

/** Gas for any call of a client: then no dry run says beforehand that it will fail. */
export const plentyOfGas = 3_000_000;
/** Of an error's text. */
const detailLength = 160;
/** Tries to get one answer out of a node that crashes again and again. */
const attempts = 12;
const retryMs = 15_000;

export class Deeds {
  readonly #world: World;
  readonly sent: SentMessage[] = [];
  readonly puts: StartedPut[] = [];
  /** Errors that a client was told, by their code. */
  readonly refusals = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * What the node answers, asked again after each of its deaths; undefined if it refuses or never answers. The errors
   * of a full or failing disk are those of a node that may have done it.
   */
  async ask<Answer>(
    node: SimNode,
    what: string,
    question: (running: RunningNode) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const { clock, history } = this.#world;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const { running, life } = node;
      if (running !== undefined && life !== undefined) {
        try {
          const died = life.end.then(() => undefined);
          const answer = await Promise.race([question(running).then((value) => ({ value })), died]);
          if (answer !== undefined) return answer.value;
        } catch (error) {
          const code = error instanceof HoldfastError ? error.code : "bug";
          this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
          history.record(node.name, "refused", { what, code, detail: String(error).slice(0, detailLength) });
          if (code === "bug") history.violate("errors are named", node.name, `${what}: ${stackOf(error)}`);
          if (!isOfTheDisk(code)) return undefined;
        }
      }
      await clock.sleep(retryMs);
    }
    return undefined;
  }

  async send(
    node: SimNode,
    key: string,
    request: Omit<SendRequest, "key">,
  ): Promise<SentMessage | undefined> {
    const method = request.method ?? "";
    const answer = await this.ask(node, `send ${method}`, ({ sender }) => sender.send({ ...request, key }));
    if (answer === undefined) return undefined;
    const from = request.from ?? node.identity.account;
    const sent = { node, key, from, to: request.to, method, ...answer };
    this.sent.push(sent);
    this.#world.history.record(node.name, "sent", { key, method, nonce: sent.nonce });
    return sent;
  }

  /** What a node has promised in an earlier life, it knows in this one. */
  checkKept(node: SimNode): void {
    const { history } = this.#world;
    const { running } = node;
    if (running === undefined) return;
    for (const sent of this.sent) {
      if (sent.node !== node) continue;
      const kept = running.sender.sentAs(sent.key);
      if (kept?.nonce !== sent.nonce) {
        history.violate(
          "what was acknowledged is kept",
          node.name,
          `the message ${sent.key} (${sent.nonce}) is gone`,
        );
      }
    }
    const lost = this.puts.find((put) => put.node === node && !knowsPut(running, put.jobId));
    if (lost !== undefined) {
      history.violate("what was acknowledged is kept", node.name, `the put ${lost.jobId} is gone`);
    }
  }
}

function knowsPut(running: RunningNode, jobId: string): boolean {
  return running.puts().some((job) => job.jobId === jobId);
}

const isOfTheDisk = (code: string): boolean =>
  /^(disk|database|chain|storage)\//.test(code) || /full$/.test(code);

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
