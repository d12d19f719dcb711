// Keeps the page's own files for offline use. A version is a list of files with their hashes: it is kept whole or not at
// all, and a page gets all its files from one version. The build writes the two constants below; without a list nothing
// is kept and every file comes from the network.

/* stamp:begin */
const VERSION = "unstamped";
const FILES = {};
/* stamp:end */

const CACHE = `blumfeld:${self.registration.scope}:${VERSION}`;
const MINE = `blumfeld:${self.registration.scope}:`;
const stamped = Object.keys(FILES).length > 0;

async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A file that is not what the list says is of another version: then this one is not installed.
async function keep(cache, name, hash) {
  const url = new URL(name, self.registration.scope);
  const response = await fetch(url, { cache: "no-cache" });
  const bytes = await response.clone().arrayBuffer();
  if (!response.ok || (await digest(bytes)) !== hash) throw new Error(`${name} is not of version ${VERSION}`);
  await cache.put(url, response);
}

async function install() {
  const cache = await caches.open(CACHE);
  try {
    await Promise.all(Object.entries(FILES).map(([name, hash]) => keep(cache, name, hash)));
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

// Runs once no page of the version before is open: the browser waits for that, and so no page ever gets files of two.
async function activate() {
  const others = (await caches.keys()).filter((name) => name.startsWith(MINE) && name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
}

// The kept file of an address of ours, whatever stands behind its `?`.
async function answer(request, name) {
  const kept = await caches.match(new URL(name, self.registration.scope), { cacheName: CACHE });
  return kept ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const scope = self.registration.scope;
  if (!stamped || event.request.method !== "GET" || !(url.origin + url.pathname).startsWith(scope)) return;
  // The folder itself is index.html.
  const name = (url.origin + url.pathname).slice(scope.length) || "index.html";
  if (Object.hasOwn(FILES, name)) event.respondWith(answer(event.request, name));
});
