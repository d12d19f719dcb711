//! Any bytes as record batches. The first byte says whether the checksum is mended, so that what lies behind it is
//! reached; what was accepted must come back the same.
#![no_main]

use blumfeld_protocol::record_batch::{Batch, BatchBuilder, BatchOptions, ControlRecord, batches, checksum};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((mend, data)) = data.split_first() else { return };
    let mut bytes = data.to_vec();
    if mend & 1 == 1 && bytes.len() >= 61 {
        let length = u32::try_from(bytes.len() - 12).unwrap_or(0);
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[16] = 2;
        let crc = checksum(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    let bytes = Bytes::from(bytes);
    for batch in batches(&bytes).flatten() {
        let valid = batch.validate().is_ok();
        let Ok(records) = batch.records() else { continue };
        let mut again = BatchBuilder::new(BatchOptions::default());
        for record in records.take(10_000) {
            assert!(!valid || record.is_ok(), "a valid batch has only records that can be read");
            let Ok(record) = record else { break };
            ControlRecord::of(&record);
            again.append(record.timestamp, record.key.as_deref(), record.value.as_deref(), &record.headers);
        }
        if valid && again.count() == batch.records_count() {
            let again = again.build();
            assert_eq!(Batch::parse(again.bytes()).as_ref(), Ok(&again));
            assert!(again.validate().is_ok());
        }
    }
});
