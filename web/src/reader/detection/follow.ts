/** Detection near the faces of the previous frame. */

import { type Box, iou } from "../boxes";
import type { Face } from "../faces";
import { type Landmarks, type Point, rollDegrees, TILTED_DEGREES } from "../landmarks";
import { copyPart, type Image } from "../media/image";
import { shrink } from "../media/resize";
import { apply, type Transform } from "../media/warp";
import { round } from "../rounding";
import type { Detection } from "./detections";
import type { Detector } from "./detector";
import { turn } from "./pose";

/** A face's box is extended by this fraction of its longer side in every direction. */
export const MARGIN = 0.5;
/**
 * A large crop is scaled down until the face is this many times as large as the smallest face that the detector finds,
 * because larger crops take longer.
 */
export const NEAR_SIZE = 1.25;
/** Minimum intersection over union of a face's box and its box in the previous frame. */
export const MIN_IOU = 0.3;
/** If the boxes found in two crops have a higher intersection over union than this, they belong to the same face. */
export const SAME_FACE_IOU = 0.5;

/**
 * Detect one face near each face of the previous frame, in small crops of the image. A crop is turned by the roll that
 * the face had.
 *
 * @param faces the faces of the previous frame.
 * @param detector called with each crop, which may be scaled down.
 * @param minFaceSize the smallest face that the detector finds, in pixels.
 * @returns the faces in the same order; null if a face was lost, or if two faces lead to the same one.
 */
export async function detectNear(
  image: Image,
  faces: readonly Face[],
  detector: Detector,
  minFaceSize: number,
): Promise<Detection[] | null> {
  const found: Detection[] = [];
  for (const face of faces) {
    const near = await detectNearOne(image, face, detector, minFaceSize);
    if (near) found.push(near);
  }
  return found.length === faces.length && !haveSameFace(found) ? found : null;
}

/** Return the face near a face of the previous frame, or null. */
async function detectNearOne(
  image: Image,
  face: Face,
  detector: Detector,
  minFaceSize: number,
): Promise<Detection | null> {
  const [x1, y1, x2, y2] = face.box;
  const side = Math.max(x2 - x1, y2 - y1);
  const margin = round(MARGIN * side);
  const [left, top] = [Math.max(x1 - margin, 0), Math.max(y1 - margin, 0)];
  const part = copyPart(image, left, top, x2 + margin, y2 + margin);
  const scale = Math.min(1, (NEAR_SIZE * minFaceSize) / side);
  // The box lies outside this frame, which is smaller than the previous one.
  if (Math.min(part.width, part.height) * scale < 1) return null;
  const found = await detectTurned(scale < 1 ? shrink(part, scale) : part, rollDegrees(face.landmarks), detector);
  let best: Detection | null = null;
  let overlap = 0;
  for (const { box, score, landmarks } of found) {
    const inImage = box.map((edge, i) => Math.fround(Math.fround(edge / scale) + (i % 2 ? top : left))) as Box;
    if (best && iou(inImage, face.box) <= overlap) continue;
    overlap = iou(inImage, face.box);
    best = { box: inImage, score, landmarks: landmarks.map(([x, y]): Point => [x / scale + left, y / scale + top]) };
  }
  return overlap >= MIN_IOU ? best : null;
}

/** Detect the faces of an image that have about this roll. */
async function detectTurned(image: Image, roll: number, detector: Detector): Promise<Detection[]> {
  if (Math.abs(roll) <= TILTED_DEGREES) return detector.detect(image);
  const { turned, transform } = turn(image, round(roll));
  return (await detector.detect(turned)).map((face) => turnBack(face, transform));
}

/** Map a face from a turned image to the original. Its box becomes a square. */
function turnBack({ box: [x1, y1, x2, y2], score, landmarks }: Detection, transform: Transform): Detection {
  const [x, y] = apply(transform, (x1 + x2) / 2, (y1 + y2) / 2);
  const half = Math.max(x2 - x1, y2 - y1) / 2;
  const box = [x - half, y - half, x + half, y + half].map(Math.fround) as Box;
  const inOriginal: Landmarks = landmarks.map(([x, y]) => apply(transform, x, y));
  return { box, score, landmarks: inOriginal };
}

function haveSameFace(found: Detection[]): boolean {
  return found.some((one, i) => found.slice(i + 1).some((other) => iou(one.box, other.box) > SAME_FACE_IOU));
}
