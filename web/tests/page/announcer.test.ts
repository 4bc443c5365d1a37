import { expect, test } from "vitest";
import { Announcer } from "../../src/page/announcer";

/** Return the announcements for these texts. Each letter is a text of 0.1 s. */
function announced(texts: string): string {
  const announcer = new Announcer();
  return [...texts].map((letter, i) => announcer.update(letter, i / 10) ?? "").join("");
}

const held = (letter: string, s: number): string => letter.repeat(s * 10);

test("a settled text is announced once", () => {
  expect(announced(held("a", 30))).toBe("a");
});

test("a short-lived text is not announced", () => {
  expect(announced(held("a", 10) + held("b", 1) + held("a", 10))).toBe("a");
  expect(announced("ab".repeat(100))).toBe("");
});

test("a change is announced after it has settled", () => {
  expect(announced(held("a", 10) + held("b", 2))).toBe("ab");
});

test("changes in quick succession are not all announced", () => {
  expect(announced(held("a", 2) + held("b", 2) + held("c", 2) + held("d", 10))).toBe("acd");
});
