//! Keys go to the partitions to which Java's producer sends them.

use blumfeld_client::producer::partition_for_key;

const VECTORS: &str = include_str!("vectors/protocol.txt");

#[test]
fn a_key_has_the_partition_that_java_gives_it() {
    let mut count = 0;
    for line in VECTORS.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let ["key", key, partitions, partition] = words[..] else { continue };
        let byte = |at: usize| u8::from_str_radix(&key[2 * at + 1..2 * at + 3], 16).unwrap();
        let key: Vec<u8> = (0..key.len() / 2).map(byte).collect();
        assert_eq!(
            partition_for_key(&key, partitions.parse().unwrap()),
            partition.parse::<i32>().unwrap(),
            "{line}"
        );
        count += 1;
    }
    assert!(count >= 1_000, "{count} keys");
}
