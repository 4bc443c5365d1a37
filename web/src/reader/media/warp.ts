/** The part of OpenCV's `warpAffine` that the reader needs. */

import type { Image } from "./image";

/**
 * A rotation with a scale and a shift, which maps a point (x, y) of a turned image to the original image. Points are in
 * pixels; the centre of the first pixel is (0.5, 0.5).
 */
export interface Transform {
  /** Cosine and sine of the angle, multiplied by the scale. */
  cosine: number;
  sine: number;
  /** Where the point (0, 0) lies in the original image. */
  x: number;
  y: number;
}

/** OpenCV computes in single precision. */
const single = Math.fround;

/** Map a point from a turned image to the original image. */
export function apply({ cosine, sine, x, y }: Transform, right: number, down: number): [number, number] {
  return [cosine * right - sine * down + x, sine * right + cosine * down + y];
}

/**
 * Turn an image: each pixel is interpolated between four pixels of the original image, and black outside it.
 *
 * The pixels are those of OpenCV 5. OpenCV 4 rounds positions, so its pixels may differ by a few levels.
 *
 * @param transform maps a point of the result to the original image.
 */
export function warp(image: Image, transform: Transform, width: number, height: number): Image {
  const data = new Uint8ClampedArray(4 * width * height);
  const [cosine, sine] = [single(transform.cosine), single(transform.sine)];
  // OpenCV's positions count from the centre of the first pixel.
  const [firstX, firstY] = apply(transform, 0.5, 0.5).map((value) => single(value - 0.5));
  const stride = 4 * image.width;
  let to = 0;
  for (let row = 0; row < height; row++) {
    const rowX = single(single(-sine * row) + firstX);
    const rowY = single(single(cosine * row) + firstY);
    for (let column = 0; column < width; column++, to += 4) {
      const x = single(cosine * column + rowX);
      const y = single(sine * column + rowY);
      if (!(x >= -1 && y >= -1 && x < image.width && y < image.height)) continue;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [right, down] = [single(x - left), single(y - top)];
      const [hasLeft, hasTop] = [left >= 0, top >= 0];
      const [hasRight, hasBottom] = [left + 1 < image.width, top + 1 < image.height];
      const from = top * stride + 4 * left;
      for (let channel = 0; channel < 3; channel++) {
        const at = from + channel;
        const above = hasTop ? between(hasLeft ? image.data[at] : 0, hasRight ? image.data[at + 4] : 0, right) : 0;
        const next = at + stride;
        const below = hasBottom
          ? between(hasLeft ? image.data[next] : 0, hasRight ? image.data[next + 4] : 0, right)
          : 0;
        data[to + channel] = between(above, below, down);
      }
    }
  }
  return { data, width, height };
}

/** Interpolate between two values. */
function between(first: number, second: number, share: number): number {
  return single(first + single(share * single(second - first)));
}
