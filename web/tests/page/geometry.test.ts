import { expect, test } from "vitest";
import { contain, labelCorner, onScreen, squareAround } from "../../src/page/geometry";

const image = { width: 640, height: 480 };

test("a wide frame has bars left and right of the image", () => {
  const placement = contain(image, { width: 1000, height: 480 }, false);
  expect(onScreen([0, 0, 640, 480], placement)).toEqual({ left: 180, top: 0, width: 640, height: 480 });
});

test("a narrow frame has bars above and below the image", () => {
  const placement = contain(image, { width: 320, height: 400 }, false);
  expect(onScreen([64, 48, 128, 96], placement)).toEqual({ left: 32, top: 104, width: 32, height: 24 });
});

test("a flipped box is as far from the right as it was from the left", () => {
  const frame = { width: 1000, height: 480 };
  const box = [10, 20, 110, 140];
  const [seen, mirrored] = [false, true].map((isMirrored) => onScreen(box, contain(image, frame, isMirrored)));
  expect(mirrored).toEqual({ ...seen, left: frame.width - seen.left - seen.width });
  expect(mirrored.left).toBe(1000 - 180 - 110);
});

test("a label is above its box, else below, else inside, and never leaves the frame", () => {
  const label = { width: 100, height: 20 };
  const frame = { width: 320, height: 240 };
  const at = (left: number, top: number, width: number, height: number) =>
    labelCorner({ left, top, width, height }, label, frame, 4);
  expect(at(50, 60, 80, 80)).toEqual({ left: 46, top: 36 });
  expect(at(50, 10, 80, 80)).toEqual({ left: 46, top: 94 });
  expect(at(50, -5, 80, 240)).toEqual({ left: 46, top: 0 });
  expect(at(300, 60, 20, 20)).toEqual({ left: 220, top: 36 });
  expect(at(-30, 60, 20, 20)).toEqual({ left: 0, top: 36 });
});

test("a thumbnail is the square around the box", () => {
  expect(squareAround([10, 20, 40, 80])).toEqual({ left: -5, top: 20, width: 60, height: 60 });
});
