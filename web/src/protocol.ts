/** What the page and its worker say to each other. Pixels go one way and faces come back. */

/** A face in a picture, as Python's `TrackedFace`; of a photo, `id` counts from 1 on. */
export interface Face {
  id: number;
  /** x1, y1, x2, y2 in the picture's whole pixels, exclusive at the far side. */
  box: [number, number, number, number];
  /** The detector's confidence in [0, 1]. */
  score: number;
  /** In the order of the labels; they sum to 1. */
  probabilities: number[];
}

export interface Timings {
  detectMs: number;
  classifyMs: number;
  /** From the picture's arrival in the worker to the answer. */
  totalMs: number;
}

export type ToWorker =
  /** First of all: the address of the folder with the four networks. */
  | { kind: "load"; models: string }
  /** The next frame of a stream, taken at a time in seconds on any clock that runs on. Transferred, closed there. */
  | { kind: "frame"; picture: ImageBitmap; timeS: number }
  /** A picture by itself. */
  | { kind: "photo"; picture: ImageBitmap }
  /** The next frame begins another stream. */
  | { kind: "forget" };

/** Why nothing can be read; the page has a sentence for each. */
export type Failure = "no-simd" | "no-download" | "bad-checkpoint" | "lost-device" | "bad-picture" | "other";

export type FromWorker =
  | { kind: "loaded"; labels: string[]; backend: "webgpu" | "wasm"; threads: number; loadMs: number }
  | { kind: "faces"; of: "frame" | "photo"; faces: Face[]; timings: Timings }
  /** `detail` is for the console. */
  | { kind: "failed"; why: Failure; detail: string };
