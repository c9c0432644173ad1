/** Models as they are after a node has answered everything. */
import { firstModel, type Model, type Parts } from "@holdfast/dashboard/page";
import * as answers from "./answers.ts";
import { jobs } from "./job-answers.ts";
import { policy, volumes } from "./storage-answers.ts";

export const head = 1234;

const known = <Value>(value: Value) => ({ value, failure: undefined });

export function clientModel(more: Partial<Model> = {}): Model {
  const parts: Parts = {
    ...firstModel(true).parts,
    tipsets: known(answers.tipsets(head, [1230, 1229])),
    money: known(answers.money),
    puts: known([answers.put(), answers.failedPut]),
    files: known(answers.files),
    deals: known([...answers.deals]),
    peers: known(answers.peers),
    network: known(answers.network),
    bans: known(answers.bans),
  };
  return { ...firstModel(true), status: answers.status(head), parts, ...more };
}

export function minerModel(more: Partial<Model> = {}): Model {
  const model = clientModel();
  return {
    ...model,
    status: answers.status(head, { name: "miner-1", roles: ["miner", "client"] }),
    parts: {
      ...model.parts,
      mine: known(answers.mineStatus),
      sectors: known(answers.sectors),
      jobs: known(jobs),
      volumes: known(volumes),
      policy: known(policy),
    },
    ...more,
  };
}
