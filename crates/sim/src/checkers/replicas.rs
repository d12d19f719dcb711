//! Replicas agree on what is committed: below their high watermarks they hold the same batches.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;

/// A batch of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchSeen {
    /// Offset of its first record.
    pub base_offset: i64,
    /// The offset after its last.
    pub next_offset: i64,
    /// Epoch of the leader that appended it.
    pub leader_epoch: i32,
    /// Checksum of what the leader did not write itself.
    pub crc: u32,
}

/// A replica's log below its high watermark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSeen {
    /// The node.
    pub node: NodeId,
    /// Its batches, in order.
    pub batches: Vec<BatchSeen>,
}

/// Compares the replicas of one partition.
///
/// # Errors
/// The first batch that two of them do not share.
pub fn replicas_agree(partition: &str, logs: &[LogSeen]) -> Result<(), String> {
    let mut at: BTreeMap<i64, (NodeId, BatchSeen)> = BTreeMap::new();
    for log in logs {
        // A log may begin later than another, but goes on without a gap.
        let gap = log.batches.windows(2).find(|two| two[0].next_offset != two[1].base_offset);
        if let Some(two) = gap {
            let (node, end) = (log.node, two[0].next_offset);
            return Err(format!("{partition} at {node} has a gap: {} follows {end}", two[1].base_offset));
        }
        for batch in &log.batches {
            let (node, known) = *at.entry(batch.base_offset).or_insert((log.node, *batch));
            if known != *batch {
                return Err(format!(
                    "{partition} differs at {node} and {} from offset {} on: {known:?} and {batch:?}",
                    log.node, batch.base_offset
                ));
            }
        }
    }
    // A batch that begins inside another was not met above.
    let mut end: Option<(i64, NodeId)> = None;
    for (base_offset, (node, batch)) in at {
        if let Some((_, other)) = end.filter(|(end, _)| base_offset < *end) {
            return Err(format!(
                "{partition}: batches of {other} and {node} overlap at offset {base_offset}"
            ));
        }
        end = Some((batch.next_offset, node));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_replicas_do_not_share_is_found() {
        let log = |node, batches: &[(i64, i64, i32, u32)]| LogSeen {
            node: NodeId(node),
            batches: (batches.iter())
                .map(|(base_offset, next_offset, leader_epoch, crc)| BatchSeen {
                    base_offset: *base_offset,
                    next_offset: *next_offset,
                    leader_epoch: *leader_epoch,
                    crc: *crc,
                })
                .collect(),
        };
        let whole = log(1, &[(0, 3, 1, 7), (3, 4, 2, 8)]);
        let agrees = |other: LogSeen| replicas_agree("a-0", &[whole.clone(), other]);
        assert_eq!(agrees(whole.clone()), Ok(()));
        assert_eq!(agrees(log(2, &[(0, 3, 1, 7)])), Ok(()), "it is behind");
        assert_eq!(agrees(log(2, &[(3, 4, 2, 8), (4, 5, 2, 9)])), Ok(()), "it begins later");
        for (other, want) in [
            (log(2, &[(0, 3, 1, 6)]), "a-0 differs at broker-1 and broker-2 from offset 0 on"),
            (log(2, &[(0, 3, 1, 7), (3, 4, 3, 8)]), "a-0 differs at broker-1 and broker-2 from offset 3 on"),
            (log(2, &[(0, 2, 1, 7)]), "a-0 differs"),
            (log(2, &[(1, 3, 1, 7)]), "a-0: batches of broker-1 and broker-2 overlap at offset 1"),
            (log(2, &[(0, 3, 1, 7), (4, 5, 2, 8)]), "a-0 at broker-2 has a gap: 4 follows 3"),
        ] {
            let error = agrees(other).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
