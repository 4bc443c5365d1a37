/** Non-maximum suppression: of several overlapping boxes, only the box with the highest score is kept. */

/** Nine numbers: x1, y1, x2, y2 in pixels, score, and the offset of each corner as a fraction of the box's sides. */
export type Candidate = Float32Array;

/**
 * Drop boxes whose intersection over union with a higher-scored box exceeds `maxOverlap`, as OpenCV's `NMSBoxes` does.
 */
export function suppress(boxes: Candidate[], maxOverlap: number): Candidate[] {
  return keep(boxes, (box, other) => {
    const shared =
      Math.max(Math.min(box[2], other[2]) - Math.max(box[0], other[0]), 0) *
      Math.max(Math.min(box[3], other[3]) - Math.max(box[1], other[1]), 0);
    const union = (box[2] - box[0]) * (box[3] - box[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared;
    return Math.fround(1 - Math.fround(1 - shared / union)) > Math.fround(maxOverlap);
  });
}

/**
 * Drop boxes whose overlap with a higher-scored box exceeds `maxOverlap` times the area of the smaller box. Sides
 * include their last pixel.
 */
export function suppressInside(boxes: Candidate[], maxOverlap: number): Candidate[] {
  return keep(boxes, (box, other) => {
    const shared =
      Math.max(Math.min(box[2], other[2]) - Math.max(box[0], other[0]) + 1, 0) *
      Math.max(Math.min(box[3], other[3]) - Math.max(box[1], other[1]) + 1, 0);
    const area = ([x1, y1, x2, y2]: Candidate) => (x2 - x1 + 1) * (y2 - y1 + 1);
    return shared > maxOverlap * Math.min(area(box), area(other));
  });
}

/** Keep each box that overlaps no kept box, in the order of the scores; equal scores keep their order. */
function keep(boxes: Candidate[], overlaps: (box: Candidate, other: Candidate) => boolean): Candidate[] {
  const kept: Candidate[] = [];
  for (const box of [...boxes].sort((one, other) => other[4] - one[4])) {
    if (!kept.some((other) => overlaps(box, other))) kept.push(box);
  }
  return kept;
}
