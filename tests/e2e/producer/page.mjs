// The script in a page, over an engine in a worker.
import { Cluster } from "blumfeld";
import { script } from "./script.mjs";

globalThis.runScript = async () => {
  const worker = new Worker("./worker.js", { type: "module" });
  const cluster = await Cluster.start({ seed: 7, worker });
  const refused = async (partitioner) =>
    cluster.producer({ partitioner }).then(
      () => "accepted",
      ({ name, message }) => `${name}: ${message}`,
    );
  const told = {
    function: await refused(() => 0),
    missing: await refused("./nowhere.mjs"),
    setting: await cluster.producer({ acks: "most" }).catch(({ name, message }) => `${name}: ${message}`),
  };
  const saw = await script(cluster, "./by-value.mjs");
  cluster.stop();
  return { saw, told };
};
