//! One line of the console: words, quotes, and the ways to give a tool a file or a text.

/// A line that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The tool's name.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What is its standard input, if the line says it.
    pub stdin: Option<Input>,
}

/// A standard input that a line gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// From `cat FILE |` or `< FILE`: the file's name.
    File(String),
    /// From `echo TEXT |`: the text, with its line end.
    Text(String),
}

/// What is wrong with a line. `Display` is what a console prints.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShellError {
    /// Nothing on it.
    #[error("")]
    Empty,
    /// A quote was not closed.
    #[error("blumfeld: the quote {0} is not closed")]
    Quote(
        /// The character.
        char,
    ),
    /// A backslash at the end.
    #[error("blumfeld: nothing follows the last backslash")]
    Escape,
    /// Something of a real shell that this one has not.
    #[error(
        "blumfeld: this console has no `{0}`: it runs one tool a line, with `cat FILE | tool …`, `echo TEXT | tool …` or \
         `tool … < FILE`"
    )]
    Unsupported(
        /// What was met.
        String,
    ),
    /// A pipe without a tool, or `<` without a file.
    #[error("blumfeld: something is missing after `{0}`")]
    Incomplete(
        /// After what.
        char,
    ),
    /// No such tool.
    #[error("{0}: command not found\nblumfeld: `help` lists the tools")]
    NotFound(
        /// What was typed.
        String,
    ),
    /// One of Kafka's tools that is not here yet.
    #[error("blumfeld: {0} is one of Kafka's tools, but it is not here yet; `help` lists those that are")]
    NotYet(
        /// The tool's name.
        String,
    ),
    /// No such file.
    #[error("{0}: No such file or directory\nblumfeld: drop a file on the page to read it here")]
    NoSuchFile(
        /// The file's name.
        String,
    ),
}

impl ShellError {
    /// The exit code, as a real shell gives it.
    pub const fn exit_code(&self) -> i32 {
        match self {
            Self::Empty => 0,
            Self::NotFound(_) | Self::NotYet(_) => 127,
            Self::NoSuchFile(_) => 1,
            _ => 2,
        }
    }
}

/// A word, or a sign that was not quoted.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Pipe,
    Input,
}

/// Reads a line.
pub fn parse(line: &str) -> Result<Line, ShellError> {
    let tokens = tokens(line)?;
    if tokens.is_empty() {
        return Err(ShellError::Empty);
    }
    let mut parts = tokens.split(|token| *token == Token::Pipe);
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    if third.is_some() {
        return Err(ShellError::Unsupported("a | b | c".to_owned()));
    }
    let first = words(first.unwrap_or_default())?;
    let Some(second) = second else {
        return command(first.0, first.1.map(Input::File));
    };
    let second = words(second)?;
    if second.0.is_empty() {
        return Err(ShellError::Incomplete('|'));
    }
    match &first.0[..] {
        [cat, file] if cat == "cat" && first.1.is_none() && second.1.is_none() => {
            command(second.0, Some(Input::File(file.clone())))
        }
        [echo, option, ..] if echo == "echo" && matches!(option.as_str(), "-n" | "-e" | "-E") => {
            Err(ShellError::Unsupported(format!("echo {option}")))
        }
        [echo, words @ ..] if echo == "echo" && first.1.is_none() && second.1.is_none() => {
            command(second.0, Some(Input::Text(format!("{}\n", words.join(" ")))))
        }
        [] => Err(ShellError::Incomplete('|')),
        [cat] if cat == "cat" => Err(ShellError::Unsupported("cat without a FILE".to_owned())),
        [cat, _, _, ..] if cat == "cat" => Err(ShellError::Unsupported("cat of several files".to_owned())),
        [other, ..] => Err(ShellError::Unsupported(format!("{other} … |"))),
    }
}

fn command(words: Vec<String>, stdin: Option<Input>) -> Result<Line, ShellError> {
    let mut words = words.into_iter();
    let command = words.next().ok_or(ShellError::Incomplete('|'))?;
    Ok(Line { command, arguments: words.collect(), stdin })
}

/// The words of one command and the file behind its `<`.
fn words(tokens: &[Token]) -> Result<(Vec<String>, Option<String>), ShellError> {
    let (mut words, mut stdin) = (Vec::new(), None);
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => words.push(word.clone()),
            Token::Input => match tokens.next() {
                Some(Token::Word(file)) if stdin.is_none() => stdin = Some(file.clone()),
                Some(_) => return Err(ShellError::Unsupported("< twice".to_owned())),
                None => return Err(ShellError::Incomplete('<')),
            },
            Token::Pipe => {}
        }
    }
    Ok((words, stdin))
}

