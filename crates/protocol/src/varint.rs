//! Variable-length integers (org.apache.kafka.common.utils.ByteUtils): seven bits a byte, least significant first;
//! signed ones zigzag-encoded.

/// Writes an unsigned varint.
pub fn put_unsigned(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Writes a signed 32-bit varint.
pub fn put_i32(out: &mut Vec<u8>, value: i32) {
    put_unsigned(out, ((value << 1) ^ (value >> 31)).cast_unsigned());
}

/// Writes a signed 64-bit varint (varlong).
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    let mut value = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Bytes of a signed 32-bit varint.
pub fn size_i32(value: i32) -> usize {
    let value = ((value << 1) ^ (value >> 31)).cast_unsigned();
    (32 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Bytes of a signed 64-bit varint.
pub fn size_i64(value: i64) -> usize {
    let value = ((value << 1) ^ (value >> 63)).cast_unsigned();
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Reads forward through bytes; every method gives `None` where they end too early or a number is too long.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(n)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A 16-bit integer, big-endian.
    pub fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    /// A 32-bit integer, big-endian.
    pub fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// A 64-bit integer, big-endian.
    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// An unsigned varint of at most five bytes.
    #[inline]
    pub fn varint_unsigned(&mut self) -> Option<u32> {
        // Most lengths and deltas in a batch are one byte.
        match self.one_byte() {
            Some(byte) => Some(byte.into()),
            None => self.varint_unsigned_of_many(),
        }
    }

    /// The next byte if it is a whole varint.
    #[inline]
    fn one_byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at).filter(|byte| **byte < 0x80)?;
        self.at += 1;
        Some(byte)
    }

    fn varint_unsigned_of_many(&mut self) -> Option<u32> {
        let mut value = 0_u32;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A signed 32-bit varint.
    #[inline]
    pub fn varint(&mut self) -> Option<i32> {
        let raw = self.varint_unsigned()?;
        Some((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    /// A signed 64-bit varint of at most ten bytes.
    #[inline]
    pub fn varlong(&mut self) -> Option<i64> {
        let raw = match self.one_byte() {
            Some(byte) => byte.into(),
            None => self.varlong_unsigned_of_many()?,
        };
        Some((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    fn varlong_unsigned_of_many(&mut self) -> Option<u64> {
        let mut raw = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.u8()?;
            raw |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(raw);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_and_their_sizes_are_known() {
        for value in [0, 1, -1, 63, 64, -64, -65, 8191, 1 << 20, i32::MAX, i32::MIN] {
            let mut out = Vec::new();
            put_i32(&mut out, value);
            assert_eq!((Reader::new(&out).varint(), out.len()), (Some(value), size_i32(value)));
            for value in [i64::from(value), i64::from(value) << 31, i64::MAX, i64::MIN] {
                let mut out = Vec::new();
                put_i64(&mut out, value);
                assert_eq!((Reader::new(&out).varlong(), out.len()), (Some(value), size_i64(value)));
            }
        }
    }

    #[test]
    fn what_ends_early_or_never_is_refused() {
        assert_eq!(Reader::new(&[0x80]).varint(), None);
        assert_eq!(Reader::new(&[0x80; 6]).varint(), None);
        assert_eq!(Reader::new(&[0xff; 11]).varlong(), None);
        assert_eq!(Reader::new(&[1, 2]).i32(), None);
    }
}
