/** Conversion of image pixels to screen pixels. */

export interface Size {
  width: number;
  height: number;
}

/** How an image is placed in its frame by CSS's `object-fit: contain`. All values are in CSS pixels. */
export interface Placement {
  /** CSS pixels per image pixel. */
  scale: number;
  left: number;
  top: number;
  /** Width of the frame. */
  width: number;
  mirrored: boolean;
}

export interface Rectangle extends Size {
  left: number;
  top: number;
}

/** Place an image in a frame: as large as fits, centred. */
export function contain(image: Size, frame: Size, mirrored: boolean): Placement {
  const scale = Math.min(frame.width / image.width, frame.height / image.height);
  return {
    scale,
    left: (frame.width - image.width * scale) / 2,
    top: (frame.height - image.height * scale) / 2,
    width: frame.width,
    mirrored,
  };
}

/** Convert a box from image pixels to CSS pixels in the frame. */
export function onScreen([x1, y1, x2, y2]: readonly number[], placement: Placement): Rectangle {
  const { scale, left, top } = placement;
  const width = (x2 - x1) * scale;
  const fromLeft = left + x1 * scale;
  return {
    left: placement.mirrored ? placement.width - fromLeft - width : fromLeft,
    top: top + y1 * scale,
    width,
    height: (y2 - y1) * scale,
  };
}

/** Return the top left corner of a box's label: above the box, else below it, else inside; always within the frame. */
export function labelCorner(box: Rectangle, label: Size, frame: Size, gap: number): { left: number; top: number } {
  let top = box.top - gap - label.height;
  if (top < 0) {
    const below = box.top + box.height + gap;
    top = below + label.height <= frame.height ? below : Math.max(box.top, 0);
  }
  return { left: Math.max(0, Math.min(box.left - gap, frame.width - label.width)), top };
}

/** Return the square around a box, for a face's thumbnail. It may extend beyond the image. */
export function squareAround([x1, y1, x2, y2]: readonly number[]): Rectangle {
  const side = Math.max(x2 - x1, y2 - y1);
  return { left: (x1 + x2 - side) / 2, top: (y1 + y2 - side) / 2, width: side, height: side };
}
