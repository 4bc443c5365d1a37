/** What runs the networks: ONNX Runtime in WebAssembly, or on the graphics card where that is faster. */

import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type * as OnnxRuntime from "onnxruntime-web/wasm";
import { downloadPacked } from "./download";
import { ReaderError } from "./errors";

/** The files of a folder of models, without their ending. */
export const NAMES = ["pnet", "rnet", "onet", "model"] as const;

export type Name = (typeof NAMES)[number];
/** ONNX files. */
export type Graphs = Record<Name, Uint8Array>;
/** A network in inference; the input may be overwritten once the output is there. Both are row by row. */
export type Network = (input: Float32Array, dims: number[]) => Promise<{ data: Float32Array; dims: readonly number[] }>;
export type Networks = Record<Name, Network>;

export interface Engines {
  networks: Networks;
  backend: "webgpu" | "wasm";
  threads: number;
}

/** Name of a graph's input. */
const INPUT = "input";
/** More threads than this win nothing with networks this small. */
const MAX_THREADS = 4;

/**
 * The networks in WebAssembly, in several threads where the page is cross-origin isolated.
 *
 * @throws ReaderError WebAssembly has no SIMD here, the runtime cannot be fetched, or a graph cannot be read.
 */
export async function startWasm(graphs: Graphs): Promise<Engines> {
  if (!hasSimd()) throw new ReaderError("no-simd", "WebAssembly has no SIMD in this browser");
  const runtime = await import("onnxruntime-web/wasm");
  const threads = globalThis.crossOriginIsolated ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1;
  runtime.env.wasm.numThreads = threads;
  if (import.meta.env.PROD) runtime.env.wasm.wasmBinary = await downloadPacked(wasmUrl);
  return { networks: await createNetworks(runtime, graphs, "wasm"), backend: "wasm", threads };
}

async function createNetworks(
  runtime: typeof OnnxRuntime,
  graphs: Graphs,
  provider: "webgpu" | "wasm",
): Promise<Networks> {
  const networks: Partial<Networks> = {};
  for (const name of NAMES) networks[name] = await createNetwork(runtime, name, graphs[name], provider);
  return networks as Networks;
}

async function createNetwork(
  runtime: typeof OnnxRuntime,
  name: Name,
  graph: Uint8Array,
  provider: string,
): Promise<Network> {
  let session: OnnxRuntime.InferenceSession;
  try {
    session = await runtime.InferenceSession.create(graph, { executionProviders: [provider], logSeverityLevel: 3 });
  } catch (error) {
    // What it says where the WebAssembly itself is missing.
    if (String(error).includes("no available backend")) throw new ReaderError("no-download", String(error), error);
    throw new ReaderError("bad-checkpoint", `${name}.onnx: damaged or no ONNX file (${error})`, error);
  }
  return async (input, dims) => {
    const output = await session.run({ [INPUT]: new runtime.Tensor("float32", input, dims) });
    const { data, dims: sizes } = output[session.outputNames[0]];
    return { data: data as Float32Array, dims: sizes };
  };
}

/** Whether WebAssembly can hold the smallest function with a vector in it. */
function hasSimd(): boolean {
  const magic = [0, 97, 115, 109, 1, 0, 0, 0];
  const type = [1, 5, 1, 96, 0, 1, 123]; // () → v128
  const code = [3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]; // i8x16.popcnt(i8x16.splat(0))
  return WebAssembly.validate(new Uint8Array([...magic, ...type, ...code]));
}
