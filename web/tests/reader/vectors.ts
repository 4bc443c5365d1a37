/// <reference types="node" />

/** Test vectors from the Python package; `tests/web/vectors.py` writes them. */

import { readFileSync } from "node:fs";
import type { Box } from "../../src/reader/boxes";
import type { Checkpoint } from "../../src/reader/checkpoint/folder";
import type { Pose } from "../../src/reader/detection/pose";
import type { Evidence, Face } from "../../src/reader/faces";
import type { Landmarks } from "../../src/reader/landmarks";
import type { Image } from "../../src/reader/media/image";
import { type Graphs, NAMES } from "../../src/reader/network/engines";
import type { Framing } from "../../src/reader/network/preprocess";

interface ArrayReference {
  type: "uint8" | "float32";
  shape: number[];
  start: number;
}

export interface Vectors {
  /** module → name → value. */
  constants: Record<string, Record<string, number | number[] | string[]>>;
  checkpoint: Checkpoint;
  grey: { crop: ArrayReference; size: number; grey: ArrayReference }[];
  shrunk: { image: ArrayReference; factor: number; shrunk: ArrayReference }[];
  averages: { image: ArrayReference; parts: { box: Box; size: [number, number]; average: ArrayReference }[] };
  crops: { image: ArrayReference; cuts: { box: Box; framing: Framing; crop: ArrayReference; clipped: Box }[] };
  stretched: { image: ArrayReference; as_image: ArrayReference; as_crop: ArrayReference }[];
  turned: {
    image: ArrayReference;
    /** The transform is the matrix of `pose.py`. */
    images: { degrees: number; turned: ArrayReference; transform: number[][] }[];
    squares: { pose: Pose; square: ArrayReference }[];
  };
  rolls: { landmarks: Landmarks; roll: number }[];
  upright: { image: ArrayReference; box: Box; landmarks: Landmarks; framing: Framing; crop: ArrayReference }[];
  overlaps: { boxes: number[][]; others: number[][]; overlap: boolean[] };
  rolled: { image: ArrayReference; rows: number[][]; faces: number[][]; candidates: number[][] }[];
  examined: { image: ArrayReference; candidates: number[][]; faces: number[][] }[];
  suppressed: { boxes: number[][]; max_overlap: number; of_union: number[]; of_smaller: number[] }[];
  evidence: {
    crop: ArrayReference;
    logits: number[];
    evidence: Evidence;
    scale: number;
    /** One per label. */
    overlays: ArrayReference[];
  }[];
  images: { name: string; image: ArrayReference; detected: Box[]; faces: Face[] }[];
  streams: { image: ArrayReference; time_s: number; faces: Face[] }[][];
  tracks: { time_s: number; faces: Face[]; tracked: Face[] }[][];
}

/** The folder of `python -m tests.web.vectors FOLDER`. */
export const FOLDER = process.env.VECTORS;

export function readVectors(): Vectors {
  return JSON.parse(readFileSync(`${FOLDER}/vectors.json`, "utf-8"));
}

export function readGraphs(): Graphs {
  const graph = (name: string) => new Uint8Array(readFileSync(`${FOLDER}/models/${name}.onnx`));
  return Object.fromEntries(NAMES.map((name) => [name, graph(name)])) as Graphs;
}

const arrays = FOLDER ? readFileSync(`${FOLDER}/arrays.bin`).buffer : new ArrayBuffer(0);

export function pixels({ shape, start }: ArrayReference): Uint8ClampedArray {
  return new Uint8ClampedArray(arrays, start, count(shape));
}

export function floats({ shape, start }: ArrayReference): Float32Array {
  return new Float32Array(arrays, start, count(shape));
}

export function image(reference: ArrayReference): Image {
  const [height, width] = reference.shape;
  return { data: pixels(reference), width, height };
}

function count(shape: number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
