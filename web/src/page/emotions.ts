import type { Face } from "../reader/faces";

/** Emotion → colour, from Okabe and Ito's colour-blind-safe palette, as in `draw.py`. */
export const COLOURS: Readonly<Record<string, string>> = {
  angry: "#D55E00",
  disgust: "#009E73",
  fear: "#CC79A7",
  happy: "#F0E442",
  sad: "#0072B2",
  surprise: "#56B4E9",
  neutral: "#BDBDBD",
};
/** Colour of labels that are not one of the seven emotions. */
export const OTHER_COLOUR = "#E69F00";

/** Colour of faces whose expression is not stated. */
export const UNSURE_COLOUR = "#FFFFFF";

export function colourOf(label: string): string {
  return COLOURS[label] ?? OTHER_COLOUR;
}

/** Return a text colour that is readable on a label's colour. */
export function inkOn(label: string): string {
  return ["sad", "angry", "disgust"].includes(label) ? "white" : "black";
}

/** Return the index of the highest probability, or the first such index if several are equal. */
export function indexOfHighest(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** Return the number that the page shows for a face: its track id, or its position in a photo, counted from 1. */
export function numberOf(face: Face, faces: readonly Face[]): number {
  return face.trackId ?? faces.indexOf(face) + 1;
}
