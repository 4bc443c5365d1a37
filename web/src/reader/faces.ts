import type { Face } from "../protocol";

/** x1, y1, x2, y2 in pixels; of a detector's box they are fractions and may leave the image. */
export type Box = [number, number, number, number];

/** A face whose identity is not known yet: Python's `Face`. */
export type UntrackedFace = Omit<Face, "id">;

/** What a detector says of one face: where it is, and the confidence in [0, 1]. */
export interface Detection {
  box: Box;
  score: number;
}
