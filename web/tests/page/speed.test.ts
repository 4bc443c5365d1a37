import { expect, test } from "vitest";
import { Speed } from "../../src/page/speed";

test("without answers, both values are 0", () => {
  const speed = new Speed();
  expect([speed.framesPerS, speed.typicalMs]).toEqual([0, 0]);
  speed.count(5, 12);
  expect([speed.framesPerS, speed.typicalMs]).toEqual([0, 12]);
});

test("answers 40 ms apart are 25 per second, and one slow answer does not change the typical time", () => {
  const speed = new Speed();
  for (let i = 0; i < 50; i++) speed.count(i * 40, i === 25 ? 900 : 14);
  expect(speed.framesPerS).toBeCloseTo(25);
  expect(speed.typicalMs).toBe(14);
});

test("less than one answer per second is not 0", () => {
  const speed = new Speed();
  for (let i = 0; i < 5; i++) speed.count(i * 4000, 3900);
  expect(speed.framesPerS).toBeCloseTo(0.25);
});

test("only the last two seconds count", () => {
  const speed = new Speed();
  for (let i = 0; i < 100; i++) speed.count(i * 100, 80);
  for (let i = 0; i <= 200; i++) speed.count(10_000 + i * 20, 10);
  expect(speed.framesPerS).toBeCloseTo(50);
  expect(speed.typicalMs).toBe(10);
});
