// A browser fetches the module from beside this file.
import init, { JsDoor } from "./engine.js";

/** Loads the engine's module, once. */
export async function load() {
  await init();
  return JsDoor;
}
