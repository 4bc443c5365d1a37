/** OpenCV's `resize`, as far as it is used here. Writing to a clamped array rounds half to even, as OpenCV does. */

import { round } from "./rounding";

/** Pixels 0–255 row by row, with one or more channels each. */
export interface Raster {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** How the pixels of a line add up to those of a shorter one: pixel `from[i]` gives `weight[i]` of itself to `to[i]`. */
interface Shares {
  to: number[];
  from: number[];
  weight: number[];
}

/** `INTER_AREA` by a factor in (0, 1] in both directions: each pixel is the average of those that it covers. */
export function shrink(image: Raster, factor: number): Raster {
  const [width, height] = [round(image.width * factor), round(image.height * factor)];
  return averageTo(image, width, height, 1 / factor, 1 / factor);
}

/** `INTER_AREA` to a size that is not larger. */
export function shrinkTo(image: Raster, width: number, height: number): Raster {
  return averageTo(image, width, height, image.width / width, image.height / height);
}

/** `INTER_LINEAR` to a size that is larger: pixels are interpolated between their four neighbours. */
export function growTo(image: Raster, width: number, height: number): Raster {
  const channels = image.data.length / (image.width * image.height);
  const columns = neighbours(image.width, width);
  const rows = neighbours(image.height, height);
  const data = new Uint8ClampedArray(width * height * channels);
  let i = 0;
  for (const [y, nextY, down] of rows) {
    for (const [x, nextX, right] of columns) {
      for (let channel = 0; channel < channels; channel++) {
        const pixel = (row: number, column: number) => image.data[(row * image.width + column) * channels + channel];
        const above = pixel(y, x) * (1 - right) + pixel(y, nextX) * right;
        const below = pixel(nextY, x) * (1 - right) + pixel(nextY, nextX) * right;
        data[i++] = above * (1 - down) + below * down;
      }
    }
  }
  return { data, width, height };
}

/** For each pixel of a longer line the two of the shorter one that it lies between, and how far towards the second. */
function neighbours(length: number, count: number): [number, number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * length) / count - 0.5, 0), length - 1);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, length - 1), at - first];
  });
}

function averageTo(image: Raster, width: number, height: number, scaleX: number, scaleY: number): Raster {
  const channels = image.data.length / (image.width * image.height);
  const columns = shares(image.width, width, scaleX);
  const rows = shares(image.height, height, scaleY);
  const stride = image.width * channels;
  const data = new Uint8ClampedArray(width * height * channels);
  const line = new Float32Array(width * channels); // one row of the image, shortened
  const sum = new Float32Array(width * channels);
  let shortened = -1;
  for (let i = 0; i < rows.to.length; i++) {
    if (rows.from[i] !== shortened) {
      shortened = rows.from[i];
      shorten(image.data.subarray(shortened * stride, (shortened + 1) * stride), columns, channels, line);
    }
    const weight = rows.weight[i];
    for (let x = 0; x < sum.length; x++) sum[x] += weight * line[x];
    if (rows.to[i] !== rows.to[i + 1]) {
      data.set(sum, rows.to[i] * sum.length);
      sum.fill(0);
    }
  }
  return { data, width, height };
}

function shorten(row: Uint8ClampedArray, { to, from, weight }: Shares, channels: number, line: Float32Array): void {
  line.fill(0);
  for (let i = 0; i < to.length; i++) {
    const [target, source] = [to[i] * channels, from[i] * channels];
    for (let channel = 0; channel < channels; channel++) line[target + channel] += weight[i] * row[source + channel];
  }
}

/** OpenCV's table for `INTER_AREA`: what covers less than a thousandth of a pixel is left out. */
function shares(length: number, count: number, scale: number): Shares {
  const table: Shares = { to: [], from: [], weight: [] };
  const add = (to: number, from: number, weight: number) => {
    table.to.push(to);
    table.from.push(from);
    table.weight.push(weight);
  };
  for (let i = 0; i < count; i++) {
    const [start, stop] = [i * scale, (i + 1) * scale];
    const covered = Math.min(scale, length - start);
    const last = Math.min(Math.floor(stop), length - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) add(i, first - 1, (first - start) / covered);
    for (let whole = first; whole < last; whole++) add(i, whole, 1 / covered);
    if (stop - last > 1e-3) add(i, last, Math.min(stop - last, 1, covered) / covered);
  }
  return table;
}
