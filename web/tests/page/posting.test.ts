import { expect, test } from "vitest";
import { checkTarget, toMessage } from "../../src/page/posting";
import { face } from "./face";

test.each([
  ["https://example.org", "https://example.org"],
  ["HTTPS://Example.org:443", "https://example.org"],
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
  ["https://[::1]:8000", "https://[::1]:8000"],
])("%s is an origin", (value, origin) => {
  expect(checkTarget(value, true, undefined)).toEqual({ origin });
  expect(checkTarget(value, true, origin)).toEqual({ origin });
});

test.each([
  ...["", "*", "null", "/", "example.org", "https://", "https://*", "https://*.example.org", "https://example.org/"],
  ...["https://example.org/page", "https://example.org?x", "https://example.org#x", "https://me@example.org"],
  ...["https:\\\\example.org", "https://example.org\\page", "https://example.org https://b.org", "https://a:99999"],
  ...["javascript:alert(1)", "data:text/html,x", "file:///", "blob:https://example.org", "ws://example.org"],
])("“%s” is none", (value) => {
  expect(checkTarget(value, true, undefined)).toEqual({ fault: "post_invalid" });
});

test("nothing is posted without a frame, or to a page with another origin", () => {
  expect(checkTarget("https://example.org", false, undefined)).toEqual({ fault: "post_unframed" });
  expect(checkTarget("https://example.org", true, "https://example.com")).toEqual({ fault: "post_elsewhere" });
});

test("a message has faces, a time and a size, and no image", () => {
  const evidence = [[[1, 2]], [[3, 4]]];
  const message = toMessage(
    [face({ trackId: 1, evidence }), face()],
    ["sad", "happy"],
    { width: 640, height: 480 },
    1234,
  );
  expect(message).toMatchObject({ type: "mini-xception", version: 1, time_ms: 1234, width: 640, height: 480 });
  expect(message.faces).toMatchObject([
    { emotion: "happy", probabilities: { sad: 0.25, happy: 0.75 }, track_id: 1 },
    { track_id: null, evidence: null },
  ]);
  expect(message.faces[0].evidence).toEqual({ sad: [[1, 2]], happy: [[3, 4]] });
  expect(structuredClone(message)).toEqual(message);
});
