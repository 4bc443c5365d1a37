/** Messages between the page and its worker. The page sends images, and the worker returns faces. */

import type { Failure } from "./reader/errors";
import type { Face } from "./reader/faces";
import type { Framing } from "./reader/network/preprocess";

export interface Timings {
  detectMs: number;
  classifyMs: number;
  /** From the image's arrival in the worker to the answer. */
  totalMs: number;
}

export type ToWorker =
  /** The first message: the URL of the folder with the four models. */
  | { kind: "load"; models: string }
  /** The next frame of a stream and its time in seconds on any monotonic clock. The image is transferred and closed. */
  | { kind: "frame"; image: ImageBitmap; timeS: number }
  /** A single image; it is transferred and closed. */
  | { kind: "photo"; image: ImageBitmap }
  /** The next frame starts a new stream. */
  | { kind: "forget" };

export type FromWorker =
  | { kind: "loaded"; labels: string[]; framing: Framing; backend: "webgpu" | "wasm"; threads: number; loadMs: number }
  | { kind: "faces"; of: "frame" | "photo"; faces: Face[]; timings: Timings }
  /** `detail` is for the console. */
  | { kind: "failed"; failure: Failure; detail: string };
