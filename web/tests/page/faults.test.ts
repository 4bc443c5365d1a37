import { expect, test } from "vitest";
import { cameraFault, workerFault } from "../../src/page/faults";

test.each([
  ["NotAllowedError", "camera_refused"],
  ["SecurityError", "camera_refused"],
  ["NotFoundError", "camera_missing"],
  ["NotReadableError", "camera_in_use"],
  ["AbortError", "camera_in_use"],
])("getUserMedia's %s is %s", (name, key) => {
  expect(cameraFault(new DOMException("", name)).key).toBe(key);
});

test.each([
  ["no-simd", "no_simd"],
  ["no-download", "no_download"],
  ["bad-checkpoint", "bad_checkpoint"],
  ["lost-device", "lost_device"],
  ["bad-image", "bad_image"],
  ["other", "other"],
] as const)("the worker's %s is %s, with the detail for the console", (failure, key) => {
  const fault = workerFault(failure, "model.onnx: 404");
  expect(fault.key).toBe(key);
  expect(fault.message).toBe("model.onnx: 404");
});
