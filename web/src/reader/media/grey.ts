/** Grey levels of pixels. */

/** Compute OpenCV's `COLOR_RGB2GRAY`: 0.299 R + 0.587 G + 0.114 B, with weights in units of 2^-15. */
export function greyLevel(red: number, green: number, blue: number): number {
  return (9798 * red + 19235 * green + 3735 * blue + 16384) >> 15;
}
