import { constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/**
 * Keeps ONNX Runtime's WebAssembly compressed, 3.7 MB instead of 14: many hosts send such a file as it lies there. The
 * reader unpacks it.
 */
export function pack(): Plugin {
  return {
    name: "pack",
    apply: "build",
    generateBundle(_, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type === "asset" && output.fileName.endsWith(".wasm")) {
          output.source = gzipSync(output.source, { level: constants.Z_BEST_COMPRESSION });
        }
      }
    },
  };
}
