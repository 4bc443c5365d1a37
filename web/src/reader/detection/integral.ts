/** Integral images, which give the sum over any rectangle from four values. */

import type { Image } from "../media/image";

/** Sums of all pixels above and left of each pixel corner: (height + 1) × (width + 1) × 3, RGB. */
export interface IntegralImage {
  /** Differences are correct even if an int32 overflows. */
  sums: Int32Array;
  width: number;
  height: number;
}

/** The start and stop pixel of each bin; the stop is exclusive. */
export interface Bins {
  start: Int32Array;
  stop: Int32Array;
}

/**
 * Compute the integral image.
 *
 * @param spare an existing array, which is reused for the sums if it is large enough.
 */
export function integrate({ data, width, height }: Image, spare: Int32Array): IntegralImage {
  const stride = 3 * (width + 1);
  const needed = stride * (height + 1);
  const sums = spare.length >= needed ? spare : new Int32Array(needed);
  sums.fill(0, 0, stride);
  let pixel = 0;
  for (let y = 1; y <= height; y++) {
    let i = y * stride;
    let red = 0;
    let green = 0;
    let blue = 0;
    sums[i] = sums[i + 1] = sums[i + 2] = 0;
    for (let x = 0; x < width; x++) {
      i += 3;
      red += data[pixel];
      green += data[pixel + 1];
      blue += data[pixel + 2];
      sums[i] = sums[i - stride] + red;
      sums[i + 1] = sums[i + 1 - stride] + green;
      sums[i + 2] = sums[i + 2 - stride] + blue;
      pixel += 4;
    }
  }
  return { sums, width, height };
}

/**
 * Divide the pixels from `start` to `stop` (exclusive) into `count` bins.
 *
 * Neighbouring bins share a pixel if the length is not a multiple of `count`, as in `torch.nn.functional.interpolate`'s
 * mode "area".
 */
export function bins(start: number, stop: number, count: number): Bins {
  const length = stop - start;
  const found: Bins = { start: new Int32Array(count), stop: new Int32Array(count) };
  for (let i = 0; i < count; i++) {
    found.start[i] = start + Math.floor((length * i) / count);
    found.stop[i] = start + Math.ceil((length * (i + 1)) / count);
  }
  return found;
}

/**
 * Downscale a part of an image by averaging each bin.
 *
 * @param output receives 3 × rows × columns values, starting at `offset`.
 */
export function average(
  { sums, width }: IntegralImage,
  rows: Bins,
  columns: Bins,
  output: Float32Array,
  offset: number,
): void {
  const plane = rows.start.length * columns.start.length;
  let at = offset;
  for (let y = 0; y < rows.start.length; y++) {
    const top = 3 * rows.start[y] * (width + 1);
    const bottom = 3 * rows.stop[y] * (width + 1);
    const tall = rows.stop[y] - rows.start[y];
    for (let x = 0; x < columns.start.length; x++, at++) {
      const left = 3 * columns.start[x];
      const right = 3 * columns.stop[x];
      const area = tall * (columns.stop[x] - columns.start[x]);
      for (let channel = 0; channel < 3; channel++) {
        const low = top + channel;
        const high = bottom + channel;
        const sum = (sums[high + right] - sums[low + right] - sums[high + left] + sums[low + left]) | 0;
        output[at + channel * plane] = Math.fround(sum) / area;
      }
    }
  }
}
