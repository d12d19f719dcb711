//! Cuts a stream of bytes into frames: four length bytes, then so many bytes (NetworkReceive).

use blumfeld_kernel::DisconnectReason;
use bytes::Bytes;

/// How a frame's length is written.
const LENGTH_BYTES: usize = 4;
/// Of a frame that is announced so much memory is reserved at most before its bytes are there.
const RESERVE: usize = 1024 * 1024;

/// A length that no frame can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("invalid receive (size = {size}, socket.request.max.bytes = {limit})")]
pub struct InvalidReceive {
    /// The length as it was sent.
    pub size: i32,
    /// What is allowed, in bytes.
    pub limit: usize,
}

/// The bytes of one connection on their way to become frames. It holds little more than has arrived, and of a frame
/// whose length is over the limit nothing.
#[derive(Clone, Debug)]
pub struct FrameSplitter {
    limit: usize,
    /// The first bytes of a length, while not all four are there.
    length: Vec<u8>,
    partial: Option<Partial>,
}

/// A frame that is not whole.
#[derive(Clone, Debug)]
struct Partial {
    /// Zeros where nothing has arrived yet.
    bytes: Vec<u8>,
    filled: usize,
    len: usize,
}

impl Partial {
    /// Room for what comes next: at first [`RESERVE`] bytes, then as much again each time.
    fn space(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            let room = self.bytes.len().saturating_mul(2).max(RESERVE).min(self.len);
            self.bytes.reserve_exact(room - self.filled);
            self.bytes.resize(room, 0);
        }
        &mut self.bytes[self.filled..]
    }
}

impl FrameSplitter {
    /// For frames of up to `limit` bytes (`socket.request.max.bytes`).
    pub fn new(limit: usize) -> FrameSplitter {
        FrameSplitter { limit, length: Vec::new(), partial: None }
    }

    /// Takes what has arrived, and gives the frames that are whole to `whole`.
    ///
    /// # Errors
    /// [`InvalidReceive`] for a length below 0 or over the limit: nothing after it can be understood.
    pub fn feed(&mut self, mut bytes: &[u8], mut whole: impl FnMut(Bytes)) -> Result<(), InvalidReceive> {
        while !bytes.is_empty() {
            if let Some(space) = self.space() {
                let take = bytes.len().min(space.len());
                space[..take].copy_from_slice(&bytes[..take]);
                bytes = &bytes[take..];
                self.filled(take, &mut whole);
                continue;
            }
            let take = bytes.len().min(LENGTH_BYTES - self.length.len());
            self.length.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            let Some(length) = self.length.first_chunk::<LENGTH_BYTES>() else { continue };
            let size = i32::from_be_bytes(*length);
            self.length.clear();
            let limit = self.limit;
            let len = usize::try_from(size).ok().filter(|len| *len <= limit);
            let len = len.ok_or(InvalidReceive { size, limit })?;
            if let Some(frame) = bytes.get(..len) {
                whole(Bytes::copy_from_slice(frame));
                bytes = &bytes[len..];
            } else {
                let bytes = vec![0; len.min(RESERVE)];
                self.partial = Some(Partial { bytes, filled: 0, len });
            }
        }
        Ok(())
    }

    /// Room for the next bytes of the frame that is being read, if one is: reading into it saves a copy, and says
    /// with [`filled`](Self::filled) how much there is.
    pub fn space(&mut self) -> Option<&mut [u8]> {
        self.partial.as_mut().map(Partial::space)
    }

    /// So many bytes were put into [`space`](Self::space); a frame that is whole by that is given to `whole`.
    pub fn filled(&mut self, bytes: usize, mut whole: impl FnMut(Bytes)) {
        let Some(partial) = &mut self.partial else { return };
        partial.filled = (partial.filled + bytes).min(partial.bytes.len());
        if partial.filled == partial.len
            && let Some(partial) = self.partial.take()
        {
            whole(partial.bytes.into());
        }
    }

    /// Why the connection is over if nothing more comes: it was closed between two frames, or in the middle of one.
    pub fn end(&self) -> DisconnectReason {
        match &self.partial {
            Some(partial) => {
                DisconnectReason::Halfway { came: partial.filled as u64, of: Some(partial.len as u64) }
            }
            None if self.length.is_empty() => DisconnectReason::Closed,
            None => DisconnectReason::Halfway { came: self.length.len() as u64, of: None },
        }
    }

    /// Bytes of memory that it holds for a frame.
    pub fn held(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.bytes.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frames: &[&[u8]]) -> Vec<u8> {
        frames.iter().flat_map(|f| [&u32::try_from(f.len()).unwrap().to_be_bytes()[..], f].concat()).collect()
    }

    #[test]
    fn frames_are_the_same_however_they_arrive() {
        let want: [&[u8]; 4] = [b"one", b"", &[7; 300], b"last"];
        let bytes = stream(&want);
        for piece in 1..=bytes.len() {
            let (mut splitter, mut got) = (FrameSplitter::new(300), Vec::new());
            for part in bytes.chunks(piece) {
                splitter.feed(part, |frame| got.push(frame)).unwrap();
            }
            assert_eq!(got, want, "in pieces of {piece}");
            assert_eq!(splitter.end(), DisconnectReason::Closed);
        }
    }

    #[test]
    fn a_frame_can_be_read_into_its_own_memory() {
        let bytes = stream(&[&[5; 1_000], b"x"]);
        let (mut splitter, mut got) = (FrameSplitter::new(1_000), Vec::new());
        splitter.feed(&bytes[..104], |frame| got.push(frame)).unwrap();
        assert_eq!(splitter.end(), DisconnectReason::Halfway { came: 100, of: Some(1_000) });
        let space = splitter.space().unwrap();
        assert_eq!(space.len(), 900);
        space.copy_from_slice(&bytes[104..1_004]);
        splitter.filled(900, |frame| got.push(frame));
        splitter.feed(&bytes[1_004..], |frame| got.push(frame)).unwrap();
        assert_eq!(got, [&[5; 1_000][..], b"x"]);
    }

    #[test]
    fn a_length_over_the_limit_or_below_zero_reserves_nothing() {
        for size in [i32::MAX, 1_001, -1, i32::MIN] {
            let mut splitter = FrameSplitter::new(1_000);
            let error = splitter.feed(&size.to_be_bytes(), |_| panic!("a frame")).unwrap_err();
            assert_eq!((error.size, splitter.held()), (size, 0));
        }
        let mut splitter = FrameSplitter::new(usize::MAX);
        splitter.feed(&i32::MAX.to_be_bytes(), |_| panic!("a frame")).unwrap();
        splitter.feed(b"half", |_| panic!("a frame")).unwrap();
        let end = DisconnectReason::Halfway { came: 4, of: Some(2_147_483_647) };
        assert_eq!((splitter.held(), splitter.end()), (RESERVE, end));
        let mut splitter = FrameSplitter::new(1_000);
        splitter.feed(&[0, 0], |_| panic!("a frame")).unwrap();
        assert_eq!(splitter.end(), DisconnectReason::Halfway { came: 2, of: None });
    }
}
