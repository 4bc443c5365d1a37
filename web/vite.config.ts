import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // The page works in any folder of any host.
  build: { target: "es2022", assetsInlineLimit: 0, outDir: "../mini_xception/web", emptyOutDir: true },
  worker: { format: "es" },
});
