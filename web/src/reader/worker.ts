/** The worker: pictures in, faces out, one after the other. */

import type { FromWorker, ToWorker } from "../protocol";
import { readCheckpoint } from "./checkpoint";
import { download } from "./download";
import { findAdapter, type Graphs, NAMES, startEngines } from "./engines";
import { ReaderError } from "./errors";
import { readPixels } from "./images";
import { EmotionRecognizer, type Reading } from "./recognizer";
import { FaceStream } from "./stream";

let recognizer: EmotionRecognizer | undefined;
let stream = new FaceStream();
/** Of the stream's frames, which have one size. */
const canvas = new OffscreenCanvas(1, 1);

/** Everything before is answered. */
let answered: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  const arrived = performance.now();
  answered = answered.then(() => answer(data, arrived)).then(say, (error) => say(failed(error)));
};

function say(answer: FromWorker | undefined): void {
  if (answer) self.postMessage(answer);
}

function failed(error: unknown): FromWorker {
  return { kind: "failed", why: error instanceof ReaderError ? error.why : "other", detail: String(error) };
}

async function answer(message: ToWorker, arrived: number): Promise<FromWorker | undefined> {
  switch (message.kind) {
    case "load":
      return load(message.models, arrived);
    case "forget":
      stream = new FaceStream();
      return;
    case "frame":
    case "photo":
      try {
        const { faces, ...timings } = await read(message);
        return {
          kind: "faces",
          of: message.kind,
          faces,
          timings: { ...timings, totalMs: performance.now() - arrived },
        };
      } finally {
        message.picture.close();
      }
  }
}

async function load(models: string, started: number): Promise<FromWorker> {
  const graphs = Object.fromEntries(
    await Promise.all(NAMES.map(async (name) => [name, await download(`${models.replace(/\/?$/, "/")}${name}.onnx`)])),
  ) as Graphs;
  const checkpoint = readCheckpoint(graphs.model);
  const { networks, backend, threads } = await startEngines(graphs, await findAdapter());
  const loaded = new EmotionRecognizer(checkpoint, networks);
  // The first picture of each network takes longer; and what the checkpoint says is tried out.
  await loaded.classify([{ data: new Uint8ClampedArray(4), width: 1, height: 1 }]);
  recognizer = loaded;
  return { kind: "loaded", labels: checkpoint.labels, backend, threads, loadMs: performance.now() - started };
}

async function read(message: Extract<ToWorker, { kind: "frame" | "photo" }>): Promise<Reading> {
  if (!recognizer) throw new ReaderError("other", "a picture came before the networks were loaded");
  if (message.kind === "photo") return recognizer.photo(readPixels(message.picture, new OffscreenCanvas(1, 1)));
  return recognizer.track(readPixels(message.picture, canvas), message.timeS, stream);
}
