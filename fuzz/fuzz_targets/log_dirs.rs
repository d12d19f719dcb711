//! Any bytes as what somebody dropped: archives and files of log directories. Opening must end, with disks or with
//! sentences, and what was opened must be opened again as it is once it is exported.
#![no_main]

use std::collections::BTreeMap;

use blumfeld_logdirs::{Files, Limits, export, open, unpack};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 12] = [
    "a.tar",
    "a.zip",
    "d/meta.properties",
    "d/orders-0/00000000000000000000.log",
    "d/orders-0/leader-epoch-checkpoint",
    "d/orders-1/partition.metadata",
    "d/__consumer_offsets-3/00000000000000000000.log",
    "d/__cluster_metadata-0/00000000000000000000.log",
    "d/__cluster_metadata-0/00000000000000000007-0000000001.checkpoint",
    "d/__cluster_metadata-0/quorum-state",
    "d/replication-offset-checkpoint",
    "d/orders-0-delete/00000000000000000000.log",
];

fuzz_target!(|data: &[u8]| {
    let mut files = Files::new(Limits { bytes: 1 << 20, files: 64 });
    let mut rest = data;
    // A file is a byte for its name, two for its length, and so many bytes.
    while let [name, high, low, after @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (bytes, next) = after.split_at(len);
        rest = next;
        let name = NAMES[usize::from(*name) % NAMES.len()];
        if let Err(problem) = unpack(name, Bytes::copy_from_slice(bytes), &mut files) {
            assert!(!problem.to_string().is_empty() && !problem.korean().is_empty());
        }
    }
    match open(&files, 1, 0) {
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.iter().for_each(|problem| assert!(!problem.to_string().is_empty()));
        }
        Ok(opened) => {
            assert!(!opened.sentences().is_empty() && !opened.korean().is_empty());
            let disks: BTreeMap<i32, _> = opened.disks.iter().map(|(id, disk)| (*id, disk)).collect();
            let Ok(exported) = export(&[], &disks, 0) else { return };
            let mut again = Files::new(Limits::default());
            unpack(&exported.name, exported.bytes.into(), &mut again).expect("an export can be read");
            let again = open(&again, 1, 0).expect("what was opened once is opened again");
            assert_eq!((again.topics, again.records), (opened.topics, opened.records));
        }
    }
});
