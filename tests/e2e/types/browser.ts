// In a browser: its types alone.
import { Cluster } from "blumfeld";
import type {} from "blumfeld/worker";

export const inWorker = () =>
  Cluster.start({ worker: new Worker(new URL("blumfeld/worker", import.meta.url), { type: "module" }) });
// @ts-expect-error a worker, not where it is
export const wrong = () => Cluster.start({ worker: "worker.js" });
