/** From a picture and a box to network input. */

import type { Box } from "./faces";
import type { Image } from "./images";
import { growTo, shrinkTo } from "./resize";
import { round } from "./rounding";

/** How a detector's box maps onto the square that the network was trained on; see Python's `Framing`. */
export interface Framing {
  scale: number;
  offset_x: number;
  offset_y: number;
}

/** As single-precision numbers, in which Python computes with a detector's boxes. */
const single = Math.fround;

/**
 * Cut a square face from an image, black where the square leaves it.
 *
 * @param box x1, y1, x2, y2 in pixels, as the detector gave it.
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

/** Round a detector's box to whole pixels inside an image; never empty. */
export function clipBox(box: Box, width: number, height: number): Box {
  const x1 = Math.min(Math.max(round(box[0]), 0), width - 1);
  const y1 = Math.min(Math.max(round(box[1]), 0), height - 1);
  return [x1, y1, Math.max(Math.min(round(box[2]), width), x1 + 1), Math.max(Math.min(round(box[3]), height), y1 + 1)];
}

/** Make a square crop the grey square of the network's side, row by row. */
export function toGrey(crop: Image, size: number): Uint8ClampedArray {
  const grey = { data: greyPixels(crop.data), width: crop.width, height: crop.height };
  if (crop.width === size) return grey.data;
  return (crop.width > size ? shrinkTo : growTo)(grey, size, size).data;
}

/**
 * Make network input from face crops.
 *
 * @param size side of the network's input in pixels.
 * @param mean subtracted from pixels in [0, 1].
 * @param std divides what remains.
 * @returns N × 1 × size × size.
 */
export function normalise(crops: Image[], size: number, mean: number, std: number): Float32Array {
  const faces = new Float32Array(crops.length * size * size);
  let i = 0;
  for (const crop of crops) {
    for (const pixel of toGrey(crop, size)) faces[i++] = (pixel / 255 - mean) / std;
  }
  return faces;
}

/** OpenCV's `COLOR_RGB2GRAY`: 0.299 R + 0.587 G + 0.114 B in fractions of 2^15. */
function greyPixels(rgba: Uint8ClampedArray): Uint8ClampedArray {
  const grey = new Uint8ClampedArray(rgba.length / 4);
  for (let i = 0, j = 0; i < grey.length; i++, j += 4) {
    grey[i] = (9798 * rgba[j] + 19235 * rgba[j + 1] + 3735 * rgba[j + 2] + 16384) >> 15;
  }
  return grey;
}
