/** Explanations: which parts of a face speak for a class, and which against it; see Python's `explain.py`. */

import type { Evidence } from "./faces";
import type { Image } from "./media/image";

/** Colours of parts that speak for a class and against it, RGB, from Okabe and Ito's colour-blind-safe palette. */
export const FOR: readonly number[] = [213, 94, 0];
export const AGAINST: readonly number[] = [0, 114, 178];
/** Opacity of the colours where the contrast equals the scale. */
export const OPACITY = 0.7;
/** Side of an overlay in pixels. */
export const SIDE = 240;

/**
 * Return a class's evidence minus the mean evidence of the other classes, in logits: above 0 where the crop speaks for
 * the class, below 0 where it speaks against it. With a single class, return its evidence.
 *
 * @param label index of the class.
 */
export function contrast(evidence: Evidence, label: number): number[][] {
  const others = evidence.filter((_, i) => i !== label);
  return evidence[label].map((row, y) =>
    row.map((cell, x) => cell - others.reduce((sum, map) => sum + map[y][x], 0) / (others.length || 1)),
  );
}

/** Return the largest absolute contrast of any class, in logits. All overlays of the face use this scale. */
export function scaleOf(evidence: Evidence): number {
  return Math.max(...evidence.flatMap((_, label) => contrast(evidence, label).flat().map(Math.abs)));
}

/** Interpolate cells between their centres: side × side values, row by row. */
export function upsample(cells: number[][], side: number): Float32Array {
  const upsampled = new Float32Array(side * side);
  const [rows, columns] = [positions(cells.length, side), positions(cells[0].length, side)];
  for (const [y, { low: top, high: bottom, share: down }] of rows.entries()) {
    for (const [x, { low: left, high: right, share: across }] of columns.entries()) {
      const above = cells[top][left] * (1 - across) + cells[top][right] * across;
      const below = cells[bottom][left] * (1 - across) + cells[bottom][right] * across;
      upsampled[y * side + x] = above * (1 - down) + below * down;
    }
  }
  return upsampled;
}

/**
 * Return a class's contrast as translucent colours, to be drawn over the upright crop: orange for the class, blue
 * against it. Alpha is OPACITY where the contrast is ± the scale, and 0 where it is 0.
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

/** For each pixel, return the two nearest cells and the share of the second one. */
function positions(cells: number, side: number): { low: number; high: number; share: number }[] {
  return Array.from({ length: side }, (_, pixel) => {
    const position = Math.min(Math.max(((pixel + 0.5) * cells) / side - 0.5, 0), cells - 1);
    const low = Math.floor(position);
    return { low, high: Math.min(low + 1, cells - 1), share: position - low };
  });
}
