// A program that stops its cluster first, and then disconnects: it has to end by itself.
const { Cluster } = await import(new URL(process.argv[2]));
const { stopped } = await import("./stopped.mjs");
process.stdout.write(JSON.stringify(await stopped(await Cluster.start({ seed: 7 }))));
