/**
 * MTCNN's cascade of three networks (Zhang et al. 2016, https://arxiv.org/abs/1604.02878), as in Python's `cascade.py`.
 *
 * The first network proposes boxes on every level of an image pyramid; the second and third networks refine them.
 * Numbers are rounded to single precision wherever NumPy rounds them.
 *
 * A box is a row: x1, y1, x2, y2 in pixels, then the score. Within the cascade, the offsets of x1, y1, x2 and y2 follow,
 * as fractions of the box's sides. A face is a box that is followed by its landmarks: x of the five landmarks, then y,
 * in pixels.
 */

import type { Image } from "../media/image";
import type { Engine } from "../network/engines";
import { average, bins, type IntegralImage, integrate } from "./integral";
import { overlapAny, type Row, suppress, suppressInside } from "./suppress";

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
/** Minimum scores of a candidate, which may be a face, in the second and third stages. */
export const CANDIDATE_REFINE_SCORE = 0.1;
export const CANDIDATE_OUTPUT_SCORE = 0.2;
/** Maximum intersection over union of two candidates. */
export const CANDIDATE_OVERLAP = 0.5;
/** The first threshold, as a difference of two logits. Comparing logits avoids a softmax over the whole image. */
export const PROPOSE_LOGIT = Math.log(PROPOSE_SCORE / (1 - PROPOSE_SCORE));
/** Maximum intersection over union of two boxes on one pyramid level. */
export const LEVEL_OVERLAP = 0.5;
/** Maximum intersection over union after each stage; after the last stage, intersection over the smaller box. */
export const STAGE_OVERLAP = 0.7;
/** Candidates per forward pass. More would not fit into the processor's cache. */
export const BATCH_SIZE = 64;

const single = Math.fround;

/** The result of the first two networks for an image. The next call of {@link Cascade.propose} makes it invalid. */
export interface Proposals {
  integral: IntegralImage;
  /** Boxes, the second network's scores, at least CANDIDATE_REFINE_SCORE, and offsets: nine numbers each. */
  boxes: Row[];
}

/** The three stages. Its buffers are reused for the next image. */
export class Cascade {
  private sums: Int32Array = new Int32Array(0);
  private input = new Float32Array(0);

  constructor(
    private readonly proposing: Engine,
    private readonly refining: Engine,
    private readonly output: Engine,
  ) {}

  /**
   * Run the first two networks.
   *
   * @param minFaceSize smallest face to look for, in pixels, at least WINDOW.
   * @param maxLevels maximum number of pyramid levels, the largest first.
   */
  async propose(image: Image, minFaceSize: number, maxLevels = Number.POSITIVE_INFINITY): Promise<Proposals> {
    const integral = integrate(image, this.sums);
    this.sums = integral.sums;
    let boxes: Row[] = [];
    for (const scale of scales(Math.min(image.width, image.height), minFaceSize).slice(0, maxLevels)) {
      boxes.push(...(await this.proposals(integral, scale)));
    }
    boxes = suppress(boxes, STAGE_OVERLAP);
    for (const box of boxes) addOffsets(box, single(box[2] - box[0]), single(box[3] - box[1]));
    boxes = await this.score(this.refining, integral, boxes.map(square), REFINE_SIDE, CANDIDATE_REFINE_SCORE);
    return { integral, boxes };
  }

  /** Return the faces, as facenet-pytorch finds them: 15 numbers each, the highest score first. */
  faces({ integral, boxes }: Proposals): Promise<Row[]> {
    const certain = boxes.filter((box) => box[4] > single(REFINE_SCORE));
    return this.finish(integral, suppress(certain, STAGE_OVERLAP).map(shifted), OUTPUT_SCORE);
  }

  /**
   * Return what may also be a face: 15 numbers each, the highest score first.
   *
   * @param faces the known faces. A candidate does not overlap them.
   * @param limit maximum number of candidates.
   */
  candidates({ integral, boxes }: Proposals, faces: Row[], limit: number): Promise<Row[]> {
    const others = suppress(boxes, CANDIDATE_OVERLAP)
      .map(shifted)
      .filter((box) => !overlapAny(box, faces));
    return this.finish(integral, others.slice(0, limit), CANDIDATE_OUTPUT_SCORE);
  }

  /**
   * Run the third network on squares that were cut from an image.
   *
   * @param faces squares of OUTPUT_SIDE × OUTPUT_SIDE pixels.
   * @returns 15 numbers each: the logit of "face", then x1, y1, x2, y2 and the landmarks as fractions of the square.
   */
  async examine(faces: Image[]): Promise<Row[]> {
    const plane = OUTPUT_SIDE * OUTPUT_SIDE;
    const input = this.buffer(faces.length * 3 * plane);
    faces.forEach(({ data }, i) => {
      for (let pixel = 0; pixel < plane; pixel++) {
        for (let channel = 0; channel < 3; channel++) {
          input[(3 * i + channel) * plane + pixel] = data[4 * pixel + channel];
        }
      }
    });
    const { data: outputs } = await this.output(input, [faces.length, 3, OUTPUT_SIDE, OUTPUT_SIDE]);
    const channels = outputs.length / faces.length;
    return faces.map((_, i) => {
      const output = outputs.slice(i * channels, (i + 1) * channels);
      output[1] -= output[0];
      output[4] += 1;
      output[5] += 1;
      return output.subarray(1);
    });
  }

