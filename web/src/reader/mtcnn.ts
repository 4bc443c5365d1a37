/**
 * The cascade of Zhang et al. 2016 (https://arxiv.org/abs/1604.02878), as `mini_xception/mtcnn.py` has it: three
 * networks, each of which looks more closely at what the one before left.
 *
 * Numbers are rounded to single precision where NumPy does it.
 */

import type { Network } from "./engines";
import type { Image } from "./images";
import { average, bins, type IntegralImage, integrate } from "./integral";
import { type Candidate, suppress, suppressInside } from "./suppress";

/** The first network's window in pixels, hence the smallest face. */
export const WINDOW = 12;
/** The first network's step in pixels. */
export const STRIDE = 2;
/** From one level of the pyramid to the next. */
export const PYRAMID_FACTOR = 0.709;
/** Side in pixels of what the second network looks at. */
export const REFINE_SIDE = 24;
/** Side in pixels of what the third network looks at. */
export const OUTPUT_SIDE = 48;
/** What a candidate must score in the three stages. */
export const PROPOSE_SCORE = 0.6;
export const REFINE_SCORE = 0.7;
export const OUTPUT_SCORE = 0.7;
/** The first of these as the difference of its two logits, which spares a softmax of everything. */
export const PROPOSE_LOGIT = Math.log(PROPOSE_SCORE / (1 - PROPOSE_SCORE));
/** The share of their union that two boxes on one level of the pyramid may have in common. */
export const LEVEL_OVERLAP = 0.5;
/** The same after each stage; after the last one it is the share of the smaller box. */
export const STAGE_OVERLAP = 0.7;
/** Candidates at once; more would leave the processor's cache. */
export const BATCH_SIZE = 64;

const single = Math.fround;

/** Finds faces, in one picture at a time: its memory is used again for the next one. */
export class Cascade {
  private sums: Int32Array = new Int32Array(0);
  private input = new Float32Array(0);

  constructor(
    private readonly propose: Network,
    private readonly refine: Network,
    private readonly output: Network,
  ) {}

  /** @param minFaceSize smallest face to look for, in pixels, at least WINDOW. */
  async find(image: Image, minFaceSize: number): Promise<Candidate[]> {
    const integral = integrate(image, this.sums);
    this.sums = integral.sums;
    let boxes: Candidate[] = [];
    for (const scale of scales(Math.min(image.width, image.height), minFaceSize)) {
      boxes.push(...(await this.proposals(integral, scale)));
    }
    boxes = suppress(boxes, STAGE_OVERLAP);
    for (const box of boxes) correct(box, single(box[2] - box[0]), single(box[3] - box[1]));

    boxes = await this.look(this.refine, integral, boxes.map(square), REFINE_SIDE, REFINE_SCORE);
    boxes = suppress(boxes, STAGE_OVERLAP).map(shift);
    boxes = await this.look(this.output, integral, boxes.map(square), OUTPUT_SIDE, OUTPUT_SCORE);
    return suppressInside(boxes.map(shift), STAGE_OVERLAP);
  }

  /** What the first network takes for a face on one level of the pyramid. */
  private async proposals(integral: IntegralImage, scale: number): Promise<Candidate[]> {
    const height = Math.floor(integral.height * scale + 1);
    const width = Math.floor(integral.width * scale + 1);
    const input = this.room(3 * height * width);
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

  /** The boxes that a network takes for faces, with its scores and corrections. */
  private async look(
    network: Network,
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
      const input = this.room(batch.length * 3 * side * side);
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

  private room(length: number): Float32Array {
    if (this.input.length < length) this.input = new Float32Array(length);
    return this.input.subarray(0, length);
  }
}

/** The pyramid's levels, as fractions of the image: until the shorter side is below the window. */
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

/** As facenet-pytorch cuts: towards zero, and the pixel before the corner belongs to the box. */
function inside(box: Candidate, { width, height }: IntegralImage): { x1: number; y1: number; x2: number; y2: number } {
  const [x1, y1, x2, y2] = box.subarray(0, 4).map(Math.trunc);
  return { x1: Math.max(x1, 1) - 1, y1: Math.max(y1, 1) - 1, x2: Math.min(x2, width), y2: Math.min(y2, height) };
}

/** Softmax's second value, of the logits of no face and face. */
function score(noFace: number, face: number): number {
  return single(1 / (1 + single(Math.exp(single(noFace - face)))));
}

/** Move each corner by its correction, a fraction of these sides. */
function correct(box: Candidate, width: number, height: number): Candidate {
  for (let i = 0; i < 4; i++) box[i] += single(box[5 + i] * (i % 2 ? height : width));
  return box;
}

/** Each corner corrected; sides count their last pixel, as in the networks' training. */
function shift(box: Candidate): Candidate {
  return correct(box, single(single(box[2] - box[0]) + 1), single(single(box[3] - box[1]) + 1));
}

/** The shorter side grown to the longer one, about the centre. */
function square(box: Candidate): Candidate {
  const sides = [single(box[2] - box[0]), single(box[3] - box[1])];
  const side = Math.max(...sides);
  for (const axis of [0, 1]) {
    box[axis] = single(box[axis] + sides[axis] * 0.5) - side * 0.5;
    box[axis + 2] = box[axis] + side;
  }
  return box;
}
