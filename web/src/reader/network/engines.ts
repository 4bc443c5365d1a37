/** Engines, which run the networks in ONNX Runtime: in WebAssembly, or on the graphics card if that is faster. */

import webGpuUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type * as OnnxRuntime from "onnxruntime-web/wasm";
import { downloadPacked } from "../checkpoint/download";
import { MiniXceptionError } from "../errors";

/** The files in a folder of models, without the extension. */
export const NAMES = ["pnet", "rnet", "onet", "model"] as const;

export type Name = (typeof NAMES)[number];
/** Name → the contents of the ONNX file. */
export type Graphs = Record<Name, Uint8Array>;
/**
 * A network ready for inference. It takes an array and its dimensions, and returns an array and its dimensions, both in
 * row-major order. The input may be overwritten once the output has arrived. Graphs with evidence return it too.
 */
export type Engine = (input: Float32Array, dims: number[]) => Promise<Output & { evidence?: Output }>;

interface Output {
  data: Float32Array;
  dims: readonly number[];
}

export type Engines = Record<Name, Engine>;

/** The engines, and the backend that runs them. */
export interface Loaded {
  engines: Engines;
  backend: "webgpu" | "wasm";
  threads: number;
}

interface WebGpu {
  engines: Engines;
  device: GPUDevice;
}

/** Name of a graph's input. */
const INPUT = "input";
/** Name of the second output of `model.onnx`. */
const EVIDENCE = "evidence";
/** Maximum number of WebAssembly threads. More are no faster for networks this small, and the page needs a core. */
const MAX_THREADS = 4;
/** Inputs of the speed trial: the first pyramid level of a 640×480 image, and the candidates of about two faces. */
const TRIALS: [Name, number[]][] = [
  ["pnet", [1, 3, 145, 193]],
  ["rnet", [20, 3, 24, 24]],
  ["onet", [4, 3, 48, 48]],
];
/** Timed runs of the trial, after one warm-up run. The fastest run counts. */
const REPEATS = 3;
/** A graphics card whose trial takes longer than this is not used, because the visitor is waiting. */
const MAX_TRIAL_MS = 1000;

/** Return the graphics card, or null. Software adapters are ignored, because they are slower than WebAssembly. */
export async function findAdapter(): Promise<GPUAdapter | null> {
  try {
    const adapter = (await navigator.gpu?.requestAdapter()) ?? null;
    return adapter?.info.isFallbackAdapter ? null : adapter;
  } catch {
    return null; // Some browsers support WebGPU only in part.
  }
}

/**
 * Load the networks on the faster backend: the graphics card, if one is found, or WebAssembly.
 *
 * @throws MiniXceptionError as for {@link loadWasm}.
 */
export async function loadEngines(graphs: Graphs, adapter: GPUAdapter | null): Promise<Loaded> {
  const wasm = await loadWasm(graphs);
  if (!adapter) return wasm;
  const timeout = new Promise<null>((resolve) => setTimeout(resolve, MAX_TRIAL_MS, null));
  const trial = tryWebGpu(graphs, adapter).catch(() => null); // Some drivers cannot run the networks.
  const webgpu = await Promise.race([trial, timeout]);
  if (webgpu && webgpu.ms < (await trialMs(wasm.engines))) {
    return { engines: withFallback(webgpu.engines, wasm.engines, webgpu.device.lost), backend: "webgpu", threads: 1 };
  }
  void trial.then((late) => late?.device.destroy()); // Also if it ends after the timeout.
  return wasm;
}

/**
 * Load the networks in WebAssembly, with several threads if the page is cross-origin isolated.
 *
 * @throws MiniXceptionError WebAssembly has no SIMD, the runtime cannot be downloaded, or a graph cannot be read.
 */
export async function loadWasm(graphs: Graphs): Promise<Loaded> {
  if (!hasSimd()) throw new MiniXceptionError("no-simd", "WebAssembly: no SIMD in this browser; update the browser");
  const runtime = await import("onnxruntime-web/wasm");
  const cores = globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  const threads = Math.max(Math.min(Math.floor(cores / 2), MAX_THREADS), 1);
  runtime.env.wasm.numThreads = threads;
  if (import.meta.env.PROD) runtime.env.wasm.wasmBinary = await downloadPacked(wasmUrl);
  return { engines: await createEngines(runtime, graphs, "wasm"), backend: "wasm", threads };
}

