//! Output that was not drawn yet, in pieces small enough for one frame.

use std::collections::VecDeque;

/// Lines of output that are kept, drawn or not.
pub const LINES_KEPT: usize = 5_000;
/// Lines of one piece at most.
pub const PIECE_LINES: usize = 100;
/// Bytes of one piece at most: a line without an end is cut into pieces too.
pub const PIECE_BYTES: usize = 16 * 1024;

/// Who wrote something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    /// A command, to its standard output.
    Out,
    /// A command, to its standard error.
    Err,
    /// The user: a command line.
    Prompt,
    /// The user: standard input.
    Typed,
    /// The page.
    Note,
}

impl Ink {
    /// Its class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Out => "o",
            Self::Err => "e",
            Self::Prompt => "p",
            Self::Typed => "t",
            Self::Note => "n",
        }
    }
}

/// Some output by one writer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Who wrote it.
    pub ink: Ink,
    /// What was written.
    pub text: String,
    /// Lines that end in it; at least 1 when it is as long as a piece can be.
    pub lines: usize,
}

/// Pieces that wait, oldest first.
#[derive(Default)]
pub struct Backlog {
    pieces: VecDeque<Piece>,
    lines: usize,
    dropped: u64,
}

impl Backlog {
    /// Adds output. When more than [`LINES_KEPT`] lines wait, the oldest are dropped and counted.
    pub fn push(&mut self, ink: Ink, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(piece_end(rest));
            let ends = head.bytes().filter(|byte| *byte == b'\n').count();
            let lines = if ends == 0 && head.len() + 4 > PIECE_BYTES { 1 } else { ends };
            self.pieces.push_back(Piece { ink, text: head.to_owned(), lines });
            self.lines += lines;
            rest = tail;
        }
        while self.lines > LINES_KEPT {
            let Some(oldest) = self.pieces.pop_front() else { break };
            self.lines -= oldest.lines;
            self.dropped += oldest.lines as u64;
        }
    }

    /// Takes pieces of together at most `lines` lines, but at least one piece if there is any.
    pub fn take(&mut self, lines: usize) -> Vec<Piece> {
        let (mut taken, mut sum) = (vec![], 0);
        while let Some(piece) = self.pieces.front() {
            // A piece without a line end costs as much to draw as a line.
            let cost = piece.lines.max(1);
            if sum + cost > lines && !taken.is_empty() {
                break;
            }
            sum += cost;
            self.lines -= piece.lines;
            taken.extend(self.pieces.pop_front());
        }
        taken
    }

    /// Takes the number of lines dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Forgets what waits.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Where the first piece of a text ends: after [`PIECE_LINES`] lines or [`PIECE_BYTES`] bytes, at a character.
fn piece_end(text: &str) -> usize {
    let mut limit = text.len().min(PIECE_BYTES);
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    let head = text.get(..limit).unwrap_or(text);
    let nth = head.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(PIECE_LINES - 1);
    if let Some((at, _)) = nth {
        return at + 1;
    }
    // A cut of a long text falls behind a line end if there is one.
    if limit < text.len() { head.rfind('\n').map_or(limit, |at| at + 1) } else { limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(backlog: &mut Backlog) -> String {
        backlog.take(usize::MAX).iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn what_goes_in_comes_out_in_pieces() {
        for text in [
            "",
            "one",
            "one\ntwo\n",
            &"x\n".repeat(1234),
            &"하".repeat(20_000),
            &format!("{}\nz", "y".repeat(40_000)),
        ] {
            let mut backlog = Backlog::default();
            backlog.push(Ink::Out, text);
            let pieces = backlog.take(usize::MAX);
            assert!(pieces.iter().all(|piece| piece.text.len() <= PIECE_BYTES && piece.lines <= PIECE_LINES));
            assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
            assert_eq!((backlog.take_dropped(), backlog.is_empty()), (0, true));
        }
    }

    #[test]
    fn only_so_many_lines_wait() {
        let mut backlog = Backlog::default();
        for i in 0..100_000 {
            backlog.push(Ink::Out, &format!("line {i}\n"));
        }
        assert_eq!(backlog.take_dropped(), 95_000);
        let text = drain(&mut backlog);
        assert!(text.starts_with("line 95000\n") && text.ends_with("line 99999\n"));
        assert_eq!(backlog.lines, 0);

        // Without line ends the bytes are bounded all the same.
        backlog.push(Ink::Out, &"x".repeat(PIECE_BYTES * (LINES_KEPT + 3)));
        assert_eq!(backlog.take_dropped(), 3);
    }

    #[test]
    fn a_frame_takes_no_more_than_its_share() {
        let mut backlog = Backlog::default();
        backlog.push(Ink::Err, &"x\n".repeat(950));
        assert_eq!(backlog.take(300).iter().map(|piece| piece.lines).sum::<usize>(), 300);
        assert_eq!(backlog.take(10).len(), 1);
        assert_eq!(drain(&mut backlog).len(), 2 * 550);
    }
}
