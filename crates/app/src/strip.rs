//! Where the parts of a partition's picture stand: sealed segments as small equal blocks, an axis break, then the tail
//! on a linear axis. One scale for all partitions of a topic, in steps of 1, 2 and 5.

use blumfeld_view::{PartitionView, ReplicaView};

use crate::format::round_numbers;

/// Sealed segments that are drawn; older ones are a number.
pub const BLOCKS: usize = 8;

/// A sealed segment.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Block {
    /// The share of it, 0 to 1, that a power cut leaves.
    pub durable: f64,
    /// The share of it, 0 to 1, that was deleted from its front (`kafka-delete-records.sh`).
    pub deleted: f64,
}

/// A partition's picture. Places in the tail are percent of the axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Strip {
    /// Sealed segments before those that are drawn.
    pub older: usize,
    /// The sealed segments that are drawn, oldest first.
    pub blocks: Vec<Block>,
    /// The offset where the tail begins.
    pub from: i64,
    /// Log start offset, where it lies in the tail and cuts something off.
    pub start: f64,
    /// End of what a power cut leaves.
    pub durable: f64,
    /// High watermark.
    pub high_watermark: f64,
    /// Last stable offset, where it is below the high watermark.
    pub last_stable: Option<f64>,
    /// Open transactions: where each begins.
    pub open: Vec<f64>,
    /// Aborted transactions that reach into the tail: where each begins, and its marker.
    pub aborted: Vec<(f64, f64)>,
    /// Up to where the leader has cleaned the log, where that lies in the tail.
    pub clean: Option<f64>,
    /// Log end offset.
    pub end: f64,
}

/// The tail's first offset: where the active segment begins, or the log.
fn tail_from(partition: &PartitionView) -> i64 {
    partition.segments.last().map_or(partition.log_start, |active| active.base_offset).min(partition.log_end)
}

/// The smallest number of offsets of the form 1, 2 or 5 times a power of ten, at least 10, into which the tail of every
/// partition goes.
pub fn axis(partitions: &[PartitionView]) -> i64 {
    // A replica can be ahead of its leader until it truncates, and is to be seen whole.
    let end = |p: &PartitionView| p.copies.iter().map(|copy| copy.log_end).fold(p.log_end, i64::max);
    let longest = partitions.iter().map(|p| end(p).saturating_sub(tail_from(p))).max().unwrap_or(0);
    // A tenth of room, so that a strip that grows does not stand at the edge.
    let fits = |axis: &i64| longest <= axis / 10 * 9 || *axis == i64::MAX;
    round_numbers(10).find(fits).unwrap_or(i64::MAX)
}

/// How many blocks the partitions of a topic leave room for, and whether one has more sealed segments than are drawn.
/// All tails then begin at one place, so that the eye compares offsets down the column.
pub fn room(partitions: &[PartitionView]) -> (usize, bool) {
    let sealed = partitions.iter().map(|p| p.segments.len().saturating_sub(1)).max().unwrap_or(0);
    (sealed.min(BLOCKS), sealed > BLOCKS)
}

/// The picture of a partition on an axis of `axis` offsets.
pub fn strip(partition: &PartitionView, axis: i64) -> Strip {
    let from = tail_from(partition);
    let place = |offset: i64| share(offset.saturating_sub(from), axis) * 100.0;
    let sealed = partition.segments.split_last().map(|(_, sealed)| sealed).unwrap_or_default();
    let older = sealed.len().saturating_sub(BLOCKS);
    let blocks = sealed.iter().skip(older).map(|segment| {
        let records = segment.next_offset.saturating_sub(segment.base_offset);
        Block {
            durable: if segment.durable >= segment.size {
                1.0
            } else {
                segment.durable as f64 / segment.size as f64
            },
            deleted: share(partition.log_start.saturating_sub(segment.base_offset), records),
        }
    });
    Strip {
        older,
        blocks: blocks.collect(),
        from,
        start: place(partition.log_start),
        durable: place(partition.durable_offset.min(partition.log_end)),
        high_watermark: place(partition.high_watermark.min(partition.log_end)),
        last_stable: (partition.last_stable < partition.high_watermark).then(|| place(partition.last_stable)),
        open: partition.open_transactions.iter().map(|open| place(open.first_offset)).collect(),
        aborted: (partition.aborted_transactions.iter())
            .filter(|aborted| aborted.last_offset >= from)
            .map(|aborted| (place(aborted.first_offset), place(aborted.last_offset.saturating_add(1))))
            .collect(),
        clean: (partition.copies.iter())
            .find(|copy| copy.broker == partition.leader && copy.cleaned_to > from)
            .map(|copy| place(copy.cleaned_to)),
        end: place(partition.log_end),
    }
}

/// Where a replica stands on its leader's axis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Copy {
    /// Its broker does not run, or has not loaded it.
    Absent,
    /// It ends before the axis begins: a number, since a compressed axis would lie about the distance.
    Away,
    /// It ends within the tail. Places are percent of the axis.
    Within {
        /// The high watermark that it knows of.
        high_watermark: f64,
        /// Its log end offset.
        end: f64,
    },
}

/// The place of a replica under its leader's strip.
pub fn copy(partition: &PartitionView, replica: &ReplicaView, axis: i64) -> Copy {
    let from = tail_from(partition);
    let place = |offset: i64| share(offset.saturating_sub(from), axis) * 100.0;
    match replica {
        _ if !replica.online => Copy::Absent,
        _ if replica.log_end < from => Copy::Away,
        _ => Copy::Within {
            high_watermark: place(replica.high_watermark.min(replica.log_end)),
            end: place(replica.log_end),
        },
    }
}

