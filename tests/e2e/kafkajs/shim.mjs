// What Node gives to every module, for KafkaJS in a page.
import { Buffer } from "buffer";
globalThis.Buffer = Buffer;
globalThis.process ??= {
  env: {},
  nextTick: (todo, ...args) => queueMicrotask(() => todo(...args)),
  version: "v20.0.0",
  versions: {},
};
globalThis.global ??= globalThis;
globalThis.setImmediate ??= (todo, ...args) => setTimeout(todo, 0, ...args);
export { Buffer };
export const process = globalThis.process;
