/** The interface of the face detector, and detection near the faces of the previous frame. */

import { type Box, iou } from "../boxes";
import { copyPart, type Image } from "../media/image";
import { shrink } from "../media/resize";
import { round } from "../rounding";

/** {@link detectNear} extends a face's box by this fraction of its longer side in every direction. */
export const MARGIN = 0.5;
/**
 * The crop is scaled down until the face has this many times the size of the smallest face that the detector finds.
 * Larger crops take longer.
 */
export const NEAR_SIZE = 1.25;
/** Minimum intersection over union of a face's box and its box in the previous frame. */
export const MIN_IOU = 0.3;
/** If the boxes found in two crops have a higher intersection over union than this, they belong to the same face. */
export const SAME_FACE_IOU = 0.5;

/** A detected face: its box, which may extend beyond the image, and the confidence in [0, 1]. */
export interface Detection {
  box: Box;
  score: number;
}

/** Finds the faces of an image. */
export type Detector = (image: Image) => Promise<Detection[]>;

/**
 * Detect one face near each box, in small crops of the image.
 *
 * @param boxes the faces' boxes in the previous frame.
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
  // The box lies outside this frame, which is smaller than the previous one.
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
