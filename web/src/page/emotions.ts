/** A colour for each emotion, from Okabe and Ito's palette, which colour-blind people can tell apart; as in `draw.py`. */
export const COLOURS: Readonly<Record<string, string>> = {
  angry: "#D55E00",
  disgust: "#009E73",
  fear: "#CC79A7",
  happy: "#F0E442",
  sad: "#0072B2",
  surprise: "#56B4E9",
  neutral: "#BDBDBD",
};
/** For the labels of checkpoints that were trained on others. */
export const OTHER_COLOUR = "#E69F00";

export function colourOf(label: string): string {
  return COLOURS[label] ?? OTHER_COLOUR;
}

/** The colour of letters on a label's colour. */
export function inkOn(label: string): string {
  return ["sad", "angry", "disgust"].includes(label) ? "white" : "black";
}

/** Which label's probability is the highest; of equal ones the first. */
export function indexOfHighest(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities));
}
