/** OpenCV's `resize` as far as it is used here. Writing to a clamped array rounds half to even, as OpenCV does. */

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

/** `INTER_LINEAR` of grey pixels to a size that is larger: each is interpolated between its four neighbours. */
export function growTo(image: Raster, width: number, height: number): Raster {
  const columns = neighbours(image.width, width);
  const rows = neighbours(image.height, height);
  const data = new Uint8ClampedArray(width * height);
  let i = 0;
  for (const row of rows) {
    const [above, below] = [row.first * image.width, row.second * image.width];
    for (const { first, second, near, far } of columns) {
      const high = (image.data[above + first] * near + image.data[above + second] * far) >> 4;
      const low = (image.data[below + first] * near + image.data[below + second] * far) >> 4;
      data[i++] = (((high * row.near) >> 16) + ((low * row.far) >> 16) + 2) >> 2;
    }
  }
  return { data, width, height };
}

/** For each pixel of a longer line the two that it lies between, and their weights in fractions of 2048. */
function neighbours(length: number, count: number): { first: number; second: number; near: number; far: number }[] {
  const inside = (place: number) => Math.min(Math.max(place, 0), length - 1);
  return Array.from({ length: count }, (_, i) => {
    const place = Math.fround(((i + 0.5) * length) / count - 0.5);
    const floor = Math.floor(place);
    const far = round(2048 * (place - floor));
    return { first: inside(floor), second: inside(floor + 1), near: 2048 - far, far };
  });
}

function averageTo(image: Raster, width: number, height: number, scaleX: number, scaleY: number): Raster {
  const channels = image.data.length / (image.width * image.height);
  const columns = shares(image.width, width, scaleX);
  const rows = shares(image.height, height, scaleY);
  const stride = image.width * channels;
  const data = new Uint8ClampedArray(width * height * channels);
  const line = new Float32Array(width * channels); // one row of the image, shortened
  // Halves are rounded to even, but of two by two pixels up: their average comes in quarters, an eighth more than this.
  const nothing = scaleX === 2 && scaleY === 2 ? 1 / 8 : 0;
  const sum = new Float32Array(width * channels).fill(nothing);
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
      sum.fill(nothing);
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
