//! A frame on its way.

use bytes::{Bytes, BytesMut};

/// A whole frame, without its four length bytes, as pieces that share their bytes with their writer: records go
/// from a log to a follower's log or to a socket without being copied, as Kafka's go by `sendfile`.
///
/// Where the pieces end says nothing about what is in them: two frames are equal if their bytes are.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    head: Bytes,
    tail: Vec<Bytes>,
}

impl Frame {
    /// A frame of pieces, in order.
    pub fn of(pieces: impl IntoIterator<Item = Bytes>) -> Frame {
        let mut pieces = pieces.into_iter();
        Frame { head: pieces.next().unwrap_or_default(), tail: pieces.collect() }
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.pieces().map(Bytes::len).sum()
    }

    /// Whether it has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its first piece; the header of a message is never cut.
    pub fn head(&self) -> &Bytes {
        &self.head
    }

    /// Its pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.head).chain(&self.tail)
    }

    /// Its bytes in one piece: the same memory if there is only one, else a copy.
    pub fn into_bytes(self) -> Bytes {
        if self.tail.is_empty() {
            return self.head;
        }
        let mut bytes = BytesMut::with_capacity(self.len());
        self.pieces().for_each(|piece| bytes.extend_from_slice(piece));
        bytes.freeze()
    }
}

impl From<Bytes> for Frame {
    fn from(head: Bytes) -> Frame {
        Frame { head, tail: Vec::new() }
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Frame) -> bool {
        self.len() == other.len() && self.pieces().flatten().eq(other.pieces().flatten())
    }
}

impl Eq for Frame {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_shared_and_the_whole_is_what_they_say() {
        let parts = ["ab", "", "cde"].map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let frame = Frame::of(parts.clone());
        assert_eq!((frame.len(), frame.clone().into_bytes()), (5, Bytes::from_static(b"abcde")));
        assert!(frame.pieces().zip(&parts).all(|(piece, part)| piece.as_ptr() == part.as_ptr()));
        assert_eq!(frame, Frame::from(Bytes::from_static(b"abcde")));
        assert_ne!(frame, Frame::from(Bytes::from_static(b"abcdf")));
        assert!(Frame::default().is_empty());
        assert_eq!(Frame::from(parts[2].clone()).into_bytes().as_ptr(), parts[2].as_ptr());
    }
}
