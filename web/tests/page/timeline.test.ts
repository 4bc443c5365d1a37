import { expect, test } from "vitest";
import { Timeline, WINDOW_S } from "../../src/page/timeline";
import type { Face } from "../../src/protocol";

const face = (id: number, ...probabilities: number[]): Face => ({ id, box: [1, 2, 30, 40], score: 0.9, probabilities });
const times = (timeline: Timeline, nowS: number, id: number | null = null): number[][] =>
  timeline.recent(nowS, id).map((stretch) => stretch.map((moment) => moment.timeS));

test("only the last half minute is shown", () => {
  const timeline = new Timeline();
  for (let s = 0; s <= 100; s++) timeline.add(s, [face(1, 0.2, 0.8)]);
  const [shown] = times(timeline, 100);
  expect(shown[0]).toBe(100 - WINDOW_S);
  expect(shown.at(-1)).toBe(100);
});

test("where the face was away for more than a second, a new stretch begins", () => {
  const timeline = new Timeline();
  for (const s of [1, 1.5, 2.5, 4, 4.5]) timeline.add(s, [face(1, 1)]);
  timeline.add(5, []);
  expect(times(timeline, 5)).toEqual([
    [1, 1.5, 2.5],
    [4, 4.5],
  ]);
});

test("the largest face or the one that is asked for", () => {
  const timeline = new Timeline();
  timeline.add(1, [face(1, 0.1, 0.9), face(2, 0.6, 0.4)]);
  timeline.add(2, [face(2, 0.7, 0.3), face(1, 0.2, 0.8)]);
  timeline.add(3, [face(2, 0.8, 0.2)]);
  const shown = (id: number | null) => timeline.recent(3, id).flatMap((s) => s.map((m) => m.probabilities[0]));
  expect(shown(null)).toEqual([0.1, 0.7, 0.8]);
  expect(shown(1)).toEqual([0.1, 0.2]);
  expect(shown(2)).toEqual([0.6, 0.7, 0.8]);
  expect(shown(3)).toEqual([]);
});

test("sixty frames a second are drawn as ten", () => {
  const timeline = new Timeline();
  for (let i = 0; i < 600; i++) timeline.add(5 + i / 60, [face(1, 1)]);
  expect(timeline.recent(15, null)[0]).toHaveLength(100);
});

test("the table has the columns of mini-xception video --csv, every frame, and times since the first", () => {
  const timeline = new Timeline();
  timeline.add(100, []);
  timeline.add(100.5, [face(1, 0.25, 0.75), face(2, 0.6, 0.4)]);
  timeline.add(100.51, [face(1, 0.5, 0.5)]);
  expect(timeline.toCsv(["sad", "happy"]).split("\r\n")).toEqual([
    "time_s,face_id,x1,y1,x2,y2,score,emotion,sad,happy",
    "0.500000,1,1,2,30,40,0.900000,happy,0.250000,0.750000",
    "0.500000,2,1,2,30,40,0.900000,sad,0.600000,0.400000",
    "0.510000,1,1,2,30,40,0.900000,sad,0.500000,0.500000",
    "",
  ]);
});

test("a label with a comma or a quote stays one field", () => {
  const timeline = new Timeline();
  timeline.add(0, [face(1, 1, 0)]);
  const [head, row] = timeline.toCsv(['not "sad", really', "sad"]).split("\r\n");
  expect(head).toMatch(/,emotion,"not ""sad"", really",sad$/);
  expect(row).toMatch(/,"not ""sad"", really",1.000000,0.000000$/);
});

test("the last hour is kept, and nothing once it is forgotten", () => {
  const timeline = new Timeline();
  for (let s = 0; s <= 7300; s += 10) timeline.add(s, [face(1, 1)]);
  const rows = timeline.toCsv(["sad"]).trim().split("\r\n").length - 1;
  expect(rows).toBeGreaterThan(360);
  expect(rows).toBeLessThan(370);
  timeline.forget();
  expect(timeline.toCsv(["sad"]).trim().split("\r\n")).toHaveLength(1);
});
