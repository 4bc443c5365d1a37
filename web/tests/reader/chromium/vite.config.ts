import { defineConfig } from "vite";
import { pack } from "../../../pack.ts";

export default defineConfig({
  base: "./",
  build: { target: "es2022" },
  worker: { format: "es" },
  plugins: [pack()],
});
