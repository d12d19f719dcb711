// The engine in a worker of its own. The first message says which cluster; what follows is between a cluster and its host.
import { load } from "#load";
import { Host } from "./host.js";

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
