/** The face detector's interface: an image in, boxes and scores out. And detection near the faces of the frame before. */

import { type Box, iou } from "../boxes";
import { copyPart, type Image } from "../media/image";
import { shrink } from "../media/resize";
import { round } from "../rounding";

/** {@link detectNear} searches a crop that extends a face's box by this fraction of its side in every direction. */
export const MARGIN = 0.5;
/** The crop is scaled so that the face is this many times the smallest face the detector finds; larger costs more. */
export const NEAR_SIZE = 1.25;
/** A face must overlap the box of the frame before by this intersection over union. */
export const MIN_IOU = 0.3;
/** Two crops whose boxes overlap by more than this contain the same face. */
export const SAME_FACE_IOU = 0.5;

/** A detected face: its box, which has fractions and may leave the image, and the confidence in [0, 1]. */
export interface Detection {
  box: Box;
  score: number;
}

/** Finds the faces of an image. */
export type Detector = (image: Image) => Promise<Detection[]>;

/**
 * Detect one face near each box, in small crops of the image.
 *
 * @param boxes where the faces were in the frame before.
 * @param detector called with each crop, which may be scaled down.
 * @param minFaceSize the smallest face that the detector finds, in pixels.
 * @returns the faces, in the order of the boxes; null if a face was lost, or if two boxes lead to the same face.
 */
export async function detectNear(
  image: Image,
  boxes: readonly Box[],
  detector: Detector,
  minFaceSize: number,
): Promise<Detection[] | null> {
  const found: Detection[] = [];
  for (const box of boxes) {
    const face = await detectNearOne(image, box, detector, minFaceSize);
    if (face) found.push(face);
  }
  return found.length === boxes.length && !haveSameFace(found) ? found : null;
}

/** Return the face near a box, or null. */
async function detectNearOne(
  image: Image,
  box: Box,
  detector: Detector,
  minFaceSize: number,
): Promise<Detection | null> {
  const [x1, y1, x2, y2] = box;
  const side = Math.max(x2 - x1, y2 - y1);
  const margin = round(MARGIN * side);
  const [left, top] = [Math.max(x1 - margin, 0), Math.max(y1 - margin, 0)];
  const crop = copyPart(image, left, top, x2 + margin, y2 + margin);
  const scale = Math.min(1, (NEAR_SIZE * minFaceSize) / side);
  // This frame is smaller than the one before and ends before the box.
  if (Math.min(crop.width, crop.height) * scale < 1) return null;
  const found = await detector(scale < 1 ? shrink(crop, scale) : crop);
  let best: Detection | null = null;
  let overlap = 0;
  for (const { box: near, score } of found) {
    const inImage = near.map((edge, i) => Math.fround(edge / scale) + (i % 2 ? top : left)) as Box;
    if (best && iou(inImage, box) <= overlap) continue;
    overlap = iou(inImage, box);
    best = { box: inImage.map(Math.fround) as Box, score };
  }
  return overlap >= MIN_IOU ? best : null;
}

function haveSameFace(found: Detection[]): boolean {
  return found.some((one, i) => found.slice(i + 1).some((other) => iou(one.box, other.box) > SAME_FACE_IOU));
}
