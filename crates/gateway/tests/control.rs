//! What `--control` answers to lines on the standard input.

#![allow(clippy::disallowed_types, reason = "a real process is talked to")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Control {
    child: Child,
    lines: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where the brokers listen.
    servers: Vec<String>,
}

impl Control {
    fn start(brokers: &str) -> Control {
        let mut child = Command::new(env!("CARGO_BIN_EXE_blumfeld-gateway"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log-level",
                "off",
                "--control",
                "--brokers",
                brokers,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut control = Control { child, lines, answers, servers: Vec::new() };
        let ready = control.line();
        let servers = ready.trim_end().strip_prefix("Blumfeld is ready: ").unwrap();
        control.servers = servers.split(',').map(ToOwned::to_owned).collect();
        control
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line
    }

    /// Everything up to the line that ends an answer.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.lines, "{line}").unwrap();
        let mut answer = String::new();
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "{answer}");
            answer += &line;
            if line == "ok\n" || line.starts_with("error: ") {
                return answer;
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_line_is_answered_and_what_lacks_arguments_says_how_it_is_written() {
    let mut control = Control::start("4");
    // What is typed, how the answer begins, what it has, and how it ends.
    for (line, begins, has, ends) in [
        ("fault", "This breaks the cluster", "\n      fault restart 1\n", "\nok\n"),
        (" fault  en ", "This breaks the cluster", "\n      fault restart 1\n", "\nok\n"),
        ("fault ko", "클러스터를 고장", "\n      fault restart 1\n", "\nok\n"),
        ("broker", "This adds a broker", "--bootstrap-server 127.0.0.1:", "\nok\n"),
        ("broker ko", "클러스터에 브로커를", "\n      broker remove 4\n", "\nok\n"),
        ("until", "This lets time pass", "\n      until time >= 90s\n", "\nok\n"),
        ("until = 1", "error: until: a fact or a value is expected where `=` stands", "", "\n"),
        ("until controller == 9 or up(2)", "", ": controller == 9 or up(2)\n", "\nok\n"),
        ("until time >= 10ms", "", ": time >= 10ms\n", "\nok\n"),
        ("fault list", "ok\n", "", "ok\n"),
        ("fault pause", "error: after `pause` a node is missing", "", "\n"),
        ("fault observed", "error: after `observed` a ", "is missing", "\n"),
        ("fault on", "error: after `on` a", "is missing", "\n"),
        ("fault off", "error: after `off` a", "is missing", "\n"),
        ("fault request", "error: after `request` a", "is missing", "\n"),
        ("broker remove", "error: ", "remove", "\n"),
        ("broker nonsense", "error: ", "nonsense", "\n"),
        (
            "workload",
            "error: there is no command 'workload', only fault, broker, until, timeline, why, odds and quit",
            "",
            "\n",
        ),
        ("workload list", "error: there is no command 'workload list', only fault", "", "\n"),
        ("quit now", "error: there is no command 'quit now', only fault", "", "\n"),
        ("fault isolate 2", "ok\n", "", "ok\n"),
        ("fault list", "fault cut ", " 2", "\nok\n"),
    ] {
        let answer = control.ask(line);
        let right = answer.starts_with(begins) && answer.contains(has) && answer.ends_with(ends);
        assert!(right, "{line}: {answer}");
    }
}

#[test]
fn a_broker_that_is_ending_can_be_told_to_start_again() {
    let mut control = Control::start("3");
    for _ in 0..3 {
        assert_eq!(control.ask("fault shutdown 2"), "ok\n");
        assert_eq!(control.ask("fault restart 2"), "ok\n");
        // It is down, or on its way there, and then it starts.
        while control.ask("fault restart 2") == "ok\n" {}
        assert_eq!(control.ask("fault restart 2"), "error: broker-2 is up\n");
    }
}

#[test]
fn a_cluster_in_memory_is_taken_back_and_clients_are_asked_for_first() {
    let mut control = Control::start("3");
    assert_eq!(control.ask("fault crash 3"), "ok\n");
    assert!(control.ask("why broker 3").contains("fault crash 3"));
    // Real time goes on; soon there is a moment to go back to.
    while control.ask("timeline back 1ms") != "ok\n" {}
    assert!(control.ask("timeline").starts_with("You are looking at "));
    assert!(control.ask("odds up(1) --seeds 2 --for 100ms").contains("in 2 of 2 copies"));
    assert_eq!(control.ask("fault crash 2"), "ok\n");
    let told = control.ask("timeline");
    assert!(told.contains("* crash-2 forks from main at ") && told.contains("  main up to "), "{told}");
    assert_eq!(control.ask("timeline diff main"), "No differences.\nok\n");
    // A client is not disconnected unless that is said, and is told by the end of its connection.
    let mut client = std::net::TcpStream::connect(&control.servers[0]).unwrap();
    while !control.ask("timeline back 1ms").contains("a client is connected, which cannot be taken back") {
        control.ask("timeline now");
    }
    assert!(control.ask("timeline switch main").starts_with("error: a client is connected"));
    assert!(control.ask("timeline switch main --force").contains("* main up to "));
    assert_eq!(std::io::Read::read(&mut client, &mut [0; 1]).unwrap(), 0);
    for (line, why) in [
        ("timeline sideways", "error: timeline: `sideways` is not understood"),
        ("why isr orders", "error: why: it is written isr(TOPIC, PARTITION)"),
        ("timeline switch nowhere", "error: there is no branch nowhere"),
    ] {
        let answer = control.ask(line);
        assert!(answer.starts_with(why), "{line}: {answer}");
    }
}
