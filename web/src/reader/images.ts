import { ReaderError } from "./errors";

/** A picture as a canvas gives it: RGBA, 0–255, row by row. Alpha is not looked at. */
export interface Image {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/**
 * The pixels of a picture; transparency is laid on white.
 *
 * @param canvas where the picture is drawn; its size becomes the picture's.
 * @throws ReaderError the picture has no pixels, or more than a canvas can hold.
 */
export function readPixels(picture: ImageBitmap, canvas: OffscreenCanvas): Image {
  const { width, height } = picture;
  if (width === 0 || height === 0) throw new ReaderError("bad-picture", "the picture has no pixels");
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  try {
    const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, width, height);
  } catch (error) {
    throw new ReaderError("bad-picture", `a picture of ${width}×${height} pixels cannot be read (${error})`, error);
  }
}

/** A copy of the part of an image between two corners, as far as it is inside. */
export function cutOut(image: Image, left: number, top: number, right: number, bottom: number): Image {
  const width = Math.max(Math.min(right, image.width) - left, 0);
  const height = Math.max(Math.min(bottom, image.height) - top, 0);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 4 * ((top + y) * image.width + left);
    data.set(image.data.subarray(start, start + 4 * width), 4 * y * width);
  }
  return { data, width, height };
}
