import { expect, test } from "vitest";
import { toCsv } from "../../src/page/table";
import type { Face } from "../../src/reader/faces";

const face = (trackId: number | null, ...probabilities: number[]): Face => ({
  box: [1, 2, 30, 40],
  score: 0.9,
  landmarks: [
    [10, 20],
    [20, 30],
    [10, 30.25],
    [0, 30],
    [10, 40],
  ],
  probabilities,
  trackId,
  evidence: null,
});

const HEAD =
  "path,time_s,track_id,x1,y1,x2,y2,score,emotion,confidence,roll_degrees,left_eye_x,left_eye_y,right_eye_x," +
  "right_eye_y,nose_x,nose_y,left_mouth_corner_x,left_mouth_corner_y,right_mouth_corner_x,right_mouth_corner_y";
const LANDMARKS =
  "45.000000,10.000000,20.000000,20.000000,30.000000,10.000000,30.250000,0.000000,30.000000,10.000000,40.000000";

test("a camera's table has one row per face and frame", () => {
  const frames = [
    { timeS: 0, faces: [] },
    { timeS: 0.5, faces: [face(1, 0.25, 0.75), face(2, 0.6, 0.4)] },
    { timeS: 0.51, faces: [face(1, 0.5, 0.5)] },
  ];
  expect(toCsv("camera", frames, ["sad", "happy"]).split("\r\n")).toEqual([
    `${HEAD},sad,happy`,
    `camera,0.500000,1,1,2,30,40,0.900000,happy,0.750000,${LANDMARKS},0.250000,0.750000`,
    `camera,0.500000,2,1,2,30,40,0.900000,sad,0.600000,${LANDMARKS},0.600000,0.400000`,
    `camera,0.510000,1,1,2,30,40,0.900000,sad,0.500000,${LANDMARKS},0.500000,0.500000`,
    "",
  ]);
});

test("a photo's table has no time and no track id", () => {
  expect(toCsv("beach.jpg", [{ timeS: null, faces: [face(null, 0, 1)] }], ["sad", "happy"]).split("\r\n")).toEqual([
    `${HEAD},sad,happy`,
    `beach.jpg,,,1,2,30,40,0.900000,happy,1.000000,${LANDMARKS},0.000000,1.000000`,
    "",
  ]);
});

test("a label or a file name with a comma or a quote stays one field", () => {
  const frames = [{ timeS: null, faces: [face(null, 1, 0)] }];
  const [head, row] = toCsv("one, two.jpg", frames, ['not "sad", really', "sad"]).split("\r\n");
  expect(head).toMatch(/,right_mouth_corner_y,"not ""sad"", really",sad$/);
  expect(row).toMatch(/^"one, two.jpg",,,1,.*,"not ""sad"", really",1.000000,.*,1.000000,0.000000$/);
});
