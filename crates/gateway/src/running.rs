//! A cluster in a thread of this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use mio::{Poll, Waker};

use crate::args::Serve;
use crate::control::{Errand, Watch};
use crate::log::Log;
use crate::ready::Ready;
use crate::server::{ServeError, Server, WAKER, allow_many_files};

/// A cluster that runs in a thread of its own. It ends when this is dropped: its ports are closed and its thread is
/// joined.
#[derive(Debug)]
pub struct Gateway {
    errands: Sender<Errand>,
    waker: Arc<Waker>,
    stop: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
    ready: Ready,
}

/// What the thread says once it serves.
type Begun = Result<(Arc<Waker>, Ready), ServeError>;

impl Gateway {
    /// Starts a cluster and waits until it serves. Virtual time jumps over the start of the brokers.
    ///
    /// # Errors
    /// [`ServeError`], as the program gives it.
    pub fn start(args: Serve) -> Result<Gateway, ServeError> {
        allow_many_files();
        let (errands, received) = channel();
        let (begun, begins) = channel();
        let stop = Arc::new(AtomicUsize::new(0));
        let stops = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("blumfeld".to_owned())
            .spawn(move || drive(&args, stops, &received, &begun))?;
        match begins.recv() {
            Ok(Ok((waker, ready))) => Ok(Gateway { errands, waker, stop, thread: Some(thread), ready }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ServeError::Usage("the thread of the cluster has ended at its start".to_owned())),
        }
    }

    /// Where the brokers listened at the start, by id.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Does what a line says: `fault …` or `broker …`, as in the console.
    ///
    /// # Errors
    /// What was wrong with it, in words.
    pub fn ask(&self, line: &str) -> Result<(), String> {
        let (answer, answered) = channel();
        self.send(Errand::Ask(line.to_owned(), answer));
        answered.recv().unwrap_or_else(|_| Err(GONE.to_owned()))
    }

    /// Lets `watch` look at the world now, and each time that something happened, until it gives true.
    pub fn watch(&self, watch: Watch) {
        self.send(Errand::Watch(watch));
    }

    fn send(&self, order: Errand) {
        // A thread that is gone drops the errand, and with it the channel on which its answer is waited for.
        let _ = self.errands.send(order);
        let _ = self.waker.wake();
    }
}

/// What is said where the thread has ended.
const GONE: &str = "the thread of the cluster has ended";

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.fetch_add(1, Ordering::SeqCst);
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of it was told when it happened.
            let _ = thread.join();
        }
    }
}

fn drive(args: &Serve, stop: Arc<AtomicUsize>, errands: &Receiver<Errand>, begun: &Sender<Begun>) {
    let start = || -> Result<_, ServeError> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok((Server::start(args, Log::new(args.log_level), poll, stop)?, waker))
    };
    let mut server = match start() {
        Ok((server, waker)) => {
            if begun.send(Ok((waker, Ready::new(server.addresses())))).is_err() {
                return;
            }
            server
        }
        Err(error) => {
            let _ = begun.send(Err(error));
            return;
        }
    };
    let ended = server.run(Some(errands)).map_err(ServeError::Io);
    // In memory there is nothing to be saved.
    let ended = if args.data_dir.is_some() { ended.and_then(|()| server.shut_down()) } else { ended };
    if let Err(error) = ended {
        Log::new(args.log_level).line(crate::args::Level::Error, &error.to_string());
    }
}
