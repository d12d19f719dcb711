// KafkaJS in a page whose cluster, in a worker, is stopped first: gives what became of its clients, and of sockets.
import { Cluster } from "blumfeld";
import { stopped } from "./stopped.mjs";

globalThis.runScript = async (options) =>
  stopped(await Cluster.start({ ...options, worker: new Worker("./worker.js", { type: "module" }) }));
