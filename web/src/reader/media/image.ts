/** Images in the format of a canvas, and parts of images. */

import { MiniXceptionError } from "../errors";

/** RGBA pixels in 0–255, row by row, as in a canvas. Alpha is ignored. */
export interface Image {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/**
 * Load the pixels of a bitmap. Transparent pixels become white.
 *
 * @param canvas the canvas to draw on; it is resized to the bitmap's size.
 * @throws MiniXceptionError the bitmap has no pixels, or more than a canvas can hold.
 */
export function loadImage(bitmap: ImageBitmap, canvas: OffscreenCanvas): Image {
  const { width, height } = bitmap;
  if (width === 0 || height === 0) throw new MiniXceptionError("bad-image", "the image has no pixels");
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  try {
    const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch (error) {
    const message = `an image of ${width}×${height} pixels cannot be loaded (${error}); scale the image down`;
    throw new MiniXceptionError("bad-image", message, error);
  }
}

/** Copy the part of an image between two corners. The part ends at the image's right and lower edges. */
export function copyPart(image: Image, left: number, top: number, right: number, bottom: number): Image {
  const width = Math.max(Math.min(right, image.width) - left, 0);
  const height = Math.max(Math.min(bottom, image.height) - top, 0);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 4 * ((top + y) * image.width + left);
    data.set(image.data.subarray(start, start + 4 * width), 4 * y * width);
  }
  return { data, width, height };
}

/** Mirror an image: left becomes right. */
export function mirror({ data, width, height }: Image): Image {
  const mirrored = new Uint8ClampedArray(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [4 * (y * width + x), 4 * (y * width + width - 1 - x)];
      for (let channel = 0; channel < 4; channel++) mirrored[to + channel] = data[from + channel];
    }
  }
  return { data: mirrored, width, height };
}