  /** Return the first network's candidates on one pyramid level. */
  private async proposals(integral: IntegralImage, scale: number): Promise<Row[]> {
    const height = Math.floor(integral.height * scale + 1);
    const width = Math.floor(integral.width * scale + 1);
    const input = this.buffer(3 * height * width);
    average(integral, bins(0, integral.height, height), bins(0, integral.width, width), input, 0);
    const { data: logits, dims } = await this.proposing(input, [1, 3, height, width]);
    const [rows, columns] = dims.slice(2);
    const plane = rows * columns;
    const found: Row[] = [];
    for (let i = 0; i < plane; i++) {
      if (single(logits[plane + i] - logits[i]) < single(PROPOSE_LOGIT)) continue;
      const corner = [STRIDE * (i % columns), STRIDE * Math.floor(i / columns)];
      const box = new Float32Array(9);
      for (const axis of [0, 1]) {
        box[axis] = Math.floor(single((corner[axis] + 1) / single(scale)));
        box[axis + 2] = Math.floor(single((corner[axis] + WINDOW) / single(scale)));
      }
      box[4] = probability(logits[i], logits[plane + i]);
      for (let k = 0; k < 4; k++) box[5 + k] = logits[(2 + k) * plane + i];
      found.push(box);
    }
    return suppress(found, LEVEL_OVERLAP);
  }

  /** Return the boxes that the third network accepts, as faces: 15 numbers each. */
  private async finish(integral: IntegralImage, boxes: Row[], minScore: number): Promise<Row[]> {
    const faces = await this.score(this.output, integral, boxes.map(square), OUTPUT_SIDE, minScore);
    for (const face of faces) {
      for (let i = 0; i < 10; i++) {
        const axis = i < 5 ? 0 : 1;
        const size = single(single(face[axis + 2] - face[axis]) + 1);
        // As in facenet-pytorch, a landmark is one pixel nearer to the origin than a corner with the same fraction.
        face[9 + i] = single(single(face[9 + i] * size) + face[axis]) - 1;
      }
    }
    return suppressInside(faces.map(shifted), STAGE_OVERLAP).map((face) =>
      Float32Array.of(...face.subarray(0, 5), ...face.subarray(9)),
    );
  }

  /** Return the boxes that a network accepts, with its scores, offsets and landmarks: 9 or 19 numbers each. */
  private async score(
    network: Engine,
    integral: IntegralImage,
    boxes: Row[],
    side: number,
    minScore: number,
  ): Promise<Row[]> {
    const parts = boxes
      .map((box) => ({ box, ...inside(box, integral) }))
      .filter((part) => part.x1 < part.x2 && part.y1 < part.y2);
    const found: Row[] = [];
    for (let start = 0; start < parts.length; start += BATCH_SIZE) {
      const batch = parts.slice(start, start + BATCH_SIZE);
      const input = this.buffer(batch.length * 3 * side * side);
      batch.forEach(({ x1, y1, x2, y2 }, i) => {
        average(integral, bins(y1, y2, side), bins(x1, x2, side), input, i * 3 * side * side);
      });
      const { data: logits } = await network(input, [batch.length, 3, side, side]);
      const channels = logits.length / batch.length;
      batch.forEach(({ box }, i) => {
        const [noFace, face, ...more] = logits.subarray(i * channels, (i + 1) * channels);
        const row = Float32Array.of(...box.subarray(0, 4), probability(noFace, face), ...more);
        if (row[4] > single(minScore)) found.push(row);
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
function inside(box: Row, { width, height }: IntegralImage): { x1: number; y1: number; x2: number; y2: number } {
  const [x1, y1, x2, y2] = box.subarray(0, 4).map(Math.trunc);
  return { x1: Math.max(x1, 1) - 1, y1: Math.max(y1, 1) - 1, x2: Math.min(x2, width), y2: Math.min(y2, height) };
}

/** Return the probability of "face" from the logits of "no face" and "face". */
function probability(noFace: number, face: number): number {
  return single(1 / (1 + single(Math.exp(single(noFace - face)))));
}

/** Add the offsets, which are fractions of these sides, to the corners. */
function addOffsets(box: Row, width: number, height: number): void {
  for (let i = 0; i < 4; i++) box[i] += single(box[5 + i] * (i % 2 ? height : width));
}

/** Copy a box, and add the offsets to the corners. Sides include their last pixel, as in the networks' training. */
function shifted(box: Row): Row {
  const copy = box.slice();
  addOffsets(copy, single(single(box[2] - box[0]) + 1), single(single(box[3] - box[1]) + 1));
  return copy;
}

/** Extend a box to a square about its centre. */
function square(box: Row): Row {
  const sides = [single(box[2] - box[0]), single(box[3] - box[1])];
  const side = Math.max(...sides);
  for (const axis of [0, 1]) {
    box[axis] = single(box[axis] + sides[axis] * 0.5) - side * 0.5;
    box[axis + 2] = box[axis] + side;
  }
  return box;
}
