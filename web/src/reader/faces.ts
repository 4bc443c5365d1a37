import type { Box } from "./boxes";
import type { Landmarks } from "./landmarks";

/** A face and its expression, like Python's `Face`. */
export interface Face {
  /** In whole pixels of the original image. */
  box: Box;
  /** The detector's confidence in [0, 1]. */
  score: number;
  /** In the order of the checkpoint's labels; they sum to 1. */
  probabilities: number[];
  /** In pixels of the original image. */
  landmarks: Landmarks;
  /** Identity of the face in a stream, counted from 1; null in a single image. */
  trackId: number | null;
}
