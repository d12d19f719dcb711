//! `exec`: a command beside a cluster.

use std::process::Command;

use crate::args::{Exec, Serve};
use crate::running::Gateway;
use crate::server::ServeError;

/// Where the brokers listen, unless it is said: runs beside each other do not disturb each other.
const LISTEN: &str = "127.0.0.1:0";

/// Runs the command, and gives its exit code: 128 and the signal's number if one ended it.
///
/// # Errors
/// The cluster cannot start, or the command cannot.
pub fn exec(args: Exec) -> Result<u8, ServeError> {
    let Exec { serve, command } = args;
    if serve.control {
        return Err(ServeError::Usage("--control: the standard input is the command's".to_owned()));
    }
    let ready_file = serve.ready_file.clone();
    let json = serve.json;
    let listen = serve.listen.clone().or_else(|| Some(LISTEN.to_owned()));
    let gateway = Gateway::start(Serve { listen, ..serve })?;
    let ready = gateway.ready();
    if let Some(path) = ready_file {
        ready.write(&path).map_err(|error| ServeError::ReadyFile(path.display().to_string(), error))?;
    }
    if json {
        eprintln!("{}", ready.json());
    }
    // Ctrl-C goes to the command as well, and the cluster ends when that does.
    ctrlc::set_handler(|| {}).map_err(|error| ServeError::Usage(error.to_string()))?;
    let (program, words) = command.split_first().ok_or_else(|| ServeError::Usage("no command".to_owned()))?;
    let status =
        Command::new(program).args(words).env("BOOTSTRAP_SERVERS", ready.bootstrap_servers()).status();
    let status = status.map_err(|error| ServeError::Command(program.display().to_string(), error))?;
    drop(gateway);
    #[cfg(unix)]
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let by_signal = None;
    let code = status.code().or(by_signal).unwrap_or(1);
    Ok(u8::try_from(code & 0xff).unwrap_or(1))
}
