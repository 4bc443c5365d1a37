import { expect, test } from "vitest";
import { Announcer } from "../../src/page/announcer";

/** What is said of what is seen, a tenth of a second for each letter. */
function said(seen: string): string {
  const announcer = new Announcer();
  return [...seen].map((letter, i) => announcer.hear(letter, i / 10) ?? "").join("");
}

const held = (letter: string, s: number): string => letter.repeat(s * 10);

test("what holds is said once", () => {
  expect(said(held("a", 30))).toBe("a");
});

test("what passes is not said", () => {
  expect(said(held("a", 10) + held("b", 1) + held("a", 10))).toBe("a");
  expect(said("ab".repeat(100))).toBe("");
});

test("a change is said when it has settled", () => {
  expect(said(held("a", 10) + held("b", 2))).toBe("ab");
});

test("changes one after the other are not all said", () => {
  expect(said(held("a", 2) + held("b", 2) + held("c", 2) + held("d", 10))).toBe("acd");
});
