// The script in a page, over an engine in a worker.
import { Cluster } from "blumfeld";
import { reads, refused, triggers, waits } from "./script.mjs";

globalThis.runScript = async (options) => {
  const cluster = await Cluster.start({ ...options, worker: new Worker("./worker.js", { type: "module" }) });
  return {
    reads: await reads(cluster),
    refused: await refused(cluster),
    triggers: await triggers(cluster),
    waits: await waits(cluster),
  };
};
