import type { Face } from "../reader/faces";
import { colourOf, indexOfHighest, inkOn, numberOf } from "./emotions";
import { labelCorner, onScreen, type Placement } from "./geometry";
import { type Language, labelText, percent } from "./texts";

/** Sizes in CSS pixels. */
const LINE = 3;
const PAD = 5;
const MIN_FONT_SIZE = 12;
const MAX_FONT_SIZE = 18;

/**
 * Draw every face's box, expression and confidence onto a canvas that covers the image.
 *
 * @param placement how the image is placed under the canvas.
 * @param labels in the order of the probabilities.
 */
export function drawFaces(
  canvas: HTMLCanvasElement,
  faces: readonly Face[],
  placement: Placement,
  labels: readonly string[],
  language: Language,
): void {
  const frame = { width: canvas.clientWidth, height: canvas.clientHeight };
  const pen = sharpPen(canvas);
  pen.clearRect(0, 0, frame.width, frame.height);
  const drawn = faces.map((face) => {
    const best = indexOfHighest(face.probabilities);
    const number = faces.length > 1 ? `${numberOf(face, faces)}: ` : "";
    const caption = `${number}${labelText(labels[best], language)} ${percent(face.probabilities[best])}`;
    return { box: onScreen(face.box, placement), label: labels[best], caption };
  });
  for (const { box, label } of drawn) {
    // Draw around the face, not over it. A dark line on both sides keeps the colour visible on any background.
    for (const [colour, width] of [
      ["black", LINE + 2],
      [colourOf(label), LINE],
    ] as const) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.roundRect(box.left - LINE / 2, box.top - LINE / 2, box.width + LINE, box.height + LINE, 6);
      pen.stroke();
    }
  }
  // Draw the labels last, so no box covers them.
  for (const { box, label, caption } of drawn) {
    const fontSize = Math.max(MIN_FONT_SIZE, Math.min(box.width / 6, MAX_FONT_SIZE));
    pen.font = `600 ${fontSize}px system-ui, sans-serif`;
    const size = { width: pen.measureText(caption).width + 2 * PAD, height: fontSize * 1.2 + PAD };
    const { left, top } = labelCorner(box, size, frame, LINE + 1);
    pen.fillStyle = colourOf(label);
    pen.strokeStyle = "black";
    pen.lineWidth = 1;
    pen.beginPath();
    pen.roundRect(left, top, size.width, size.height, 5);
    pen.fill();
    pen.stroke();
    pen.fillStyle = inkOn(label);
    pen.textBaseline = "middle";
    pen.fillText(caption, left + PAD, top + size.height / 2 + 1);
  }
}

/** Return a context in CSS pixels, on a canvas with the screen's resolution. */
function sharpPen(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const height = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  return pen;
}
