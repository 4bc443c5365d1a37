/**
 * Face crops of an image: detect the faces, then cut out each one, upright, in the framing that the network was trained
 * on.
 */

import type { Box } from "../boxes";
import type { Face } from "../faces";
import { type Landmarks, rollDegrees, TILTED_DEGREES } from "../landmarks";
import type { Image } from "../media/image";
import { apply } from "../media/warp";
import type { Framing } from "../network/preprocess";
import { round } from "../rounding";
import type { Detection } from "./detections";
import type { Detector } from "./detector";
import { detectNear } from "./follow";
import { stretchCrop } from "./light";
import { cutSquare, squareTransform } from "./pose";

/** A detected face, not yet classified. */
export interface FaceCrop {
  /** In whole pixels of the image. */
  box: Box;
  /** The detector's confidence in [0, 1]. */
  score: number;
  /** In pixels of the image, to two decimals. */
  landmarks: Landmarks;
  pixels: Image;
}

/** NumPy computes with a detector's boxes in single precision. */
const single = Math.fround;

/** Detects the faces of an image and cuts them out, in the detector's order. */
export class FaceCropper {
  /**
   * @param framing how the detector's boxes map to the network's square crops.
   * @param minFaceSize the smallest face that the detector finds in one pass, in pixels.
   */
  constructor(
    private readonly detector: Detector,
    private readonly framing: Framing,
    private readonly minFaceSize: number,
  ) {}

  /** Detect the faces of an image, at any roll. Boxes lie at least partly inside the image. */
  async search(image: Image): Promise<Detection[]> {
    return valid(await this.detector.search(image), image);
  }

  /** Detect the faces of an image in one pass. Boxes lie at least partly inside the image. */
  async detect(image: Image): Promise<Detection[]> {
    return valid(await this.detector.detect(image), image);
  }

  /**
   * Detect the faces of the previous frame again. This takes a fraction of the time of {@link detect}.
   *
   * @returns one face per known face, in the same order; null if a face was lost, or if two known faces lead to the
   * same face.
   */
  async detectNear(image: Image, faces: readonly Face[]): Promise<Detection[] | null> {
    const found = await detectNear(image, faces, this.detector, this.minFaceSize);
    return found && valid(found, image).length === faces.length ? found : null;
  }

  /** Cut detected faces out of the image. */
  cut(image: Image, faces: Detection[]): FaceCrop[] {
    return faces.map(({ box, score, landmarks }) => ({
      box: clipBox(box, image.width, image.height),
      score: Math.min(score, 1),
      landmarks: landmarks.map(([x, y]) => [decimal(x), decimal(y)]),
      pixels: cropUpright(image, box, landmarks, this.framing),
    }));
  }
}

/**
 * Cut a square face crop from an image. Turn a tilted face upright, and stretch the contrast of a dark one.
 *
 * @param box x1, y1, x2, y2 in pixels, from a detector.
 * @param landmarks from the same detector.
 * @param framing scale and centre offset, as fractions of the box's longer side, in the upright face.
 * @returns an image of S×S pixels, S = round(framing.scale · longer side).
 */
export function cropUpright(image: Image, box: Box, landmarks: Landmarks, framing: Framing): Image {
  const roll = rollDegrees(landmarks);
  if (Math.abs(roll) <= TILTED_DEGREES) return stretchCrop(cropFace(image, box, framing));
  const [x1, y1, x2, y2] = box;
  const side = Math.max(x2 - x1, y2 - y1);
  const turned = squareTransform({ x: (x1 + x2) / 2, y: (y1 + y2) / 2, side, roll }, 1);
  const [x, y] = apply(turned, 0.5 + framing.offset_x, 0.5 + framing.offset_y);
  const size = Math.max(1, round(framing.scale * side));
  return stretchCrop(cutSquare(image, { x, y, side: framing.scale * side, roll }, size));
}

/**
 * Cut a square face crop from an image. Pixels outside the image are black.
 *
 * @param box x1, y1, x2, y2 in pixels, from a detector.
 * @param framing scale and centre offset, as fractions of the box's longer side.
 * @returns an image of S×S pixels, S = round(framing.scale · longer side).
 */
export function cropFace(image: Image, [x1, y1, x2, y2]: Box, framing: Framing): Image {
  const longerSide = Math.max(single(x2 - x1), single(y2 - y1));
  const side = Math.max(1, round(single(single(framing.scale) * longerSide)));
  const start = (low: number, high: number, offset: number) => {
    const centre = single(single(low + high) / 2);
    return round(single(single(centre + single(single(offset) * longerSide)) - side / 2));
  };
  const [left, top] = [start(x1, x2, framing.offset_x), start(y1, y2, framing.offset_y)];
  const data = new Uint8ClampedArray(4 * side * side);
  const [from, to] = [Math.max(left, 0), Math.min(left + side, image.width)];
  for (let y = Math.max(top, 0); y < Math.min(top + side, image.height) && from < to; y++) {
    const row = image.data.subarray(4 * (y * image.width + from), 4 * (y * image.width + to));
    data.set(row, 4 * ((y - top) * side + from - left));
  }
  return { data, width: side, height: side };
}

/** Round a detector's box to whole pixels and clip it to an image of width × height. The result is never empty. */
export function clipBox(box: Box, width: number, height: number): Box {
  const x1 = Math.min(Math.max(round(box[0]), 0), width - 1);
  const y1 = Math.min(Math.max(round(box[1]), 0), height - 1);
  return [x1, y1, Math.max(Math.min(round(box[2]), width), x1 + 1), Math.max(Math.min(round(box[3]), height), y1 + 1)];
}

/** Drop boxes that are empty or wholly outside the image. */
function valid(faces: Detection[], { width, height }: Image): Detection[] {
  return faces.filter(
    ({ box: [x1, y1, x2, y2] }) => x1 < x2 && y1 < y2 && x1 < width && y1 < height && x2 > 0 && y2 > 0,
  );
}

/** Round to two decimals. */
function decimal(value: number): number {
  return Number(value.toFixed(2));
}
