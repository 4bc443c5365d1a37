/** The five landmarks of a face, and the roll that follows from them. */

/** The landmarks in the detector's order. Left and right are those of the image when the face is upright. */
export const LANDMARKS = ["left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner"] as const;
/** A face whose roll exceeds this many degrees is tilted: its crop is turned upright. */
export const TILTED_DEGREES = 15;

/** x and y in pixels of the image. */
export type Point = [number, number];
/** Five points, in the order of LANDMARKS. */
export type Landmarks = Point[];

/**
 * Compute by how much a face is turned in the image plane.
 *
 * Two directions are averaged: from the left eye to the right eye, and from the eyes to the mouth, turned by −90°.
 *
 * @returns degrees in [−180, 180], clockwise; 0 if the face is upright.
 */
export function rollDegrees([leftEye, rightEye, , leftMouth, rightMouth]: Landmarks): number {
  const across = (axis: number) => rightEye[axis] - leftEye[axis];
  const down = (axis: number) => (leftMouth[axis] + rightMouth[axis] - leftEye[axis] - rightEye[axis]) / 2;
  return (Math.atan2(across(1) - down(0), across(0) + down(1)) * 180) / Math.PI;
}