fn tokens(line: &str) -> Result<Vec<Token>, ShellError> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().peekable();
    let unsupported = |sign: &str| Err(ShellError::Unsupported(sign.to_owned()));
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => tokens.extend(word.take().map(Token::Word)),
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => text.push(c),
                        None => return Err(ShellError::Quote('\'')),
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        // Inside double quotes a backslash quotes only these.
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => text.push(c),
                            Some(c) => text.extend(['\\', c]),
                            None => return Err(ShellError::Quote('"')),
                        },
                        Some('$') if matches!(chars.peek(), Some('(' | '{')) => return unsupported("$(…)"),
                        Some('`') => return unsupported("`…`"),
                        Some(c) => text.push(c),
                        None => return Err(ShellError::Quote('"')),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(ShellError::Escape),
            },
            '#' if word.is_none() => break,
            '|' => {
                if chars.peek() == Some(&'|') {
                    return unsupported("||");
                }
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Pipe);
            }
            '<' => {
                if chars.peek() == Some(&'<') {
                    return unsupported("<<");
                }
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Input);
            }
            '>' => return unsupported(">"),
            ';' => return unsupported(";"),
            '&' => return unsupported(if chars.peek() == Some(&'&') { "&&" } else { "&" }),
            '`' => return unsupported("`…`"),
            '$' if matches!(chars.peek(), Some('(' | '{')) => return unsupported("$(…)"),
            '(' | ')' if word.is_none() => return unsupported("(…)"),
            c => word.get_or_insert_default().push(c),
        }
    }
    tokens.extend(word.take().map(Token::Word));
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_a_shell_reads_them() {
        for (line, want) in [
            ("list", "list"),
            ("  a  'b c' \"d e\"f g\\ h ", "a·b c·d ef·g h"),
            (r#"a "\"\\ \n" 'x\y' '' "#, r#"a·"\ \n·x\y·"#),
            ("cat f | a b", "a·b < f"),
            ("cat 'my file'|a", "a < my file"),
            ("a b < f", "a·b < f"),
            ("a <f b", "a·b < f"),
            ("echo 'two  words' more | a b", "a·b <<< two  words more\n"),
            ("echo|a", "a <<< \n"),
            ("a # b", "a"),
            ("a b#c k=$1", "a·b#c·k=$1"),
            ("a '|' \";\"", "a·|·;"),
            ("주문 만들기", "주문·만들기"),
            ("", ""),
            ("# only a comment", ""),
            ("a 'b", "blumfeld: the quote ' is not closed"),
            ("a \"b", "blumfeld: the quote \" is not closed"),
            ("a \\", "blumfeld: nothing follows the last backslash"),
            ("a |", "blumfeld: something is missing after `|`"),
            ("cat f |", "blumfeld: something is missing after `|`"),
            ("| a", "blumfeld: something is missing after `|`"),
            ("a <", "blumfeld: something is missing after `<`"),
            ("a ; b", "no `;`"),
            ("a && b", "no `&&`"),
            ("a &", "no `&`"),
            ("a || b", "no `||`"),
            ("a > b", "no `>`"),
            ("a << b", "no `<<`"),
            ("a $(b)", "no `$(…)`"),
            ("a \"$(b)\"", "no `$(…)`"),
            ("a `b`", "no ``…``"),
            ("(a)", "no `(…)`"),
            ("a | b", "no `a … |`"),
            ("cat f g | b", "no `cat of several files`"),
            ("cat a | b | c", "no `a | b | c`"),
            ("echo -n a | b", "no `echo -n`"),
            ("echo a < f | b", "no `echo … |`"),
            ("echo a |", "blumfeld: something is missing after `|`"),
        ] {
            let got = match parse(line) {
                Ok(line) => {
                    let mut text =
                        std::iter::once(line.command).chain(line.arguments).collect::<Vec<_>>().join("·");
                    match line.stdin {
                        Some(Input::File(file)) => text = format!("{text} < {file}"),
                        Some(Input::Text(said)) => text = format!("{text} <<< {said}"),
                        None => {}
                    }
                    text
                }
                Err(error) => error.to_string(),
            };
            if want.starts_with("no ") {
                assert!(got.contains(want), "{line:?} gives {got:?}");
            } else {
                assert_eq!(got, want, "{line:?}");
            }
        }
    }

    #[test]
    fn no_line_of_signs_panics() {
        let signs = ['a', '\'', '"', '\\', '|', '<', '$', '(', ' ', '#', '한'];
        for n in 0..signs.len().pow(4) {
            let line: String = (0..4).map(|at| signs[n / signs.len().pow(at) % signs.len()]).collect();
            let _ = parse(&line);
        }
    }
}
