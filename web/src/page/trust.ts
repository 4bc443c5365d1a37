import type { Face } from "../reader/faces";
import type { Framing } from "../reader/network/preprocess";
import type { TextKey } from "./texts";

/** Below this highest probability, no expression is stated. */
export const MIN_PROBABILITY = 0.4;
/** Below this side of the square crop, in pixels of the image, no expression is stated. */
export const MIN_CROP_SIDE = 32;

/**
 * Return why a face's expression is not to be trusted, or null if it is.
 *
 * @param framing the checkpoint's framing.
 */
export function whyUnsure({ box: [x1, y1, x2, y2], probabilities }: Face, framing: Framing): TextKey | null {
  if (Math.max(x2 - x1, y2 - y1) * framing.scale < MIN_CROP_SIDE) return "too_small";
  return Math.max(...probabilities) < MIN_PROBABILITY ? "too_uncertain" : null;
}
