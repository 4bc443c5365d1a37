/** Images and squares that are turned to make a face upright. */

import { copyPart, type Image } from "../media/image";
import { shrink } from "../media/resize";
import { apply, type Transform, warp } from "../media/warp";
import { round } from "../rounding";

/** Where an upright square lies in an image. */
export interface Pose {
  /** The centre, in pixels of the image. */
  x: number;
  y: number;
  /** In pixels of the image. */
  side: number;
  /** By how much the square is turned, in degrees, clockwise. */
  roll: number;
}

/** Return the transform that turns an image about a point. */
export function rotation(x: number, y: number, degrees: number): Transform {
  return transformAround(x, y, degrees, 1, 2 * x, 2 * y);
}

/**
 * Turn a whole image so that faces with this roll become upright.
 *
 * @param degrees the roll.
 * @returns the turned image, black outside the original image, and its transform.
 */
export function turn(image: Image, degrees: number): { turned: Image; transform: Transform } {
  const { width, height } = image;
  const [cosine, sine] = direction(degrees);
  const turnedWidth = round(Math.abs(width * cosine) + Math.abs(height * sine));
  const turnedHeight = round(Math.abs(width * sine) + Math.abs(height * cosine));
  const transform = transformAround(width / 2, height / 2, degrees, 1, turnedWidth, turnedHeight);
  return { turned: warp(image, transform, turnedWidth, turnedHeight), transform };
}

/**
 * Turn an image within its own frame, so that it has no more pixels than before. Its corners may be lost.
 *
 * At a roll of ±90°, the frame lies on its side.
 *
 * @returns the turned image, black outside the original image, and its transform.
 */
export function turnInFrame(image: Image, degrees: number): { turned: Image; transform: Transform } {
  const lies = Math.abs(degrees) === 90;
  const [width, height] = lies ? [image.height, image.width] : [image.width, image.height];
  const transform = transformAround(image.width / 2, image.height / 2, degrees, 1, width, height);
  return { turned: warp(image, transform, width, height), transform };
}

/**
 * Cut a turned square from an image, upright. Pixels outside the image are black.
 *
 * @param size side of the result in pixels.
 */
export function cutSquare(image: Image, pose: Pose, size: number): Image {
  const factor = size / pose.side;
  if (factor >= 1) return warp(image, squareTransform(pose, size), size, size);
  // Interpolation would skip pixels, so average them first.
  const reach = Math.ceil(pose.side * Math.sqrt(0.5));
  const left = Math.max(Math.floor(pose.x) - reach, 0);
  const top = Math.max(Math.floor(pose.y) - reach, 0);
  const part = copyPart(image, left, top, Math.ceil(pose.x) + reach, Math.ceil(pose.y) + reach);
  // The square may lie outside the image, or only touch it.
  if (Math.min(part.width, part.height) * factor < 1) {
    return { data: new Uint8ClampedArray(4 * size * size), width: size, height: size };
  }
  const inPart = { x: (pose.x - left) * factor, y: (pose.y - top) * factor, side: size, roll: pose.roll };
  return warp(shrink(part, factor), squareTransform(inPart, size), size, size);
}

/** Return the transform of a square with a pose, as an image of size × size pixels. */
export function squareTransform({ x, y, side, roll }: Pose, size: number): Transform {
  return transformAround(x, y, roll, side / size, size, size);
}

/** Return the transform of width × height pixels around a centre, each as large as `scale` pixels. */
function transformAround(
  centreX: number,
  centreY: number,
  degrees: number,
  scale: number,
  width: number,
  height: number,
): Transform {
  const [cosine, sine] = direction(degrees).map((value) => scale * value);
  const [x, y] = apply({ cosine, sine, x: 0, y: 0 }, width / 2, height / 2);
  return { cosine, sine, x: centreX - x, y: centreY - y };
}

/** Return the cosine and the sine of an angle. */
function direction(degrees: number): [number, number] {
  const radians = (degrees * Math.PI) / 180;
  return [Math.cos(radians), Math.sin(radians)];
}
