/**
 * MTCNN: a cascade of three networks (Zhang et al. 2016, https://arxiv.org/abs/1604.02878), as in Python's `mtcnn.py`.
 *
 * The first network proposes boxes on every level of an image pyramid; the second and third networks refine them.
 * Numbers are rounded to single precision wherever NumPy rounds them.
 */

import type { Box } from "../boxes";
import type { Image } from "../media/image";
import { shrink } from "../media/resize";
import type { Engine } from "../network/engines";
import { round } from "../rounding";
import type { Detection } from "./detector";
import { average, bins, type IntegralImage, integrate } from "./integral";
import { type Candidate, suppress, suppressInside } from "./suppress";

/** Smallest face to look for, in pixels of the image. Faces down to about half this size are still found. */
export const MIN_FACE_SIZE = 40;
/** Minimum confidence of a face; false detections score about 0.80–0.85. */
export const MIN_SCORE = 0.9;
/** Images whose longer side exceeds this many pixels are scaled down for detection. */
export const MAX_SIDE = 4096;
/** The first network's window in pixels, which is also the smallest size of a face to look for. */
export const WINDOW = 12;
/** The first network's step in pixels. */
export const STRIDE = 2;
/** Ratio between the scales of neighbouring pyramid levels. */
export const PYRAMID_FACTOR = 0.709;
/** Input side of the second network, in pixels. */
export const REFINE_SIDE = 24;
/** Input side of the third network, in pixels. */
export const OUTPUT_SIDE = 48;
/** Minimum scores in the three stages. */
export const PROPOSE_SCORE = 0.6;
export const REFINE_SCORE = 0.7;
export const OUTPUT_SCORE = 0.7;
/** The first threshold, as a difference of two logits. Comparing logits avoids a softmax over the whole image. */
export const PROPOSE_LOGIT = Math.log(PROPOSE_SCORE / (1 - PROPOSE_SCORE));
/** Maximum intersection over union of two boxes on one pyramid level. */
export const LEVEL_OVERLAP = 0.5;
/** Maximum intersection over union after each stage; after the last stage, intersection over the smaller box. */
export const STAGE_OVERLAP = 0.7;
/** Candidates per forward pass. More would not fit into the processor's cache. */
export const BATCH_SIZE = 64;

const single = Math.fround;

/** MTCNN with facenet-pytorch's weights. It processes one image at a time. */
export class MTCNN {
  private readonly cascade: Cascade;

  constructor(propose: Engine, refine: Engine, output: Engine) {
    this.cascade = new Cascade(propose, refine, output);
  }

  /** Return the faces of an image, the largest first. */
  async detect(image: Image): Promise<Detection[]> {
    const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
    const minFaceSize = Math.max(round(MIN_FACE_SIZE * scale), WINDOW);
    if (Math.min(image.width, image.height) * scale < minFaceSize) return [];
    const found = await this.cascade.detect(scale < 1 ? shrink(image, scale) : image, minFaceSize);
    const area = (box: Candidate) => (box[2] - box[0]) * (box[3] - box[1]);
    return found
      .filter((box) => box[4] >= single(MIN_SCORE))
      .sort((one, other) => area(other) - area(one))
      .map((box) => ({ box: [...box.subarray(0, 4).map((edge) => edge / scale)] as Box, score: box[4] }));
  }
}

/** The three stages. Its buffers are reused for the next image. */
class Cascade {
  private sums: Int32Array = new Int32Array(0);
  private input = new Float32Array(0);

  constructor(
    private readonly propose: Engine,
    private readonly refine: Engine,
    private readonly output: Engine,
  ) {}

  /**
   * Return the faces, the highest score first.
   *
   * @param minFaceSize smallest face to look for, in pixels, at least WINDOW.
   */
  async detect(image: Image, minFaceSize: number): Promise<Candidate[]> {
    const integral = integrate(image, this.sums);
    this.sums = integral.sums;
    let boxes: Candidate[] = [];
    for (const scale of scales(Math.min(image.width, image.height), minFaceSize)) {
      boxes.push(...(await this.proposals(integral, scale)));
    }
    boxes = suppress(boxes, STAGE_OVERLAP);
    for (const box of boxes) addOffsets(box, single(box[2] - box[0]), single(box[3] - box[1]));

    boxes = await this.refineBoxes(this.refine, integral, boxes.map(square), REFINE_SIDE, REFINE_SCORE);
    boxes = suppress(boxes, STAGE_OVERLAP).map(shift);
    boxes = await this.refineBoxes(this.output, integral, boxes.map(square), OUTPUT_SIDE, OUTPUT_SCORE);
    return suppressInside(boxes.map(shift), STAGE_OVERLAP);
  }

