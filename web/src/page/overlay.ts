import type { Face } from "../reader/faces";
import type { Framing } from "../reader/network/preprocess";
import { colourOf, indexOfHighest, inkOn, numberOf, UNSURE_COLOUR } from "./emotions";
import { contain, labelCorner, onScreen, type Placement, type Rectangle, type Size } from "./geometry";
import { type Language, labelText, percent, text } from "./texts";
import { whyUnsure } from "./trust";

/** Sizes in CSS pixels. */
const LINE = 3;
const HIGHLIGHTED_LINE = 6;
const PAD = 5;
const MIN_FONT_SIZE = 12;
const MAX_FONT_SIZE = 18;
/** Dashes of a face whose expression is not stated. */
const DASHES = [9, 7];
/** Opacity of the other faces while one is highlighted. */
const FADED = 0.45;
/** In a saved image, lines and labels are as large as if its longer side had this many CSS pixels. */
const SAVED_SIDE = 900;

/** How the faces are drawn, and what is written at them. */
export interface Style {
  /** In the order of the probabilities. */
  labels: readonly string[];
  framing: Framing;
  language: Language;
  /** Number of the face that is emphasised; null for none. */
  highlighted: number | null;
}

/**
 * Draw every face's box, expression and confidence onto a canvas that covers the image.
 *
 * @param placement how the image is placed under the canvas.
 */
export function drawOver(canvas: HTMLCanvasElement, faces: readonly Face[], placement: Placement, style: Style): void {
  const frame = { width: canvas.clientWidth, height: canvas.clientHeight };
  const pen = sharpPen(canvas);
  pen.clearRect(0, 0, frame.width, frame.height);
  drawFaces(pen, faces, placement, frame, style);
}

/** Return a copy of an image with the faces drawn on it, in the image's own resolution, as JPEG. */
export async function annotatedImage(
  image: CanvasImageSource,
  { width, height }: Size,
  faces: readonly Face[],
  style: Style,
): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
  pen.fillStyle = "white"; // JPEG has no transparency.
  pen.fillRect(0, 0, width, height);
  pen.drawImage(image, 0, 0, width, height);
  const scale = Math.max(width, height) / SAVED_SIDE;
  pen.scale(scale, scale);
  const frame = { width: width / scale, height: height / scale };
  drawFaces(pen, faces, contain({ width, height }, frame, false), frame, style);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

type Pen = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

interface Drawn {
  box: Rectangle;
  colour: string;
  ink: string;
  caption: string;
  isUnsure: boolean;
  opacity: number;
  line: number;
}

function drawFaces(pen: Pen, faces: readonly Face[], placement: Placement, frame: Size, style: Style): void {
  const drawn = faces.map((face) => prepare(face, faces, placement, style));
  for (const face of drawn) drawBox(pen, face);
  // Draw the labels last, so no box covers them.
  for (const face of drawn) drawLabel(pen, face, frame);
  pen.globalAlpha = 1;
}

function prepare(face: Face, faces: readonly Face[], placement: Placement, style: Style): Drawn {
  const { labels, language, highlighted } = style;
  const number = numberOf(face, faces);
  const best = indexOfHighest(face.probabilities);
  const isUnsure = whyUnsure(face) !== null;
  const answer = isUnsure
    ? text("unsure", language)
    : `${labelText(labels[best], language)} ${percent(face.probabilities[best])}`;
  return {
    box: onScreen(face.box, placement),
    colour: isUnsure ? UNSURE_COLOUR : colourOf(labels[best]),
    ink: isUnsure ? "black" : inkOn(labels[best]),
    caption: faces.length > 1 ? `${number}: ${answer}` : answer,
    isUnsure,
    opacity: highlighted === null || highlighted === number ? 1 : FADED,
    line: highlighted === number ? HIGHLIGHTED_LINE : LINE,
  };
}

function drawBox(pen: Pen, { box, colour, isUnsure, opacity, line }: Drawn): void {
  pen.globalAlpha = opacity;
  // Draw around the face, not over it. A dark line on both sides keeps the colour visible on any background.
  for (const [stroke, width] of [
    ["black", line + 2],
    [colour, line],
  ] as const) {
    pen.setLineDash(isUnsure && stroke !== "black" ? DASHES : []);
    pen.strokeStyle = stroke;
    pen.lineWidth = width;
    pen.beginPath();
    pen.roundRect(box.left - line / 2, box.top - line / 2, box.width + line, box.height + line, 6);
    pen.stroke();
  }
  pen.setLineDash([]);
}

function drawLabel(pen: Pen, { box, colour, ink, caption, opacity, line }: Drawn, frame: Size): void {
  pen.globalAlpha = opacity;
  const fontSize = Math.max(MIN_FONT_SIZE, Math.min(box.width / 6, MAX_FONT_SIZE));
  pen.font = `600 ${fontSize}px system-ui, sans-serif`;
  const size = { width: pen.measureText(caption).width + 2 * PAD, height: fontSize * 1.2 + PAD };
  const { left, top } = labelCorner(box, size, frame, line + 1);
  pen.fillStyle = colour;
  pen.strokeStyle = "black";
  pen.lineWidth = 1;
  pen.beginPath();
  pen.roundRect(left, top, size.width, size.height, 5);
  pen.fill();
  pen.stroke();
  pen.fillStyle = ink;
  pen.textBaseline = "middle";
  pen.fillText(caption, left + PAD, top + size.height / 2 + 1);
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
