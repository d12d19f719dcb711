//! Serving the page: static files on the loopback, as any web server would.

use std::fs::File;
use std::path::{Component, Path};

use anyhow::{Context, Result, anyhow, bail};
use tiny_http::{Header, Method, Response, Server};

use crate::module::Effort;
use crate::{page, setup};

/// Builds the page and serves it until Ctrl-C.
pub fn run(args: &[String]) -> Result<()> {
    let port = match args {
        [] => None,
        [flag, port] if flag == "--port" => Some(
            port.parse::<u16>()
                .with_context(|| format!("--port takes a number from 0 to 65535, not '{port}'"))?,
        ),
        other => bail!("serve takes --port N and nothing else, not {other:?}"),
    };
    let dist = page::build(Effort::Quick)?;
    let listen =
        |port: u16| Server::http(("127.0.0.1", port)).map_err(|error| anyhow!("port {port}: {error}"));
    let server = match port {
        Some(port) => listen(port)?,
        None => listen(8080).or_else(|_| listen(0))?,
    };
    let address = server.server_addr().to_ip().context("no address")?;
    setup::say(&format!("Blumfeld is at http://localhost:{}/ (Ctrl-C ends it)", address.port()));
    for request in server.incoming_requests() {
        let answered = match find(&dist, request.url()) {
            Some((file, kind)) if matches!(request.method(), Method::Get | Method::Head) => {
                let mut response = Response::from_file(file);
                for (name, value) in [("Content-Type", kind), ("Cache-Control", "no-cache")] {
                    if let Ok(header) = Header::from_bytes(name, value) {
                        response.add_header(header);
                    }
                }
                request.respond(response)
            }
            _ => request.respond(Response::empty(404)),
        };
        // A browser that left in the middle of an answer is no concern of ours.
        drop(answered);
    }
    Ok(())
}

/// The file that a URL names, and its type.
fn find(dist: &Path, url: &str) -> Option<(File, &'static str)> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let kind = match path.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    };
    let file = dist.join(path);
    if !file.is_file() {
        return None;
    }
    Some((File::open(file).ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_page_are_served() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(find(src, "/src/serve.rs?v=1").is_some());
        for url in ["/../xtask/Cargo.toml", "/src", "/src/../Cargo.toml", "/nothing.js", "//etc/passwd.js"] {
            assert!(find(src, url).is_none(), "{url}");
        }
    }
}
