// The script in a page, over an engine in a worker.
import { Cluster } from "blumfeld";
import { script } from "./script.mjs";

globalThis.runScript = async (options) => {
  const cluster = await Cluster.start({ ...options, worker: new Worker("./worker.js", { type: "module" }) });
  const { brokers, socketFactory } = cluster;
  const saw = await script({ brokers, socketFactory });
  const trace = await cluster.trace();
  cluster.stop();
  return { saw, trace };
};
