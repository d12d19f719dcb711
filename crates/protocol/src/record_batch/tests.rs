use super::*;

fn header(key: &'static str, value: Option<&'static str>) -> Header {
    Header { key: Bytes::from_static(key.as_bytes()), value: value.map(|v| Bytes::from_static(v.as_bytes())) }
}

fn sample(compression: Compression) -> Batch {
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    builder.append(
        1_000,
        Some(b"k"),
        Some("값".as_bytes()),
        &[header("trace", Some("1")), header("trace", Some("2")), header("trace", None)],
    );
    builder.append(900, None, None, &[]);
    builder.append(2_500, Some(b""), Some(&[7; 300]), &[]);
    builder.build()
}

#[test]
fn records_come_back_in_every_compression() {
    for compression in Compression::ALL {
        let batch = sample(compression).with_offset_and_epoch(40, 3);
        batch.validate().unwrap();
        assert_eq!(batch.compression(), Ok(compression));
        assert_eq!((batch.base_offset(), batch.last_offset(), batch.partition_leader_epoch()), (40, 42, 3));
        assert_eq!((batch.base_timestamp(), batch.max_timestamp()), (1_000, 2_500));
        let records: Vec<Record> = batch.records().unwrap().map(Result::unwrap).collect();
        let seen: Vec<_> =
            records.iter().map(|r| (r.offset, r.timestamp, r.key.as_deref(), r.headers.len())).collect();
        assert_eq!(
            seen,
            [(40, 1_000, Some(&b"k"[..]), 3), (41, 900, None, 0), (42, 2_500, Some(&b""[..]), 0)]
        );
        assert_eq!(records[0].value.as_deref(), Some("값".as_bytes()));
        assert_eq!(
            (&records[0].headers[1], &records[0].headers[2].value),
            (&header("trace", Some("2")), &None)
        );
        assert_eq!(records[1].value, None);
        match (compression, records[2].range) {
            (Compression::None, Some((from, to))) => assert_eq!((to, to - from > 300), (batch.size(), true)),
            (Compression::None, None) => panic!("an uncompressed record has a place"),
            (_, range) => assert_eq!(range, None),
        }
    }
}

#[test]
fn size_is_known_before_a_record_is_added() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for (n, value) in [&[1_u8; 5][..], &[2; 200], &[3; 20_000]].into_iter().enumerate() {
        let headers = [header("h", Some("v"))];
        let add = builder.record_size(n as i64 * 1_000, Some(b"key"), Some(value), &headers);
        let before = builder.size();
        builder.append(n as i64 * 1_000, Some(b"key"), Some(value), &headers);
        assert_eq!(builder.size(), before + add);
        assert!(record_size(Some(b"key"), Some(value), &headers) >= HEADER_LEN + add);
    }
    assert_eq!(builder.build().size(), builder.size());
}

#[test]
fn log_append_time_replaces_every_timestamp() {
    let batch = sample(Compression::Gzip).with_log_append_time(77);
    batch.validate().unwrap();
    assert!(batch.records().unwrap().all(|record| record.unwrap().timestamp == 77));
}

#[test]
fn every_single_changed_byte_after_the_crc_is_found() {
    let good = sample(Compression::None);
    for at in CRC_FROM..good.size() {
        let mut bytes = good.bytes().to_vec();
        bytes[at] ^= 0x40;
        let batch = Batch::parse(&bytes.into()).unwrap();
        assert!(matches!(batch.validate(), Err(BatchError::Crc { .. })), "byte {at}");
    }
}

