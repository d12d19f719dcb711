//! LZ4 frames as Kafka reads them (org.apache.kafka.common.compress.Lz4BlockInputStream): independent blocks only, an
//! end mark is a must, and the checksum of the content is passed over.

use twox_hash::XxHash32;

/// What every frame begins with.
const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// Marks a block that is not compressed.
const PLAIN: u32 = 1 << 31;

/// Why a frame could not be read.
pub(crate) enum Lz4Error {
    /// It is none, or it ends too early.
    Corrupt(&'static str),
    /// More would come out than the limit.
    TooLarge,
}

struct Frame<'a>(&'a [u8]);

impl<'a> Frame<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Lz4Error> {
        let (taken, rest) =
            self.0.split_at_checked(len).ok_or(Lz4Error::Corrupt("the frame is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Lz4Error> {
        Ok(self.take(4)?.try_into().map_or(0, u32::from_le_bytes))
    }
}

/// The content of the frame that `bytes` begin with; what comes after it is not looked at. Gives `limit` bytes at most.
pub(crate) fn decompress(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Lz4Error> {
    let mut frame = Frame(bytes);
    if frame.take(4)? != MAGIC {
        return Err(Lz4Error::Corrupt("no frame's magic"));
    }
    let descriptor = frame.0;
    let &[flags, block_size] = frame.take(2)? else {
        return Err(Lz4Error::Corrupt("the frame is cut short"));
    };
    if flags >> 6 != 1 || flags & 0b11 != 0 || block_size & 0b1000_1111 != 0 {
        return Err(Lz4Error::Corrupt("version or reserved bits are not known"));
    }
    if flags & 0b10_0000 == 0 {
        return Err(Lz4Error::Corrupt("dependent blocks are not supported"));
    }
    let block_max = match block_size >> 4 {
        size @ 4..=7 => 1_usize << (8 + 2 * size),
        _ => return Err(Lz4Error::Corrupt("the block size is not known")),
    };
    let (block_checksum, content_size, content_checksum) =
        (flags & 0b1_0000 != 0, flags & 0b1000 != 0, flags & 0b100 != 0);
    if content_size {
        frame.take(8)?;
    }
    let described = descriptor.get(..if content_size { 10 } else { 2 }).unwrap_or_default();
    if frame.take(1)?.first() != XxHash32::oneshot(0, described).to_le_bytes().get(1) {
        return Err(Lz4Error::Corrupt("the header's checksum is wrong"));
    }
    let (mut out, mut plain) = (Vec::new(), Vec::new());
    loop {
        let size = frame.u32()?;
        if size == 0 {
            if content_checksum {
                frame.take(4)?;
            }
            return Ok(out);
        }
        let length = (size & !PLAIN) as usize;
        if length > block_max {
            return Err(Lz4Error::Corrupt("a block is larger than the frame's blocks may be"));
        }
        let block = frame.take(length)?;
        if block_checksum && frame.u32()? != XxHash32::oneshot(0, block) {
            return Err(Lz4Error::Corrupt("a block's checksum is wrong"));
        }
        if size & PLAIN != 0 {
            out.extend_from_slice(block);
        } else {
            plain.resize(block_max, 0);
            let length = lz4_flex::block::decompress_into(block, &mut plain)
                .map_err(|_| Lz4Error::Corrupt("a block is no LZ4"))?;
            out.extend_from_slice(plain.get(..length).unwrap_or_default());
        }
        if out.len() > limit {
            return Err(Lz4Error::TooLarge);
        }
    }
}
