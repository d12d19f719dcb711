// The engine's worker: loads its module, whose main says hello to the page.
import init from "./worker.js";

await init({ module_or_path: new URL("./worker_bg.wasm", import.meta.url) });
