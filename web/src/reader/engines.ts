/** What runs the networks: ONNX Runtime in WebAssembly, or on the graphics card where that is faster. */

import webGpuUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
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
/** Of WebAssembly; more win nothing with networks this small, and the page's own thread needs a core, too. */
const MAX_THREADS = 4;
/** What the detector's networks are tried with: the pyramid's first level at 640×480, and candidates as of two faces. */
const TRIALS: [Name, number[]][] = [
  ["pnet", [1, 3, 145, 193]],
  ["rnet", [20, 3, 24, 24]],
  ["onet", [4, 3, 48, 48]],
];
/** Trials of which the fastest counts, after one that prepares. */
const REPEATS = 3;
/** A graphics card that is not ready and tried by then is left alone: the visitor waits. */
const MAX_TRIAL_MS = 1000;

/** A graphics card, if there is one; what only imitates one is slower than WebAssembly. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  try {
    const adapter = (await navigator.gpu?.requestAdapter()) ?? null;
    return adapter?.info.isFallbackAdapter ? null : adapter;
  } catch {
    return null; // Browsers whose WebGPU is half there do well without it.
  }
}

/**
 * The networks where they are faster: on the graphics card, if one is given, or in WebAssembly.
 *
 * @throws ReaderError as {@link startWasm}.
 */
export async function startEngines(graphs: Graphs, adapter: GPUAdapter | null): Promise<Engines> {
  const wasm = await startWasm(graphs);
  if (!adapter) return wasm;
  const late = new Promise<Engines>((resolve) => setTimeout(resolve, MAX_TRIAL_MS, wasm));
  const trial = tryWebGpu(graphs, adapter, wasm).catch(() => wasm); // There are drivers that cannot run them.
  return Promise.race([trial, late]);
}

/**
 * The networks in WebAssembly, in several threads where the page is cross-origin isolated.
 *
 * @throws ReaderError WebAssembly has no SIMD here, the runtime cannot be fetched, or a graph cannot be read.
 */
export async function startWasm(graphs: Graphs): Promise<Engines> {
  if (!hasSimd()) throw new ReaderError("no-simd", "WebAssembly has no SIMD in this browser");
  const runtime = await import("onnxruntime-web/wasm");
  const cores = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  const threads = Math.max(Math.min(Math.floor(cores / 2), MAX_THREADS), 1);
  runtime.env.wasm.numThreads = threads;
  if (import.meta.env.PROD) runtime.env.wasm.wasmBinary = await downloadPacked(wasmUrl);
  return { networks: await createNetworks(runtime, graphs, "wasm"), backend: "wasm", threads };
}

async function tryWebGpu(graphs: Graphs, adapter: GPUAdapter, wasm: Engines): Promise<Engines> {
  const { networks, device } = await startWebGpu(graphs, adapter);
  if ((await trialMs(networks)) < (await trialMs(wasm.networks))) {
    return { networks: withReserve(networks, wasm.networks, device.lost), backend: "webgpu", threads: 1 };
  }
  device.destroy();
  return wasm;
}

/** The networks on a graphics card. */
export async function startWebGpu(
  graphs: Graphs,
  adapter: GPUAdapter,
): Promise<{ networks: Networks; device: GPUDevice }> {
  const [runtime, device] = await Promise.all([import("onnxruntime-web/webgpu"), adapter.requestDevice()]);
  runtime.env.wasm.numThreads = 1;
  if (import.meta.env.PROD) runtime.env.wasm.wasmBinary = await downloadPacked(webGpuUrl);
  return { networks: await createNetworks(runtime, graphs, { name: "webgpu", device }), device };
}

/** The networks, each until it fails or its device is lost; from then on those in reserve. */
export function withReserve(networks: Networks, reserve: Networks, lost: Promise<GPUDeviceLostInfo>): Networks {
  const failed = lost.then(({ message }) => Promise.reject(new Error(message)));
  failed.catch(() => {}); // Between two pictures nobody waits for it.
  const guarded = NAMES.map((name): [Name, Network] => {
    let current = networks[name];
    const network: Network = async (input, dims) => {
      if (current === reserve[name]) return current(input, dims);
      try {
        return await Promise.race([current(input, dims), failed]);
      } catch {
        current = reserve[name];
        return current(input, dims);
      }
    };
    return [name, network];
  });
  return Object.fromEntries(guarded) as Networks;
}

async function trialMs(networks: Networks): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= REPEATS; i++) {
    const started = performance.now();
    for (const [name, dims] of TRIALS) await networks[name](new Float32Array(dims.reduce((a, b) => a * b)), dims);
    times.push(performance.now() - started);
  }
  return Math.min(...times.slice(1));
}

async function createNetworks(
  runtime: typeof OnnxRuntime,
  graphs: Graphs,
  provider: OnnxRuntime.InferenceSession.ExecutionProviderConfig,
): Promise<Networks> {
  const networks: Partial<Networks> = {};
  for (const name of NAMES) networks[name] = await createNetwork(runtime, name, graphs[name], provider);
  return networks as Networks;
}

async function createNetwork(
  runtime: typeof OnnxRuntime,
  name: Name,
  graph: Uint8Array,
  provider: OnnxRuntime.InferenceSession.ExecutionProviderConfig,
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
