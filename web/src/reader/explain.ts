/** Explanations: which parts of a face are evidence for a class, and which against it; see Python's `explain.py`. */

import type { Evidence } from "./faces";
import type { Image } from "./media/image";

/** Colours of evidence for a class and against it, RGB, from Okabe and Ito's colour-blind-safe palette. */
export const FOR: readonly number[] = [213, 94, 0];
export const AGAINST: readonly number[] = [0, 114, 178];
/** Opacity of the colours where the value equals the scale. */
export const OPACITY = 0.7;
/**
 * Where the centre of a cell's receptive field lies in the cell, from its top or left edge, and the standard deviation of
 * the Gaussian around it; both are fractions of the cell's side.
 */
export const CENTRE = 2.5 / 16;
export const SPREAD = 0.5;
/** Side of an overlay in pixels, and of the smaller ones in which the largest value is searched. */
export const SIDE = 240;
export const SCALE_SIDE = 48;

/**
 * Return a class's evidence minus the mean evidence of the other classes, in logits: above 0 where the crop is
 * evidence for the class, below 0 where it is evidence against it. With a single class, return its evidence.
 *
 * @param label index of the class.
 */
export function contrast(evidence: Evidence, label: number): number[][] {
  const others = evidence.filter((_, i) => i !== label);
  return evidence[label].map((row, y) =>
    row.map((cell, x) => cell - others.reduce((sum, map) => sum + map[y][x], 0) / (others.length || 1)),
  );
}

/** Return the largest absolute value in any class's overlay, in logits. All overlays of the face use this scale. */
export function scaleOf(evidence: Evidence): number {
  let largest = 0;
  for (const label of evidence.keys()) {
    for (const value of upsample(contrast(evidence, label), SCALE_SIDE)) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}

/**
 * Spread each cell over the pixels as a Gaussian around the centre of its receptive field: side × side values, row by
 * row. Their mean is the mean of the cells.
 */
export function upsample(cells: number[][], side: number): Float32Array {
  const upsampled = new Float32Array(side * side);
  const rows = spread(cells.length, side);
  const columns = spread(cells[0].length, side);
  for (let y = 0; y < side; y++) {
    const across = columns.map((_, j) => cells.reduce((sum, row, i) => sum + rows[i][y] * row[j], 0));
    for (let x = 0; x < side; x++) {
      let value = 0;
      for (let j = 0; j < across.length; j++) value += across[j] * columns[j][x];
      upsampled[y * side + x] = value;
    }
  }
  return upsampled;
}

/**
 * Return a class's contrast as translucent colours, to be drawn over the upright crop: orange for the class, blue
 * against it. Alpha is OPACITY where the value is ± the scale, and 0 where it is 0.
 *
 * @param label index of the class.
 */
export function heat(evidence: Evidence, label: number, side = SIDE): Image {
  const scale = scaleOf(evidence) || 1;
  const data = new Uint8ClampedArray(4 * side * side);
  upsample(contrast(evidence, label), side).forEach((value, i) => {
    data.set(value > 0 ? FOR : AGAINST, 4 * i);
    data[4 * i + 3] = (255 * OPACITY * Math.abs(value)) / scale;
  });
  return { data, width: side, height: side };
}

/** Return the weight of each cell in each pixel, cells × side. */
function spread(cells: number, side: number): number[][] {
  return Array.from({ length: cells }, (_, cell) => {
    const weights = Array.from({ length: side }, (_, pixel) => {
      const distance = ((pixel + 0.5) * cells) / side - cell - CENTRE;
      return Math.exp(-0.5 * (distance / SPREAD) ** 2);
    });
    const sum = weights.reduce((total, weight) => total + weight);
    return weights.map((weight) => (weight * side) / cells / sum);
  });
}