/// Writes `change` over a good batch and mends the checksum, so that the next check has to find it.
fn forged(at: usize, change: &[u8]) -> Result<(), BatchError> {
    let mut bytes = sample(Compression::None).bytes().to_vec();
    bytes[at..at + change.len()].copy_from_slice(change);
    let crc = checksum(&bytes[CRC_FROM..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    Batch::parse(&bytes.into())?.validate()
}

#[test]
fn lies_with_a_right_checksum_are_found() {
    use BatchError as E;
    assert_eq!(forged(0, &[0]), Ok(()));
    assert_eq!(forged(16, &[1]), Err(E::Magic(1)));
    assert_eq!(forged(8, &[0xff, 0xff, 0xff, 0xff]), Err(E::Length(-1)));
    assert_eq!(forged(8, &[0, 0, 0, 48]), Err(E::Length(48)));
    assert!(matches!(forged(8, &[0x7f, 0, 0, 0]), Err(E::Short { .. })));
    assert_eq!(forged(21, &[0, 5]), Err(E::CompressionId(5)));
    assert_eq!(forged(57, &[0, 0, 0, 2]), Err(E::Count { count: 2, last_offset_delta: 2 }));
    assert_eq!(forged(57, &[0xff; 4]), Err(E::Count { count: -1, last_offset_delta: 2 }));
    assert_eq!(forged(23, &[0, 0, 0, 1]), Err(E::Count { count: 3, last_offset_delta: 1 }));
    assert_eq!(forged(35, &[0; 8]), Err(E::MaxTimestamp { header: 0, records: 2_500 }));
    assert_eq!(forged(61, &[0x80]), Err(E::Record(0)));
    // The second record's offset delta, which follows the first record and three bytes of its own.
    let first = sample(Compression::None).records().unwrap().next().unwrap().unwrap().range.unwrap();
    let mut ok = false;
    for at in first.1..first.1 + 6 {
        ok |= forged(at, &[10]) == Err(E::OffsetDelta { index: 1, delta: 5 });
    }
    assert!(ok, "a wrong offset delta is named");
}

#[test]
fn any_cut_or_noise_is_an_error_and_no_panic() {
    let good = sample(Compression::None);
    for cut in 0..good.size() {
        assert!(Batch::parse(&good.bytes().slice(..cut)).is_err());
    }
    let two = Bytes::from([&good.bytes()[..], &good.bytes()[..70]].concat());
    let seen: Vec<bool> = batches(&two).map(|batch| batch.is_ok()).collect();
    assert_eq!(seen, [true, false]);
}

#[test]
fn control_records_are_read() {
    let mut builder = BatchBuilder::new(BatchOptions {
        control: true,
        transactional: true,
        producer_id: 9,
        producer_epoch: 1,
        ..BatchOptions::default()
    });
    builder.append(1, Some(&ControlRecord::key(1)), Some(&[0, 0, 0, 0, 0, 7]), &[]);
    let batch = builder.build();
    assert!(batch.is_control() && batch.is_transactional());
    let record = batch.records().unwrap().next().unwrap().unwrap();
    assert_eq!(ControlRecord::of(&record), Some(ControlRecord::Commit { coordinator_epoch: 7 }));
}

#[test]
fn both_ways_to_a_checksum_lead_to_the_same() {
    let bytes: Vec<u8> = (0..1_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for len in 0..bytes.len() {
        assert_eq!(TABLES.checksum(&bytes[..len]), checksum(&bytes[..len]), "{len} bytes");
    }
    assert_eq!(checksum(b"123456789"), ISCSI.check);
}

#[test]
fn a_batch_that_loses_records_keeps_all_that_follows_from_the_others() {
    for compression in Compression::ALL {
        for (log_append_time, horizon) in [(false, None), (false, Some(9_000)), (true, None), (true, Some(5))]
        {
            let mut builder = BatchBuilder::new(BatchOptions {
                compression,
                producer_id: 77,
                producer_epoch: 3,
                base_sequence: i32::MAX,
                transactional: true,
                ..BatchOptions::default()
            });
            for (at, key) in [(1_000, "a"), (900, "b"), (2_500, "c")] {
                builder.append(at, Some(key.as_bytes()), None, &[header("h", Some(key))]);
            }
            let batch = builder.build().with_offset_and_epoch(40, 12);
            let batch = if log_append_time { batch.with_log_append_time(7_000) } else { batch };
            let records: Vec<Record> = batch.records().unwrap().map(Result::unwrap).collect();
            let left = batch.with_records(&records[1..2], horizon).unwrap();
            left.validate_header().unwrap();
            let same = |batch: &Batch| {
                (
                    (batch.base_offset(), batch.last_offset(), batch.partition_leader_epoch()),
                    (
                        batch.producer_id(),
                        batch.producer_epoch(),
                        batch.base_sequence(),
                        batch.last_sequence(),
                    ),
                    (batch.timestamp_type(), batch.is_transactional(), batch.is_control()),
                )
            };
            assert_eq!(same(&left), same(&batch));
            assert_eq!((left.compression(), left.records_count()), (Ok(compression), 1));
            assert_eq!(left.delete_horizon_ms(), horizon);
            let again: Vec<Record> = left.records().unwrap().map(Result::unwrap).collect();
            let parts = |record: &Record| {
                (record.offset, record.timestamp, record.key.clone(), record.headers.clone(), record.sequence)
            };
            assert_eq!(again.iter().map(parts).collect::<Vec<_>>(), [parts(&records[1])]);
            let base = if log_append_time { 7_000 } else { 900 };
            assert_eq!(left.base_timestamp(), horizon.unwrap_or(base));
            assert_eq!(left.max_timestamp(), base, "the largest that is left, or the broker's");

            let empty = left.emptied();
            empty.validate_header().unwrap();
            assert_eq!(same(&empty), same(&batch));
            assert_eq!((empty.records_count(), empty.size(), empty.base_timestamp()), (0, HEADER_LEN, -1));
            assert_eq!(empty.compression(), Ok(Compression::None));
            assert_eq!((empty.max_timestamp(), empty.delete_horizon_ms()), (left.max_timestamp(), None));
            assert_eq!(empty.records().unwrap().count(), 0);
            assert_eq!(empty.emptied(), empty);
        }
    }
}

#[test]
fn compaction_reads_no_more_of_a_record_than_it_needs() {
    for compression in Compression::ALL {
        let batch = sample(compression).with_offset_and_epoch(40, 3);
        let mut records = batch.records().unwrap();
        let mut seen = Vec::new();
        while let Some(record) = records.next_key() {
            let KeyOnly { offset, key, has_value } = record.unwrap();
            seen.push((offset, key.map(<[u8]>::to_vec), has_value));
        }
        let want = [(40, Some(b"k".to_vec()), true), (41, None, false), (42, Some(Vec::new()), true)];
        assert_eq!(seen, want);
        // What was passed over that way is not read again.
        let mut records = batch.records().unwrap();
        records.next_key().unwrap().unwrap();
        assert_eq!(records.next().unwrap().unwrap().offset, 41);
    }
}
