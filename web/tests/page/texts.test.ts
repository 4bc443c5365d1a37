import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COLOURS, colourOf, OTHER_COLOUR } from "../../src/page/emotions";
import { labelText, languageOf, TEXTS, type TextKey, text } from "../../src/page/texts";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = read("index.html");
const emotions = Object.keys(COLOURS);

test.each(Object.entries(TEXTS))("%s exists in both languages, with the same values", (_, [english, chinese]) => {
  const values = (words: string): string[] => (words.match(/\{\w+\}/g) ?? []).sort();
  expect(english).not.toBe("");
  expect(chinese).not.toBe("");
  expect(values(chinese)).toEqual(values(english));
});

test("index.html has the English texts", () => {
  const written = [...page.matchAll(/data-text="(\w+)"[^>]*>([^<]*)</g)];
  expect(written.length).toBeGreaterThan(10);
  for (const [, key, words] of written) expect(words).toBe(text(key as TextKey, "en"));
  for (const [, key, words] of page.matchAll(/data-label="(\w+)"\s+aria-label="([^"]*)"/g)) {
    expect(words).toBe(text(key as TextKey, "en"));
  }
  for (const [, key, words] of page.matchAll(/data-title="(\w+)"\s+title="([^"]*)"/g)) {
    expect(words).toBe(text(key as TextKey, "en"));
  }
});

test("emotions have the names and colours of the Gradio demo", () => {
  const words = read("../mini_xception/demo/texts.py");
  const colours = read("../mini_xception/draw.py");
  for (const emotion of emotions) {
    expect(words).toContain(`"${emotion}": ("${labelText(emotion, "en")}", "${labelText(emotion, "zh")}")`);
  }
  expect(colours).toContain(`(${emotions.map((emotion) => `"${COLOURS[emotion]}"`).join(", ")})`);
  expect(colours).toContain(`OTHER_COLOUR = "${OTHER_COLOUR}"`);
});

test("the language is the browser's, or English", () => {
  expect(["zh-CN", "zh", "ZH-TW", "en-GB", "de", ""].map(languageOf)).toEqual(["zh", "zh", "zh", "en", "en", "en"]);
});

test("values are inserted into the text", () => {
  expect(text("speed", "en", { frames: 30, ms: 14 })).toBe("30 fps · 14 ms per frame");
});

test("other labels are shown unchanged", () => {
  expect(labelText("bored", "zh")).toBe("bored");
  expect(labelText("constructor", "en")).toBe("constructor");
  expect(labelText("start_camera", "zh")).toBe("start_camera");
  expect(labelText("happy", "zh")).toBe("高兴");
  expect(colourOf("bored")).toBe(OTHER_COLOUR);
});
