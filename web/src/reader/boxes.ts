/** Rectangles in pixels. */

/** x1, y1, x2, y2 in pixels; x2 and y2 are exclusive. A detector's box may be fractional and leave the image. */
export type Box = [number, number, number, number];

/** Compute the intersection over union of two boxes, in [0, 1]. */
export function iou(box: Box, other: Box): number {
  const width = Math.max(Math.min(box[2], other[2]) - Math.max(box[0], other[0]), 0);
  const height = Math.max(Math.min(box[3], other[3]) - Math.max(box[1], other[1]), 0);
  const area = ([x1, y1, x2, y2]: Box) => (x2 - x1) * (y2 - y1);
  return (width * height) / (area(box) + area(other) - width * height);
}