/// Offsets that a replica has less than its leader; below 0 if it has more, which it is going to truncate.
pub fn behind(partition: &PartitionView, replica: &ReplicaView) -> i64 {
    partition.log_end.saturating_sub(replica.log_end)
}

/// `part` of `whole`, 0 to 1.
fn share(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_view::SegmentView;

    fn partition(
        log_start: i64,
        segments: &[(i64, i64, u64, u64)],
        durable: i64,
        hw: i64,
        end: i64,
    ) -> PartitionView {
        PartitionView {
            partition: 0,
            leader: 1,
            leader_epoch: 0,
            replicas: vec![1],
            isr: vec![1],
            elr: vec![],
            copies: vec![],
            log_start,
            high_watermark: hw,
            last_stable: hw,
            log_end: end,
            durable_offset: durable,
            size: 0,
            segments: (segments.iter())
                .map(|&(base_offset, next_offset, size, durable)| SegmentView {
                    base_offset,
                    next_offset,
                    size,
                    durable,
                    cached: size,
                    durable_offset: base_offset,
                    index_entries: 0,
                    time_index_entries: 0,
                    max_timestamp: -1.0,
                })
                .collect(),
            ..PartitionView::default()
        }
    }

    #[test]
    fn the_axis_grows_in_steps_of_one_two_and_five() {
        for (records, want) in [
            (0, 10),
            (9, 10),
            (10, 20),
            (18, 20),
            (19, 50),
            (45, 50),
            (46, 100),
            (91, 200),
            (351_040, 500_000),
        ] {
            assert_eq!(axis(&[partition(0, &[(0, records, 1, 1)], 0, 0, records)]), want, "{records}");
        }
        assert_eq!(axis(&[]), 10);
        assert_eq!(axis(&[partition(0, &[(0, i64::MAX, 1, 1)], 0, 0, i64::MAX)]), i64::MAX);
    }

    #[test]
    fn replicas_stand_on_their_leaders_axis() {
        let leader = partition(0, &[(0, 100, 50, 50), (100, 180, 50, 25)], 160, 170, 180);
        let replica = |online, high_watermark, log_end| ReplicaView {
            broker: 2,
            online,
            log_end,
            high_watermark,
            cleaned_to: -1,
        };
        let within = |high_watermark, end| Copy::Within { high_watermark, end };
        for (replica, want, late) in [
            (replica(true, 170, 180), within(70.0, 80.0), 0),
            (replica(true, 150, 175), within(50.0, 75.0), 5),
            // What it knows of the high watermark can lie before the tail, or after its own end.
            (replica(true, 90, 100), within(0.0, 0.0), 80),
            (replica(true, 170, 150), within(50.0, 50.0), 30),
            (replica(true, 90, 99), Copy::Away, 81),
            (replica(true, 170, 190), within(70.0, 90.0), -10),
            (replica(true, 170, 999), within(70.0, 100.0), -819),
            (replica(false, -1, -1), Copy::Absent, 181),
        ] {
            assert_eq!(copy(&leader, &replica, 100), want, "{replica:?}");
            assert_eq!(behind(&leader, &replica), late, "{replica:?}");
        }
    }

    #[test]
    fn the_axis_has_room_for_a_replica_that_is_ahead() {
        let mut leader = partition(0, &[(0, 9, 1, 1)], 0, 0, 9);
        assert_eq!(axis(std::slice::from_ref(&leader)), 10);
        leader.copies =
            vec![ReplicaView { broker: 2, online: true, log_end: 19, high_watermark: 0, cleaned_to: -1 }];
        assert_eq!(axis(&[leader]), 50);
    }

    #[test]
    fn tails_of_a_topic_begin_at_one_place() {
        let sealed = |n: i64| partition(0, &vec![(0, 1, 1, 1); n as usize + 1], 0, 0, 1);
        for (counts, want) in [
            (vec![], (0, false)),
            (vec![0], (0, false)),
            (vec![0, 3], (3, false)),
            (vec![8], (8, false)),
            (vec![2, 9], (8, true)),
        ] {
            assert_eq!(room(&counts.into_iter().map(sealed).collect::<Vec<_>>()), want);
        }
    }

    #[test]
    fn parts_stand_where_the_offsets_are() {
        let empty = strip(&partition(0, &[(0, 0, 0, 0)], 0, 0, 0), 10);
        assert_eq!(
            empty,
            Strip {
                older: 0,
                blocks: vec![],
                from: 0,
                start: 0.0,
                durable: 0.0,
                high_watermark: 0.0,
                last_stable: None,
                open: vec![],
                aborted: vec![],
                clean: None,
                end: 0.0
            }
        );

        let segments: Vec<_> =
            (0..11).map(|i| (i * 100, i * 100 + 100, 50, if i < 9 { 50 } else { 10 })).collect();
        let full = strip(&partition(350, &segments, 920, 1050, 1080), 100);
        assert_eq!((full.older, full.blocks.len(), full.from), (2, 8, 1000));
        assert_eq!(full.blocks[0], Block { durable: 1.0, deleted: 1.0 });
        assert_eq!(full.blocks[1], Block { durable: 1.0, deleted: 0.5 });
        assert_eq!(full.blocks[7], Block { durable: 0.2, deleted: 0.0 });
        assert_eq!((full.start, full.durable, full.high_watermark, full.end), (0.0, 0.0, 50.0, 80.0));

        let cut = strip(&partition(30, &[(0, 80, 50, 25)], 60, 70, 80), 100);
        assert_eq!((cut.start, cut.durable, cut.high_watermark, cut.end), (30.0, 60.0, 70.0, 80.0));
    }
}
