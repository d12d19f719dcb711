//! What the server is asked besides requests of Kafka clients: lines from the standard input, and calls of the program
//! that it is a part of.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use blumfeld_sim::World;
use mio::Waker;

/// Looks at the world, and may change it, each time that something happened; over once it gives true.
pub type Watch = Box<dyn FnMut(&mut World) -> bool + Send>;

/// What the server is asked.
pub enum Errand {
    /// A line of the standard input, answered on the standard output.
    Line(
        /// `fault …`, `broker …`, `until …` or `quit`.
        String,
    ),
    /// The same from this process.
    Ask(
        /// `fault …`, `broker …` or `quit`.
        String,
        /// Where the answer goes.
        Sender<Result<(), String>>,
    ),
    /// To look until there is nothing more to look for.
    Watch(
        /// What looks.
        Watch,
    ),
}

/// Reads lines in a thread of its own; each wakes the server.
pub fn listen(waker: Arc<Waker>) -> Receiver<Errand> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(Errand::Line(line)).is_err() || waker.wake().is_err() {
                return;
            }
        }
    });
    receiver
}
