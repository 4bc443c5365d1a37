/** Round to the nearest integer, and halves to the even integer, like Python's `round` and OpenCV's `cvRound`. */
export function round(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}
