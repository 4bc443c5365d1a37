import { expect, test } from "vitest";
import { whyUnsure } from "../../src/page/trust";
import { face } from "./face";

test("a face below 40 % is unsure", () => {
  expect(whyUnsure(face({ probabilities: [0.39, 0.31, 0.3] }))).toBe("too_uncertain");
  expect(whyUnsure(face({ probabilities: [0.4, 0.3, 0.3] }))).toBeNull();
});

test("a face below 32 pixels is unsure, and the longer side of the box counts", () => {
  expect(whyUnsure(face({ box: [0, 0, 20, 32] }))).toBeNull();
  expect(whyUnsure(face({ box: [10, 10, 41, 41] }))).toBe("too_small");
});
