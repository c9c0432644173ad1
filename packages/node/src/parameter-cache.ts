/** Introduces the parameter folder to the locks of repos, which heal after a crash, and to threads. */
import { homedir } from "node:os";
import { join } from "node:path";
import { inOwnThread } from "./own-thread.ts";
import {
  type FetchedFile,
  type FetchRequest,
  fetchParameters,
  openCache,
  type ParameterCache,
  type ParameterHooks,
  type ParametersNeeds,
} from "./parameters/index.ts";
import { lockRepo } from "./repo/index.ts";

export {
  chosenSets,
  kuboAdder,
  nodeSource,
  publishParameters,
  readManifest,
  sourceOf,
} from "./parameters/index.ts";

const needs: ParametersNeeds = { lock: lockRepo, runThread: inOwnThread };

/** The parameter cache in a folder, which is made when something is made for it. */
export function openParameterCache({ folder }: { readonly folder: string }): ParameterCache {
  return openCache(folder, needs);
}

/** Fetches every file of a list; see `fetchParameters` of the room. */
export function fetchFiles(request: FetchRequest, hooks: ParameterHooks): AsyncIterable<FetchedFile> {
  return fetchParameters(request, needs.lock, hooks);
}

/** Where parameters lie unless somebody says otherwise: HOLDFAST_PARAMS, or `~/.holdfast/params`. */
export function defaultParameterFolder(env: { readonly [name: string]: string | undefined }): string {
  const { HOLDFAST_PARAMS: named = "", HOME } = env;
  return named === "" ? join(HOME ?? homedir(), ".holdfast", "params") : named;
}
