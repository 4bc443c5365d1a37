/** More contrast for dark and flat images, before detection, and for face crops, before classification. */

import { greyLevel } from "../media/grey";
import type { Image } from "../media/image";

/** An image is stretched if its contrast is less than this, in grey levels. */
export const MIN_IMAGE_CONTRAST = 180;
/** A face crop is stretched if its contrast is less than this. */
export const MIN_CROP_CONTRAST = 120;
/**
 * Contrast is the range of grey levels without this fraction of the pixels at either end. It is small for an image,
 * where a face may have few of the pixels.
 */
export const IMAGE_TAIL = 0.001;
export const CROP_TAIL = 0.01;
/** A contrast below this is noise, which is not stretched. */
export const NOISE = 8;
/** A large image is measured on a grid of at least this many rows and columns. */
export const GRID = 256;

/** Map the grey levels of a dark or flat image to 0–255. Other images are returned as they are. */
export function stretchImage(image: Image): Image {
  return stretch(image, MIN_IMAGE_CONTRAST, IMAGE_TAIL);
}

/** Map the grey levels of a dark or flat face crop to 0–255. Others are returned as they are. */
export function stretchCrop(crop: Image): Image {
  return stretch(crop, MIN_CROP_CONTRAST, CROP_TAIL);
}

function stretch(image: Image, minContrast: number, tail: number): Image {
  const counts = countLevels(image);
  const ignored = Math.trunc(tail * counts[255]);
  const low = counts.findIndex((count) => count > ignored);
  const high = counts.findIndex((count) => count >= counts[255] - ignored);
  if (high - low < NOISE || high - low >= minContrast) return image;
  // A clamped array rounds halves to even, like NumPy.
  const levels = Uint8ClampedArray.from({ length: 256 }, (_, level) => (level - low) * (255 / (high - low)));
  const data = new Uint8ClampedArray(image.data.length);
  for (let i = 0; i < data.length; i++) data[i] = levels[image.data[i]];
  return { data, width: image.width, height: image.height };
}

/** Return, for each grey level, how many pixels of the grid have this level or a lower one. */
function countLevels({ data, width, height }: Image): Int32Array {
  const step = Math.max(1, Math.floor(Math.min(width, height) / GRID));
  const counts = new Int32Array(256);
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) {
      const i = 4 * (y * width + x);
      counts[greyLevel(data[i], data[i + 1], data[i + 2])]++;
    }
  }
  for (let level = 1; level < 256; level++) counts[level] += counts[level - 1];
  return counts;
}
