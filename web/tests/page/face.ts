import type { Face } from "../../src/reader/faces";

/** Return a sure face of a photo, except for these attributes. */
export function face(attributes: Partial<Face> = {}): Face {
  return {
    box: [10, 20, 110, 140],
    score: 0.9,
    landmarks: [
      [40, 60],
      [80, 60],
      [60, 80],
      [45, 100],
      [75, 100],
    ],
    probabilities: [0.25, 0.75],
    trackId: null,
    evidence: null,
    ...attributes,
  };
}
