// A script with KafkaJS in a page of its own, beside the npm package.
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { launch, serve } from "../lib.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Bundles `entry` and the package's worker, serves them with `files`, and opens the page. Gives `{ page, errors, url }`; all is
 * gone when the test `t` ends. `serving` is for the server.
 */
export async function openBundled(t, packed, entry, files = [], serving = {}) {
  const folder = await mkdtemp(join(tmpdir(), "blumfeld-kafkajs-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(packed, folder, { recursive: true });
  for (const file of files) await cp(file, join(folder, file.split("/").pop()));
  const shared = { bundle: true, format: "esm", platform: "browser", logLevel: "error", absWorkingDir: here("..") };
  await esbuild.build({
    ...shared,
    entryPoints: [entry],
    outfile: join(folder, "page.js"),
    inject: [here("shim.mjs")],
    alias: {
      blumfeld: join(packed, "index.js"),
      net: here("none.mjs"),
      tls: here("none.mjs"),
      crypto: "crypto-browserify",
      stream: "stream-browserify",
      zlib: "browserify-zlib",
    },
  });
  await esbuild.build({ ...shared, entryPoints: [join(packed, "worker.js")], outfile: join(folder, "worker.js") });
  await writeFile(
    join(folder, "index.html"),
    '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>',
  );
  const server = await serve([folder], serving);
  t.after(() => server.close());
  const browser = await launch();
  t.after(() => browser.close());
  const page = await browser.context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(server.url);
  await page.waitForFunction(() => globalThis.runScript);
  return { page, errors, url: server.url };
}
