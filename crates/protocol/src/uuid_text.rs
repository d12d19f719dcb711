//! UUIDs as Kafka writes them (org.apache.kafka.common.Uuid): 22 characters of URL-safe base64 without padding.

use uuid::Uuid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The 22 characters of a UUID.
pub fn to_text(id: Uuid) -> String {
    let bits = id.as_u128();
    // 22 × 6 = 132 bits: the last character carries the lowest two bits of the id, followed by four zeros.
    (0..22)
        .map(|at| {
            let shift = 122_i32 - at * 6;
            let six = if shift >= 0 { bits >> shift } else { bits << -shift };
            char::from(ALPHABET[usize::try_from(six & 63).unwrap_or(0)])
        })
        .collect()
}

/// The UUID of 22 characters; `None` if they are no UUID.
pub fn from_text(text: &str) -> Option<Uuid> {
    if text.len() != 22 {
        return None;
    }
    let mut bits = 0_u128;
    for (at, byte) in text.bytes().enumerate() {
        let six = ALPHABET.iter().position(|&have| have == byte)? as u128;
        bits = if at == 21 { (bits << 2) | (six >> 4) } else { (bits << 6) | six };
    }
    Some(Uuid::from_u128(bits))
}

/// A random UUID of version 4 from 16 random bytes, as Kafka's `Uuid.randomUuid` makes them: one whose text begins with
/// a dash is not given, because command lines would read it as an option.
pub fn random(mut bytes16: impl FnMut() -> [u8; 16]) -> Uuid {
    loop {
        let mut bytes = bytes16();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let id = Uuid::from_bytes(bytes);
        if !to_text(id).starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_id_agree() {
        // Kafka's Uuid.METADATA_TOPIC_ID is 00000000-0000-0000-0000-000000000001.
        assert_eq!(to_text(Uuid::from_u128(1)), "AAAAAAAAAAAAAAAAAAAAAQ");
        let mut next = 0_u8;
        for _ in 0..50 {
            let id = random(|| {
                next += 3;
                [next.wrapping_mul(77); 16]
            });
            assert_eq!(from_text(&to_text(id)), Some(id));
        }
        assert_eq!(from_text("not a uuid"), None);
    }
}
