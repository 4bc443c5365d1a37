import { expect, test } from "vitest";
import { Timeline, WINDOW_S } from "../../src/page/timeline";
import type { Face } from "../../src/reader/faces";

const face = (trackId: number, ...probabilities: number[]): Face => ({
  box: [1, 2, 30, 40],
  score: 0.9,
  landmarks: [],
  probabilities,
  trackId,
  evidence: null,
});
const times = (timeline: Timeline, nowS: number): number[][] =>
  timeline.recent(nowS, null).map((stretch) => stretch.map((moment) => moment.timeS));

test("the chart shows the last 30 seconds", () => {
  const timeline = new Timeline();
  for (let s = 0; s <= 100; s++) timeline.add(s, [face(1, 0.2, 0.8)]);
  const [shown] = times(timeline, 100);
  expect(shown[0]).toBe(100 - WINDOW_S);
  expect(shown.at(-1)).toBe(100);
});

test("a new stretch begins after a gap of more than a second", () => {
  const timeline = new Timeline();
  for (const s of [1, 1.5, 2.5, 4, 4.5]) timeline.add(s, [face(1, 1)]);
  timeline.add(5, []);
  expect(times(timeline, 5)).toEqual([
    [1, 1.5, 2.5],
    [4, 4.5],
  ]);
});

test("the largest face, or a selected one", () => {
  const timeline = new Timeline();
  timeline.add(1, [face(1, 0.1, 0.9), face(2, 0.6, 0.4)]);
  timeline.add(2, [face(2, 0.7, 0.3), face(1, 0.2, 0.8)]);
  timeline.add(3, [face(2, 0.8, 0.2)]);
  const shown = (trackId: number | null) =>
    timeline.recent(3, trackId).flatMap((s) => s.map((m) => m.probabilities[0]));
  expect(shown(null)).toEqual([0.1, 0.7, 0.8]);
  expect(shown(1)).toEqual([0.1, 0.2]);
  expect(shown(2)).toEqual([0.6, 0.7, 0.8]);
  expect(shown(3)).toEqual([]);
});

test("60 frames per second are drawn as 10", () => {
  const timeline = new Timeline();
  for (let i = 0; i < 600; i++) timeline.add(5 + i / 60, [face(1, 1)]);
  expect(timeline.recent(15, null)[0]).toHaveLength(100);
});

test("the table gets every frame, with times since the first", () => {
  const timeline = new Timeline();
  const faces = [face(1, 0.25, 0.75), face(2, 0.6, 0.4)];
  timeline.add(100, []);
  timeline.add(100.5, faces);
  timeline.add(100.5625, faces.slice(0, 1));
  expect(timeline.frames).toEqual([
    { timeS: 0, faces: [] },
    { timeS: 0.5, faces },
    { timeS: 0.5625, faces: faces.slice(0, 1) },
  ]);
});

test("the last hour is kept, until it is forgotten", () => {
  const timeline = new Timeline();
  for (let s = 0; s <= 7300; s += 10) timeline.add(s, [face(1, 1)]);
  expect(timeline.frames.length).toBeGreaterThan(360);
  expect(timeline.frames.length).toBeLessThan(370);
  timeline.forget();
  expect(timeline.frames).toEqual([]);
});
