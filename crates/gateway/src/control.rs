//! Commands from the standard input, for whoever drives the gateway from a script.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use mio::Waker;

/// Reads lines in a thread of its own; each wakes the server.
pub fn listen(waker: Arc<Waker>) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
    });
    receiver
}
