/** The result of a detector. */

import type { Box } from "../boxes";
import type { Landmarks } from "../landmarks";

/** A detected face. */
export interface Detection {
  /** It may lie partly outside the image. The box of a tilted face is a square with the face's centre. */
  box: Box;
  /** The confidence in [0, 1]. */
  score: number;
  landmarks: Landmarks;
}
