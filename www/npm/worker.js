// The engine in a worker of its own. The first message says which cluster; what follows is between a cluster and its host.
// It names its files itself, and no import map reaches a worker: without a bundler it loads as it is.
import { Host } from "./host.js";
import { load } from "./load-web.js";

let host = null;
const early = [];

onmessage = async ({ data }) => {
  if (host) return host.handle(data);
  if (!("start" in data)) return early.push(data);
  try {
    const { brokers, seed, epoch } = data.start;
    const JsDoor = await load();
    host = new Host(new JsDoor(brokers, seed, epoch), (message) => postMessage(message));
    postMessage({ started: true });
    early.forEach((message) => host.handle(message));
  } catch (error) {
    postMessage({ failed: String(error.message ?? error) });
  }
};
