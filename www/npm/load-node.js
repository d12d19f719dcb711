// Node has the module's bytes in a file beside this one.
import { readFile } from "node:fs/promises";
import { JsDoor, initSync } from "./engine.js";

/** Loads the engine's module, once. */
export async function load() {
  initSync({ module: await readFile(new URL("./engine_bg.wasm", import.meta.url)) });
  return JsDoor;
}
