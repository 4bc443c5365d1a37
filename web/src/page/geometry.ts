/** Where a picture's pixels lie on the screen. */

export interface Size {
  width: number;
  height: number;
}

/** How a picture lies in its frame, as CSS's `object-fit: contain` puts it; everything in CSS pixels. */
export interface Placement {
  /** CSS pixels to one of the picture's. */
  scale: number;
  left: number;
  top: number;
  /** Of the frame. */
  width: number;
  mirrored: boolean;
}

export interface Rectangle extends Size {
  left: number;
  top: number;
}

/** As large as fits, in the middle, black bars beside or above and below it. */
export function contain(picture: Size, frame: Size, mirrored: boolean): Placement {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  return {
    scale,
    left: (frame.width - picture.width * scale) / 2,
    top: (frame.height - picture.height * scale) / 2,
    width: frame.width,
    mirrored,
  };
}

/** A box in the picture's pixels, as it is seen. */
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

/** Where a box's label stands: above it, else below it, else inside; and always within the frame. */
export function labelCorner(box: Rectangle, label: Size, frame: Size, gap: number): { left: number; top: number } {
  let top = box.top - gap - label.height;
  if (top < 0) {
    const below = box.top + box.height + gap;
    top = below + label.height <= frame.height ? below : Math.max(box.top, 0);
  }
  return { left: Math.max(0, Math.min(box.left - gap, frame.width - label.width)), top };
}

/** The square around a box from which a face's small picture is cut; it may leave the picture. */
export function squareAround([x1, y1, x2, y2]: readonly number[]): Rectangle {
  const side = Math.max(x2 - x1, y2 - y1);
  return { left: (x1 + x2 - side) / 2, top: (y1 + y2 - side) / 2, width: side, height: side };
}
