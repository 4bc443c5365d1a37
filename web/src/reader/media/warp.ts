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

/** Map a point from a turned image to the original image. */
export function apply({ cosine, sine, x, y }: Transform, right: number, down: number): [number, number] {
  return [cosine * right - sine * down + x, sine * right + cosine * down + y];
}

/**
 * Turn an image: each pixel is interpolated between four pixels of the original image, and black outside it.
 *
 * OpenCV rounds positions, so its pixels may differ by a few levels.
 *
 * @param transform maps a point of the result to the original image.
 */
export function warp(image: Image, transform: Transform, width: number, height: number): Image {
  const data = new Uint8ClampedArray(4 * width * height);
  const [lastX, lastY] = [image.width - 1, image.height - 1];
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, to += 4) {
      // Positions count from the centre of the first pixel.
      const x = transform.cosine * (column + 0.5) - transform.sine * (row + 0.5) + transform.x - 0.5;
      const y = transform.sine * (column + 0.5) + transform.cosine * (row + 0.5) + transform.y - 0.5;
      if (!(x > -1 && y > -1 && x < image.width && y < image.height)) continue;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const before = left < 0 ? 0 : left + 1 - x;
      const after = left < lastX ? x - left : 0;
      const above = top < 0 ? 0 : top + 1 - y;
      const below = top < lastY ? y - top : 0;
      const high = Math.max(top, 0) * image.width;
      const low = Math.min(top + 1, lastY) * image.width;
      const near = Math.max(left, 0);
      const far = Math.min(left + 1, lastX);
      const [first, second, third, fourth] = [4 * (high + near), 4 * (high + far), 4 * (low + near), 4 * (low + far)];
      for (let channel = 0; channel < 3; channel++) {
        data[to + channel] =
          above * (before * image.data[first + channel] + after * image.data[second + channel]) +
          below * (before * image.data[third + channel] + after * image.data[fourth + channel]);
      }
    }
  }
  return { data, width, height };
}
