//! `cat FILE`: the standard input, copied. A dropped file becomes the standard input; a file of a disk is printed.

use blumfeld_kernel::{Context, Input, Instant, Node};

use super::toolbox::Launch;
use crate::io::{INTERRUPTED, Printed};
use crate::{Environment, ShellError, StdinSource};

/// Finds the file.
pub fn start(arguments: &[String], env: &dyn Environment, stdin: &StdinSource) -> Launch {
    if *stdin != StdinSource::Terminal {
        return Launch::Run(Box::new(Cat));
    }
    match arguments {
        [file] if env.dropped_files().contains(file) => {
            Launch::Reading(Box::new(Cat), StdinSource::File(file.clone()))
        }
        [file] => match env.read_disk_file(file) {
            Some(bytes) => {
                let printed = Printed::output(String::from_utf8_lossy(&bytes));
                Launch::Reading(Box::new(printed), StdinSource::Empty)
            }
            None => Launch::Refuse(ShellError::NoSuchFile(file.clone())),
        },
        [] => Launch::Refuse(ShellError::Unsupported("cat without a FILE".to_owned())),
        _ => Launch::Refuse(ShellError::Unsupported("cat of several files".to_owned())),
    }
}

#[derive(Clone, Debug)]
struct Cat;

impl Node for Cat {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        match input {
            Input::Started => cx.out.read_stdin(),
            Input::Stdin { bytes } => {
                cx.out.stdout(bytes);
                cx.out.read_stdin();
            }
            Input::StdinClosed => cx.out.exit(0),
            Input::Interrupt => cx.out.exit(INTERRUPTED),
            _ => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        None
    }
}
