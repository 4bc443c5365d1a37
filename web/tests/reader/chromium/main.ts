/** The worker without the page, and its engines, for `tests/browser/test_reader.py`. */

import type { FromWorker, ToWorker } from "../../../src/protocol";
import {
  type Engine,
  type Graphs,
  loadEngines,
  loadWasm,
  loadWebGpu,
  NAMES,
  withFallback,
} from "../../../src/reader/network/engines";

const worker = new Worker(new URL("../../../src/reader/worker.ts", import.meta.url), { type: "module" });
const pending: ((answer: FromWorker) => void)[] = [];
worker.onmessage = ({ data }: MessageEvent<FromWorker>) => pending.shift()?.(data);

function ask(message: ToWorker, transfer: Transferable[] = []): Promise<FromWorker> {
  worker.postMessage(message, transfer);
  return new Promise((resolve) => pending.push(resolve));
}

const load = (models: string) => ask({ kind: "load", models: new URL(models, location.href).href });

const forget = () => worker.postMessage({ kind: "forget" } satisfies ToWorker);

/** @param shift moves the image to the right by this many pixels. */
async function recognize(kind: "photo" | "frame", url: string, timeS = 0, shift = 0): Promise<FromWorker> {
  const whole = await createImageBitmap(await (await fetch(url)).blob());
  const image = await createImageBitmap(whole, -shift, 0, whole.width, whole.height);
  return ask(kind === "photo" ? { kind, image } : { kind, image, timeS }, [image]);
}

/** Run the graphics card and WebAssembly on the same candidates, before and after the card is lost. */
async function compareEngines(models: string) {
  const download = async (name: string) => new Uint8Array(await (await fetch(`${models}/${name}.onnx`)).arrayBuffer());
  const graphs = Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, await download(name)])),
  ) as Graphs;
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return null;
  const { engines: wasm } = await loadWasm(graphs);
  const { engines: webgpu, device } = await loadWebGpu(graphs, adapter);
  const guarded = withFallback(webgpu, wasm, device.lost);
  const pixels = Float32Array.from({ length: 2 * 3 * 24 * 24 }, (_, i) => (37 * i) % 256);
  const run = async (engine: Engine) => [...(await engine(pixels, [2, 3, 24, 24])).data];
  const found = { wasm: await run(wasm.rnet), webgpu: await run(guarded.rnet), lost: [] as number[], chosen: "" };
  device.destroy();
  found.lost = await run(guarded.rnet);
  found.chosen = (await loadEngines(graphs, await navigator.gpu.requestAdapter())).backend;
  return found;
}

Object.assign(window, { load, forget, recognize, compareEngines });