  /** Return the first network's candidates on one pyramid level. */
  private async proposals(integral: IntegralImage, scale: number): Promise<Candidate[]> {
    const height = Math.floor(integral.height * scale + 1);
    const width = Math.floor(integral.width * scale + 1);
    const input = this.buffer(3 * height * width);
    average(integral, bins(0, integral.height, height), bins(0, integral.width, width), input, 0);
    const { data: logits, dims } = await this.propose(input, [1, 3, height, width]);
    const [rows, columns] = dims.slice(2);
    const plane = rows * columns;
    const found: Candidate[] = [];
    for (let i = 0; i < plane; i++) {
      if (single(logits[plane + i] - logits[i]) < single(PROPOSE_LOGIT)) continue;
      const corner = [STRIDE * (i % columns), STRIDE * Math.floor(i / columns)];
      const box = new Float32Array(9);
      for (const axis of [0, 1]) {
        box[axis] = Math.floor(single((corner[axis] + 1) / single(scale)));
        box[axis + 2] = Math.floor(single((corner[axis] + WINDOW) / single(scale)));
      }
      box[4] = score(logits[i], logits[plane + i]);
      for (let k = 0; k < 4; k++) box[5 + k] = logits[(2 + k) * plane + i];
      found.push(box);
    }
    return suppress(found, LEVEL_OVERLAP);
  }

  /** Return the boxes that a network accepts, with its scores and offsets. */
  private async refineBoxes(
    network: Engine,
    integral: IntegralImage,
    boxes: Candidate[],
    side: number,
    minScore: number,
  ): Promise<Candidate[]> {
    const parts = boxes
      .map((box) => ({ box, ...inside(box, integral) }))
      .filter((part) => part.x1 < part.x2 && part.y1 < part.y2);
    const found: Candidate[] = [];
    for (let start = 0; start < parts.length; start += BATCH_SIZE) {
      const batch = parts.slice(start, start + BATCH_SIZE);
      const input = this.buffer(batch.length * 3 * side * side);
      batch.forEach(({ x1, y1, x2, y2 }, i) => {
        average(integral, bins(y1, y2, side), bins(x1, x2, side), input, i * 3 * side * side);
      });
      const { data: logits } = await network(input, [batch.length, 3, side, side]);
      batch.forEach(({ box }, i) => {
        const face = box.slice();
        face[4] = score(logits[6 * i], logits[6 * i + 1]);
        face.set(logits.subarray(6 * i + 2, 6 * i + 6), 5);
        if (face[4] > single(minScore)) found.push(face);
      });
    }
    return found;
  }

  private buffer(length: number): Float32Array {
    if (this.input.length < length) this.input = new Float32Array(length);
    return this.input.subarray(0, length);
  }
}

/** Return the scales of the pyramid levels, down to the last level that can hold the window. */
function scales(shorterSide: number, minFaceSize: number): number[] {
  const found: number[] = [];
  let scale = WINDOW / minFaceSize;
  let shorter = shorterSide * scale;
  while (shorter >= WINDOW) {
    found.push(scale);
    scale *= PYRAMID_FACTOR;
    shorter *= PYRAMID_FACTOR;
  }
  return found;
}

/** Clip a box as facenet-pytorch does: round towards zero, and include the pixel before the corner. */
function inside(box: Candidate, { width, height }: IntegralImage): { x1: number; y1: number; x2: number; y2: number } {
  const [x1, y1, x2, y2] = box.subarray(0, 4).map(Math.trunc);
  return { x1: Math.max(x1, 1) - 1, y1: Math.max(y1, 1) - 1, x2: Math.min(x2, width), y2: Math.min(y2, height) };
}

/** Return the probability of "face" from the logits of "no face" and "face". */
function score(noFace: number, face: number): number {
  return single(1 / (1 + single(Math.exp(single(noFace - face)))));
}

/** Add the offsets, which are fractions of these sides, to the corners. */
function addOffsets(box: Candidate, width: number, height: number): Candidate {
  for (let i = 0; i < 4; i++) box[i] += single(box[5 + i] * (i % 2 ? height : width));
  return box;
}

/** Add the offsets to the corners. Sides include their last pixel, as in the networks' training. */
function shift(box: Candidate): Candidate {
  return addOffsets(box, single(single(box[2] - box[0]) + 1), single(single(box[3] - box[1]) + 1));
}

/** Extend a box to a square about its centre. */
function square(box: Candidate): Candidate {
  const sides = [single(box[2] - box[0]), single(box[3] - box[1])];
  const side = Math.max(...sides);
  for (const axis of [0, 1]) {
    box[axis] = single(box[axis] + sides[axis] * 0.5) - side * 0.5;
    box[axis + 2] = box[axis] + side;
  }
  return box;
}
