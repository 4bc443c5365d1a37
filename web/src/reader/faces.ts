import type { Box } from "./boxes";
import type { Landmarks } from "./landmarks";

/**
 * The evidence for each class: labels × rows × columns, in the order of the labels. The mean of a class's cells is its
 * logit, before the division by the temperature.
 */
export type Evidence = number[][][];

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
  /** Of this frame, not smoothed, in the upright crop; null if `model.onnx` is an older one, without this output. */
  evidence: Evidence | null;
}
