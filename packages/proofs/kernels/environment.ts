/**
 * What the environment says of the choice of kernels: the best back end that may be used, a folder with a native
 * binary that is tried before those of this package, and features of the processor that are not to be used. For
 * comparing back ends, for tests, and for who must keep a processor's feature out of use.
 */
export type KernelBackend = "native" | "wasm" | "reference";
/** From the fastest to the one that is always there. */
export const kernelBackends: readonly KernelBackend[] = ["native", "wasm", "reference"];

/** Names the best back end that may be used. */
export const kernelsVariable = "HOLDFAST_KERNELS";
/** A folder with kernels.node and its note. */
export const folderVariable = "HOLDFAST_KERNELS_FOLDER";
/** Features of the processor, with commas between; "all" for every one. */
export const withoutVariable = "HOLDFAST_KERNELS_WITHOUT";

const variable = (name: string): string => process.env[name] ?? "";

export interface Asked {
  readonly best: KernelBackend;
  /** The variable names no back end. */
  readonly wrong: boolean;
  readonly complaint?: string;
}

/** The back end that the environment asks for. */
export function askedBackend(): Asked {
  const name = variable(kernelsVariable);
  const known = kernelBackends.find((backend) => backend === name);
  if (name === "" || known === "native") return { best: "native", wrong: false };
  if (known !== undefined) {
    return { best: known, wrong: false, complaint: `${kernelsVariable} allows no better one` };
  }
  const complaint = `${kernelsVariable} is "${name}", which is none of ${kernelBackends.join(", ")}`;
  return { best: "native", wrong: true, complaint };
}

/** Whether the environment names this back end and no other. */
export const isAskedFor = (backend: KernelBackend): boolean => variable(kernelsVariable) === backend;

/** The folder that the environment names, or undefined. */
export function askedFolder(): string | undefined {
  const folder = variable(folderVariable);
  return folder === "" ? undefined : folder;
}

/** Whether the environment keeps a feature of the processor out of use. */
export function isLeftOut(feature: string): boolean {
  const names = variable(withoutVariable)
    .split(",")
    .map((name) => name.trim());
  return names.includes("all") || names.includes(feature);
}
