/** Face crops of an image: detect the faces, then cut out each one in the framing that the network was trained on. */

import type { Box } from "../boxes";
import type { Image } from "../media/image";
import type { Framing } from "../network/preprocess";
import { round } from "../rounding";
import { type Detection, type Detector, detectNear } from "./detector";

/** A detected face, not yet classified. */
export interface FaceCrop {
  /** In whole pixels of the image. */
  box: Box;
  /** The detector's confidence in [0, 1]. */
  score: number;
  pixels: Image;
}

/** NumPy computes with a detector's boxes in single precision. */
const single = Math.fround;

/** Detects the faces of an image and cuts them out, in the detector's order. */
export class FaceCropper {
  /**
   * @param framing how the detector's boxes map to the network's square crops.
   * @param minFaceSize the smallest face that the detector finds, in pixels.
   */
  constructor(
    readonly detect: Detector,
    private readonly framing: Framing,
    private readonly minFaceSize: number,
  ) {}

  /**
   * Detect faces near the boxes of the previous frame. This takes a fraction of the time of {@link detect}.
   *
   * @returns one face per box, in the order of the boxes; null if a face was lost.
   */
  detectNear(image: Image, boxes: readonly Box[]): Promise<Detection[] | null> {
    return detectNear(image, boxes, this.detect, this.minFaceSize);
  }

  /** Cut detected faces out of the image. */
  cut(image: Image, faces: Detection[]): FaceCrop[] {
    return faces.map(({ box, score }) => ({
      box: clipBox(box, image.width, image.height),
      score: Math.min(score, 1),
      pixels: cropFace(image, box, this.framing),
    }));
  }
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
