/** Non-maximum suppression: of several overlapping boxes, only the box with the highest score is kept. */

/** x1, y1, x2, y2 in pixels, then the score; more numbers may follow. */
export type Row = Float32Array;

/** Two boxes show the same face if they share more than this fraction of the smaller box. */
export const SAME_FACE = 0.4;

/**
 * Drop boxes whose intersection over union with a higher-scored box exceeds `maxOverlap`, as OpenCV's `NMSBoxes` does.
 */
export function suppress(boxes: Row[], maxOverlap: number): Row[] {
  return keep(boxes, (box, other) => {
    const shared = sharedArea(box, other, 0);
    const union = area(box, 0) + area(other, 0) - shared;
    return Math.fround(1 - Math.fround(1 - shared / union)) > Math.fround(maxOverlap);
  });
}

/**
 * Drop boxes whose overlap with a higher-scored box exceeds `maxOverlap` times the area of the smaller box. Sides
 * include their last pixel.
 */
export function suppressInside(boxes: Row[], maxOverlap: number): Row[] {
  return keep(boxes, (box, other) => sharedArea(box, other, 1) > maxOverlap * Math.min(area(box, 1), area(other, 1)));
}

/** Return whether a box shares more than SAME_FACE of the smaller area with one of the others. */
export function overlapAny(box: Row, others: Row[]): boolean {
  return others.some((other) => sharedArea(box, other, 0) > SAME_FACE * Math.min(area(box, 0), area(other, 0)));
}

/** Return the area that two boxes share. `more` is added to the sides. */
function sharedArea(box: Row, other: Row, more: number): number {
  const width = Math.min(box[2], other[2]) - Math.max(box[0], other[0]) + more;
  const height = Math.min(box[3], other[3]) - Math.max(box[1], other[1]) + more;
  return Math.max(width, 0) * Math.max(height, 0);
}

function area([x1, y1, x2, y2]: Row, more: number): number {
  return (x2 - x1 + more) * (y2 - y1 + more);
}

/** Keep each box that overlaps no kept box, in the order of the scores; equal scores keep their order. */
function keep(boxes: Row[], overlaps: (box: Row, other: Row) => boolean): Row[] {
  const kept: Row[] = [];
  for (const box of [...boxes].sort((one, other) => other[4] - one[4])) {
    if (!kept.some((other) => overlaps(box, other))) kept.push(box);
  }
  return kept;
}
