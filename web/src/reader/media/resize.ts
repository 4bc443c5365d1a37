/** The parts of OpenCV's `resize` that the reader needs. Clamped arrays round halves to even, like OpenCV. */

import { round } from "../rounding";

const single = Math.fround;

/** Pixels in 0–255, row by row, with one or more channels. */
export interface Raster {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** How a line is shortened: pixel `from[i]`, multiplied by `weight[i]`, is added to pixel `to[i]`. */
interface Shares {
  to: number[];
  from: number[];
  weight: number[];
}

/** Downscale with `INTER_AREA` by a factor in (0, 1]: each pixel is the average of the pixels that it covers. */
export function shrink(image: Raster, factor: number): Raster {
  const [width, height] = [round(image.width * factor), round(image.height * factor)];
  return averageTo(image, width, height, 1 / factor, 1 / factor);
}

/** Downscale with `INTER_AREA` to a size. */
export function shrinkTo(image: Raster, width: number, height: number): Raster {
  return averageTo(image, width, height, image.width / width, image.height / height);
}

/** Upscale grey pixels with `INTER_LINEAR` to a size: each pixel is interpolated between its four neighbours. */
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

/** Return two neighbours in a line for each pixel of a longer line, with their weights in units of 1/2048. */
function neighbours(length: number, count: number): { first: number; second: number; near: number; far: number }[] {
  const inside = (position: number) => Math.min(Math.max(position, 0), length - 1);
  return Array.from({ length: count }, (_, i) => {
    const position = Math.fround(((i + 0.5) * length) / count - 0.5);
    const floor = Math.floor(position);
    const far = round(2048 * (position - floor));
    return { first: inside(floor), second: inside(floor + 1), near: 2048 - far, far };
  });
}

function averageTo(image: Raster, width: number, height: number, scaleX: number, scaleY: number): Raster {
  if (scaleX === scaleY && Number.isInteger(scaleX)) return averageBlocks(image, width, height, scaleX);
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
    for (let x = 0; x < sum.length; x++) sum[x] += single(weight * line[x]);
    if (rows.to[i] !== rows.to[i + 1]) {
      data.set(sum, rows.to[i] * sum.length);
      sum.fill(0);
    }
  }
  return { data, width, height };
}

/** Average blocks of side × side pixels. Blocks at the edges may have fewer pixels. */
function averageBlocks(image: Raster, width: number, height: number, side: number): Raster {
  const channels = image.data.length / (image.width * image.height);
  const stride = image.width * channels;
  const data = new Uint8ClampedArray(width * height * channels);
  const sum = new Uint32Array(channels);
  for (let y = 0; y < height; y++) {
    const bottom = Math.min((y + 1) * side, image.height);
    for (let x = 0; x < width; x++) {
      const right = Math.min((x + 1) * side, image.width);
      sum.fill(0);
      for (let row = y * side; row < bottom; row++) {
        let from = row * stride + x * side * channels;
        for (let column = x * side; column < right; column++) {
          for (let channel = 0; channel < channels; channel++) sum[channel] += image.data[from++];
        }
      }
      const count = (bottom - y * side) * (right - x * side);
      // OpenCV rounds halves to even, but rounds them up when it averages 2×2 pixels.
      const more = side === 2 && count === 4 ? 1 / 8 : 0;
      for (let channel = 0; channel < channels; channel++) {
        data[(y * width + x) * channels + channel] = sum[channel] / count + more;
      }
    }
  }
  return { data, width, height };
}

function shorten(row: Uint8ClampedArray, { to, from, weight }: Shares, channels: number, line: Float32Array): void {
  line.fill(0);
  for (let i = 0; i < to.length; i++) {
    const [target, source] = [to[i] * channels, from[i] * channels];
    for (let channel = 0; channel < channels; channel++)
      line[target + channel] += single(weight[i] * row[source + channel]);
  }
}

/** Compute OpenCV's table for `INTER_AREA`. Shares below a thousandth of a pixel are omitted. */
function shares(length: number, count: number, scale: number): Shares {
  const table: Shares = { to: [], from: [], weight: [] };
  const add = (to: number, from: number, weight: number) => {
    table.to.push(to);
    table.from.push(from);
    table.weight.push(single(weight));
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
