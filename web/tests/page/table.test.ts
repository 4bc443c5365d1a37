import { expect, test } from "vitest";
import { toCsv } from "../../src/page/table";
import type { Face } from "../../src/reader/faces";

const face = (trackId: number | null, ...probabilities: number[]): Face => ({
  box: [1, 2, 30, 40],
  score: 0.9,
  probabilities,
  trackId,
});

test("a camera's table has one row per face and frame", () => {
  const frames = [
    { timeS: 0, faces: [] },
    { timeS: 0.5, faces: [face(1, 0.25, 0.75), face(2, 0.6, 0.4)] },
    { timeS: 0.51, faces: [face(1, 0.5, 0.5)] },
  ];
  expect(toCsv("camera", frames, ["sad", "happy"]).split("\r\n")).toEqual([
    "path,time_s,track_id,x1,y1,x2,y2,score,emotion,confidence,sad,happy",
    "camera,0.500000,1,1,2,30,40,0.900000,happy,0.750000,0.250000,0.750000",
    "camera,0.500000,2,1,2,30,40,0.900000,sad,0.600000,0.600000,0.400000",
    "camera,0.510000,1,1,2,30,40,0.900000,sad,0.500000,0.500000,0.500000",
    "",
  ]);
});

test("a photo's table has no time and no track id", () => {
  expect(toCsv("beach.jpg", [{ timeS: null, faces: [face(null, 0, 1)] }], ["sad", "happy"]).split("\r\n")).toEqual([
    "path,time_s,track_id,x1,y1,x2,y2,score,emotion,confidence,sad,happy",
    "beach.jpg,,,1,2,30,40,0.900000,happy,1.000000,0.000000,1.000000",
    "",
  ]);
});

test("a label or a file name with a comma or a quote stays one field", () => {
  const frames = [{ timeS: null, faces: [face(null, 1, 0)] }];
  const [head, row] = toCsv("one, two.jpg", frames, ['not "sad", really', "sad"]).split("\r\n");
  expect(head).toMatch(/,emotion,confidence,"not ""sad"", really",sad$/);
  expect(row).toMatch(/^"one, two.jpg",,,1,.*,"not ""sad"", really",1.000000,1.000000,0.000000$/);
});
