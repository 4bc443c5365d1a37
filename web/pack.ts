import { constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/**
 * Compresses ONNX Runtime's WebAssembly, from 14 MB to 3.7 MB, because many hosts send such files uncompressed. The
 * reader decompresses it.
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
