import { expect, test } from "vitest";
import { toJson } from "../../src/page/records";
import { face } from "./face";

const labels = ["sad", "happy"];
const record = {
  box: [10, 20, 110, 140],
  score: 0.9,
  emotion: "happy",
  confidence: 0.75,
  probabilities: { sad: 0.25, happy: 0.75 },
  track_id: null,
  landmarks: [
    [40, 60],
    [80, 60],
    [60, 80],
    [45, 100],
    [75, 100],
  ],
  roll_degrees: 0,
};

test("a photo's faces are those of the command line", () => {
  const json = toJson("beach.jpg", [{ timeS: null, faces: [face()] }], labels);
  expect(JSON.parse(json)).toEqual({ path: "beach.jpg", faces: [record] });
});

test("a camera's faces stand frame by frame", () => {
  const frames = [
    { timeS: 0, faces: [] },
    { timeS: 0.5, faces: [face({ trackId: 3 })] },
  ];
  expect(JSON.parse(toJson("camera", frames, labels))).toEqual({
    path: "camera",
    frames: [
      { time_s: 0, faces: [] },
      { time_s: 0.5, faces: [{ ...record, track_id: 3 }] },
    ],
  });
});
