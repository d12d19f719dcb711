//! The orders of Java: of texts, and in which its hash tables give their entries. Where an assignor of Kafka's goes
//! through a table, its result depends on it.

use std::cmp::Ordering;

/// `String.compareTo`: by UTF-16 units, which is not the order of UTF-8 beyond the first 65,536 characters.
pub fn compare(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// `String.hashCode`: over UTF-16 units.
pub fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The table of a `HashMap` that was made without a capacity and filled one by one: a power of two that doubles when it
/// is filled to more than three quarters.
pub fn grown(count: usize) -> usize {
    let mut table = 16;
    while count * 4 > table * 3 {
        table *= 2;
    }
    table
}

/// The place of a hash in a table of this size.
pub fn bucket(hash: i32, table: usize) -> u32 {
    let hash = hash.cast_unsigned();
    (hash ^ (hash >> 16)) & u32::try_from(table.max(1) - 1).unwrap_or(u32::MAX)
}

/// The order in a table of this size. Within a bucket the order is that of arrival.
pub fn order_by_hash<T>(items: &mut [T], table: usize, hash: impl Fn(&T) -> i32) {
    items.sort_by_key(|item| bucket(hash(item), table));
}
