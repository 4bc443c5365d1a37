/** The worker, which takes images and returns faces, one image at a time. */

import type { FromWorker, ToWorker } from "../protocol";
import { download } from "./checkpoint/download";
import { readCheckpoint } from "./checkpoint/folder";
import { MiniXceptionError } from "./errors";
import { loadImage } from "./media/image";
import { findAdapter, type Graphs, loadEngines, NAMES } from "./network/engines";
import { EmotionRecognizer, type TimedFaces } from "./recognizer";
import { StreamMemory } from "./tracking/memory";

let recognizer: EmotionRecognizer | undefined;
let memory = new StreamMemory();
/** The canvas for a stream's frames, which all have the same size. */
const canvas = new OffscreenCanvas(1, 1);

/** Resolves when all earlier messages are answered. */
let answered: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  const arrived = performance.now();
  answered = answered.then(() => answer(data, arrived)).then(send, (error) => send(failed(error)));
};

function send(answer: FromWorker | undefined): void {
  if (answer) self.postMessage(answer);
}

function failed(error: unknown): FromWorker {
  const failure = error instanceof MiniXceptionError ? error.failure : "other";
  return { kind: "failed", failure, detail: String(error) };
}

async function answer(message: ToWorker, arrived: number): Promise<FromWorker | undefined> {
  switch (message.kind) {
    case "load":
      return load(message.models, arrived);
    case "forget":
      memory = new StreamMemory();
      return;
    case "frame":
    case "photo":
      try {
        const { faces, ...timings } = await recognize(message);
        return {
          kind: "faces",
          of: message.kind,
          faces,
          timings: { ...timings, totalMs: performance.now() - arrived },
        };
      } finally {
        message.image.close();
      }
  }
}

async function load(models: string, started: number): Promise<FromWorker> {
  const graphs = Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, await download(`${models.replace(/\/?$/, "/")}${name}.onnx`)])),
  ) as Graphs;
  const checkpoint = readCheckpoint(graphs.model);
  const { engines, backend, threads } = await loadEngines(graphs, await findAdapter());
  const loaded = new EmotionRecognizer(checkpoint, engines);
  // The first forward pass is slow. It also shows whether the network fits the labels.
  await loaded.classify([{ data: new Uint8ClampedArray(4), width: 1, height: 1 }]);
  recognizer = loaded;
  const { labels, framing } = checkpoint;
  return { kind: "loaded", labels, framing, backend, threads, loadMs: performance.now() - started };
}

async function recognize(message: Extract<ToWorker, { kind: "frame" | "photo" }>): Promise<TimedFaces> {
  if (!recognizer) throw new MiniXceptionError("other", "the models are not loaded; send a load message first");
  if (message.kind === "photo") return recognizer.recognize(loadImage(message.image, new OffscreenCanvas(1, 1)));
  return recognizer.track(loadImage(message.image, canvas), message.timeS, memory);
}
