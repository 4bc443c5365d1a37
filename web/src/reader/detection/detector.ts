/** The interface of the face detector. */

import type { Image } from "../media/image";
import type { Detection } from "./detections";

/** Finds the faces of an image. */
export interface Detector {
  /** Detect faces in one pass. */
  detect(image: Image): Promise<Detection[]>;
  /** Detect faces more thoroughly than in one pass. Photos are searched, frames of a stream at times. */
  search(image: Image): Promise<Detection[]>;
}