async function tryWebGpu(graphs: Graphs, adapter: GPUAdapter): Promise<WebGpu & { ms: number }> {
  const webgpu = await loadWebGpu(graphs, adapter);
  return { ...webgpu, ms: await trialMs(webgpu.engines) };
}

/** Load the networks on a graphics card. */
export async function loadWebGpu(graphs: Graphs, adapter: GPUAdapter): Promise<WebGpu> {
  const [runtime, device] = await Promise.all([import("onnxruntime-web/webgpu"), adapter.requestDevice()]);
  runtime.env.wasm.numThreads = 1;
  if (import.meta.env.PROD) runtime.env.wasm.wasmBinary = await downloadPacked(webGpuUrl);
  return { engines: await createEngines(runtime, graphs, { name: "webgpu", device }), device };
}

/** Return engines that switch to the fallback when they fail or when their device is lost. */
export function withFallback(engines: Engines, fallback: Engines, lost: Promise<GPUDeviceLostInfo>): Engines {
  const failed = lost.then(({ message }) => Promise.reject(new Error(message)));
  failed.catch(() => {}); // Between two images nothing awaits this promise.
  const guarded = NAMES.map((name): [Name, Engine] => {
    let current = engines[name];
    const engine: Engine = async (input, dims) => {
      if (current === fallback[name]) return current(input, dims);
      try {
        return await Promise.race([current(input, dims), failed]);
      } catch {
        current = fallback[name];
        return current(input, dims);
      }
    };
    return [name, engine];
  });
  return Object.fromEntries(guarded) as Engines;
}

async function trialMs(engines: Engines): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= REPEATS; i++) {
    const started = performance.now();
    for (const [name, dims] of TRIALS) await engines[name](new Float32Array(dims.reduce((a, b) => a * b)), dims);
    times.push(performance.now() - started);
  }
  return Math.min(...times.slice(1));
}

async function createEngines(
  runtime: typeof OnnxRuntime,
  graphs: Graphs,
  provider: OnnxRuntime.InferenceSession.ExecutionProviderConfig,
): Promise<Engines> {
  const engines: Partial<Engines> = {};
  for (const name of NAMES) engines[name] = await createEngine(runtime, name, graphs[name], provider);
  return engines as Engines;
}

async function createEngine(
  runtime: typeof OnnxRuntime,
  name: Name,
  graph: Uint8Array,
  provider: OnnxRuntime.InferenceSession.ExecutionProviderConfig,
): Promise<Engine> {
  let session: OnnxRuntime.InferenceSession;
  try {
    session = await runtime.InferenceSession.create(graph, { executionProviders: [provider], logSeverityLevel: 3 });
  } catch (error) {
    // ONNX Runtime reports this if the WebAssembly file itself is missing.
    if (String(error).includes("no available backend")) {
      throw new MiniXceptionError(
        "no-download",
        `ONNX Runtime: cannot be downloaded (${error}); reload the page`,
        error,
      );
    }
    const message = `${name}.onnx: damaged, or not an ONNX file (${error}); export it again`;
    throw new MiniXceptionError("bad-checkpoint", message, error);
  }
  return async (input, dims) => {
    const output = await session.run({ [INPUT]: new runtime.Tensor("float32", input, dims) });
    const first = asOutput(output[session.outputNames[0]]);
    return EVIDENCE in output ? { ...first, evidence: asOutput(output[EVIDENCE]) } : first;
  };
}

function asOutput({ data, dims }: OnnxRuntime.Tensor): Output {
  return { data: data as Float32Array, dims };
}

/** Return whether WebAssembly accepts the smallest function that uses a vector. */
function hasSimd(): boolean {
  const magic = [0, 97, 115, 109, 1, 0, 0, 0];
  const type = [1, 5, 1, 96, 0, 1, 123]; // () → v128
  const code = [3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]; // i8x16.popcnt(i8x16.splat(0))
  return WebAssembly.validate(new Uint8Array([...magic, ...type, ...code]));
}
