//! The least web server: files of one folder, for this machine alone.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

const TYPES: [(&str, &str); 10] = [
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
];

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `folder` on `port` of this machine; 0 takes any that is free.
    ///
    /// # Errors
    /// Where the port is taken.
    pub fn start(folder: &Path, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port}"))?;
        let (address, ends) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let (folder, ended) = (folder.to_owned(), Arc::clone(&ends));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let folder = folder.clone();
                // A browser that hangs up is no concern of the server.
                thread::spawn(move || drop(answer(&stream, &folder)));
            }
        });
        Ok(Self { address, ends, thread: Some(thread) })
    }

    /// The address of the folder's `index.html`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until somebody ends the program.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes it, so that it sees that it ends; the port is free when it has.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The page's own policy, for all files: a worker's code keeps to the header that it came with, not to the page's.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; worker-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'";

fn answer(mut stream: &TcpStream, folder: &Path) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
    let found =
        request.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).and_then(|path| below(folder, path));
    let (status, kind, body) = match found.and_then(|path| Some((content_type(&path), fs::read(path).ok()?))) {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", "text/plain", b"not here\n".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n\
         Content-Security-Policy: {POLICY}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// The file that an address means: none above the folder.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| folder.join(path))
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str());
    TYPES.iter().find(|(known, _)| Some(*known) == extension).map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::scratch::Scratch;

    fn get(server: &Server, path: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn files_of_the_folder_are_served_and_no_others() {
        let scratch = Scratch::new();
        scratch.write("site/index.html", b"<title>here</title>");
        scratch.write("site/a.wasm", b"wasm");
        scratch.write("secret", b"secret");
        let server = Server::start(&scratch.path().join("site"), 0).unwrap();
        let index = get(&server, "/?x");
        assert!(index.contains(&format!("\r\nContent-Security-Policy: {POLICY}\r\n")));
        assert!(include_str!("../../../web/index.html").contains(&format!("\"{POLICY}\"")), "not the page's policy");
        assert!(include_str!("../../../README.md").contains(&format!("Content-Security-Policy: {POLICY}")));
        assert!(index.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html") && index.ends_with("here</title>"));
        assert!(get(&server, "/a.wasm").contains("Content-Type: application/wasm"));
        for path in ["/../secret", "//etc/passwd", "/absent", "secret", ""] {
            assert!(get(&server, path).starts_with("HTTP/1.1 404"), "{path}");
        }
        let address = server.address;
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
