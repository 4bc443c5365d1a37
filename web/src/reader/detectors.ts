/** The face detector: an image in, boxes with scores out. */

import type { Box, Detection } from "./faces";
import type { Image } from "./images";
import type { Cascade } from "./mtcnn";
import { shrink } from "./resize";
import { round } from "./rounding";

/** Photos with a longer side than this, in pixels, are scaled down for detection. */
export const MAX_SIDE = 4096;
/** MTCNN finds no face below the 12 pixels of its first network's window. */
export const SMALLEST_FACE = 12;
/** Smallest face to look for, in pixels of the image as it is given. */
export const MIN_FACE_SIZE = 40;
/** Boxes below this confidence are dropped; false ones score about 0.80–0.85. */
export const MIN_SCORE = 0.9;

/** Finds the faces of an image, from the largest to the smallest. */
export type Detector = (image: Image) => Promise<Detection[]>;

/** The cascade as a detector, with the weights of facenet-pytorch. */
export function mtcnn(cascade: Cascade): Detector {
  return async (image) => {
    const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
    const minFaceSize = Math.max(round(MIN_FACE_SIZE * scale), SMALLEST_FACE);
    if (Math.min(image.width, image.height) * scale < minFaceSize) return [];
    const found = await cascade.find(scale < 1 ? shrink(image, scale) : image, minFaceSize);
    const area = (box: Float32Array) => (box[2] - box[0]) * (box[3] - box[1]);
    return found
      .filter((box) => box[4] >= Math.fround(MIN_SCORE))
      .sort((one, other) => area(other) - area(one))
      .map((box) => ({ box: [...box.subarray(0, 4).map((side) => side / scale)] as Box, score: box[4] }));
  };
}
