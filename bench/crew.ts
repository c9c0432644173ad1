/** All cores for what is measured: a crew, and the kernels that use it, for as long as they are wanted. */
import {
  installAllocator,
  installCurveKernel,
  installLayerKernel,
  installTreeKernel,
  treeKernel,
} from "@holdfast/proofs";
import {
  allocateShared,
  type Crew,
  createCrew,
  crewCurve,
  crewLayers,
  crewTree,
  loadKernels,
  type SliceKind,
  type ThreadKernels,
} from "@holdfast/proofs/kernels";

export interface BenchCrew extends AsyncDisposable {
  readonly crew: Crew;
  /** Of the thread itself. */
  readonly kernels: ThreadKernels;
  /** Those that use the crew. */
  readonly shared: ThreadKernels;
  /** Installs them; gives what puts the thread's own back. */
  install(): () => void;
}

/** Does nothing but keep every thread for a moment, so that helpers are there before anything is measured. */
export const gather: SliceKind<{ readonly arrived: Int32Array; readonly threads: number }> = {
  module: import.meta.url,
  name: "gather",
  make:
    (_kernels, { arrived, threads }) =>
    () => {
      Atomics.add(arrived, 0, 1);
      Atomics.notify(arrived, 0);
      for (let here = Atomics.load(arrived, 0); here < threads; here = Atomics.load(arrived, 0)) {
        if (Atomics.wait(arrived, 0, here, 10_000) === "timed-out") return;
      }
    },
};

/** So many threads with the caller's. Its helpers have started when it returns. */
export async function benchCrew(threads: number): Promise<BenchCrew> {
  const { backend, curve, layers } = await loadKernels();
  const kernels: ThreadKernels = { tree: treeKernel, curve, layers };
  const setup = new URL("../packages/node/src/crew-hashing.ts", import.meta.url).href;
  const crew = createCrew({ backend, kernels, threads, setup });
  if (threads > 1) crew.run(gather, { arrived: new Int32Array(new SharedArrayBuffer(4)), threads }, threads);
  const tree = { ...kernels.tree, ...crewTree(crew, kernels) };
  const shared = {
    ...kernels,
    tree,
    curve: crewCurve(crew, kernels),
    layers: { ...layers, ...crewLayers(crew, kernels) },
  };
  return {
    crew,
    kernels,
    shared,
    install: () => {
      const undo = [
        installTreeKernel(shared.tree),
        installCurveKernel(shared.curve),
        installLayerKernel(shared.layers),
        installAllocator(allocateShared),
      ];
      return () => {
        for (const one of undo.reverse()) one();
      };
    },
    [Symbol.asyncDispose]: () => crew[Symbol.asyncDispose](),
  };
}
