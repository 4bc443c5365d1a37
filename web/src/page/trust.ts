import type { Face } from "../reader/faces";
import type { TextKey } from "./texts";

/** Below this highest probability, no expression is stated. */
export const TRUSTED_PROBABILITY = 0.4;
/** If the longer side of the box is below this, in pixels of the image, no expression is stated. */
export const TRUSTED_SIDE = 32;

/** Return why a face's expression is not to be trusted, or null if it is. */
export function whyUnsure({ box: [x1, y1, x2, y2], probabilities }: Face): TextKey | null {
  if (Math.max(x2 - x1, y2 - y1) < TRUSTED_SIDE) return "too_small";
  return Math.max(...probabilities) < TRUSTED_PROBABILITY ? "too_uncertain" : null;
}
