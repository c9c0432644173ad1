/**
 * The part of the platform's WebAssembly that the loader uses, as types: TypeScript declares that API only
 * together with a browser's globals.
 */

export interface WasmModule {
  readonly wasmModule: unique symbol;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

interface WasmApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
}

export const wasmApi: WasmApi = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
