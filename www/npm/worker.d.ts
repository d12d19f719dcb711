// A module worker that has the engine: `new Worker(url, { type: "module" })` starts it, and `Cluster.start` takes it.
export {};
