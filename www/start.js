// Loads the page's module. Before that: language and theme, so that nothing flashes. After it: the service worker, with
// which the page works offline; a new version is fetched whole while this one runs, and begins once its tabs are closed.

const root = document.documentElement;
const asked = new URLSearchParams(location.search);

function recall(key) {
  try {
    return localStorage.getItem(`blumfeld.${key}`);
  } catch {
    return null; // A browser that keeps nothing.
  }
}

const lang = asked.get("lang") ?? recall("lang") ?? navigator.language;
root.lang = lang.startsWith("ko") ? "ko" : "en";
const theme = asked.get("theme") ?? recall("theme");
if (theme === "light" || theme === "dark") root.dataset.theme = theme;

function fail(error) {
  console.error(error);
  root.dataset.state = "panicked";
  root.dataset.unloaded = "";
}

async function start() {
  if (typeof WebAssembly !== "object" || typeof Worker !== "function") {
    throw new Error("no WebAssembly or no workers");
  }
  const { default: init } = await import("./blumfeld-app.js");
  await init({ module_or_path: new URL("./blumfeld-app_bg.wasm", import.meta.url) });
  // After the page stands: what it loads for offline use does not slow its beginning.
  // A page without it (another path's rules, a private window) works all the same, but not offline.
  navigator.serviceWorker
    ?.register("./sw.js", { scope: "./", updateViaCache: "none" })
    .then((registration) => registration.active && registration.update())
    .catch(() => {});
}

start().catch(fail);
