/** Drawing of a face's upright crop, and of the evidence for a class over it. */

import { heat } from "../reader/explain";
import type { Evidence, Face } from "../reader/faces";
import { rollDegrees, TILTED_DEGREES } from "../reader/landmarks";
import type { Framing } from "../reader/network/preprocess";

/**
 * Draw the part of an image that the network saw, upright, onto the square of side × side units at the origin.
 *
 * @param image the image in which the face was found.
 * @param framing the checkpoint's framing.
 */
export function drawCrop(
  context: CanvasRenderingContext2D,
  image: CanvasImageSource,
  { box: [x1, y1, x2, y2], landmarks }: Face,
  framing: Framing,
  side: number,
): void {
  const longerSide = Math.max(x2 - x1, y2 - y1);
  const roll = rollDegrees(landmarks);
  context.save();
  context.beginPath();
  context.rect(0, 0, side, side);
  context.clip();
  context.translate(side / 2, side / 2);
  context.scale(side / (framing.scale * longerSide), side / (framing.scale * longerSide));
  context.translate(-framing.offset_x * longerSide, -framing.offset_y * longerSide);
  if (Math.abs(roll) > TILTED_DEGREES) context.rotate((-roll * Math.PI) / 180);
  context.translate(-(x1 + x2) / 2, -(y1 + y2) / 2);
  context.drawImage(image, 0, 0);
  context.restore();
}

/**
 * Draw the evidence for a class, in translucent colours, onto the square of side × side units at the origin. Draw the
 * face's upright crop there first.
 *
 * @param evidence the face's evidence.
 * @param label index of the class.
 */
export function drawEvidence(context: CanvasRenderingContext2D, evidence: Evidence, label: number, side: number): void {
  const { data, width, height } = heat(evidence, label);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), 0, 0);
  context.drawImage(canvas, 0, 0, side, side);
}
