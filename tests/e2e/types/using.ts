// What ends with its block: the symbols of TypeScript's own library are the package's.
import { Cluster } from "blumfeld";

export async function block(): Promise<number> {
  await using cluster = await Cluster.start();
  using same = cluster;
  return same.now();
}
