/** Conversion of face crops to network input. */

import type { Checkpoint } from "../checkpoint/folder";
import { greyLevel } from "../media/grey";
import type { Image } from "../media/image";
import { growTo, shrinkTo } from "../media/resize";

/** How a detector's box maps to the square crop that the network was trained on. */
export type Framing = Checkpoint["framing"];

/** Convert a square crop to grey and resize it to size × size pixels, row by row. */
export function toGrey(crop: Image, size: number): Uint8ClampedArray {
  const grey = { data: greyPixels(crop.data), width: crop.width, height: crop.height };
  if (crop.width === size) return grey.data;
  return (crop.width > size ? shrinkTo : growTo)(grey, size, size).data;
}

/**
 * Convert face crops to network input.
 *
 * @param size side of the network's input in pixels.
 * @param mean subtracted from grey values in [0, 1].
 * @param std divides the difference.
 * @returns N × 1 × size × size values.
 */
export function normalise(crops: Image[], size: number, mean: number, std: number): Float32Array {
  const faces = new Float32Array(crops.length * size * size);
  let i = 0;
  for (const crop of crops) {
    for (const pixel of toGrey(crop, size)) faces[i++] = (pixel / 255 - mean) / std;
  }
  return faces;
}

function greyPixels(rgba: Uint8ClampedArray): Uint8ClampedArray {
  const grey = new Uint8ClampedArray(rgba.length / 4);
  for (let i = 0, j = 0; i < grey.length; i++, j += 4) {
    grey[i] = greyLevel(rgba[j], rgba[j + 1], rgba[j + 2]);
  }
  return grey;
}
