//! Which segments become one (Cleaner.groupSegmentsBySize): what compaction leaves of a segment is small, and a log of
//! many small segments is slow to load.

use std::collections::VecDeque;

use crate::{LogConfig, LogSegment};

/// How large a segment is. In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSize {
    /// Its base offset.
    pub base_offset: i64,
    /// Of its records.
    pub log: u64,
    /// Of its offset index.
    pub index: u64,
    /// Of its time index.
    pub time_index: u64,
}

impl SegmentSize {
    /// Of a segment.
    pub fn of(segment: &LogSegment) -> SegmentSize {
        SegmentSize {
            base_offset: segment.base_offset(),
            log: u64::from(segment.size()),
            index: 8 * u64::from(segment.offset_index().len()),
            time_index: 12 * u64::from(segment.time_index().len()),
        }
    }
}

/// Groups of segments that go into one each, by their base offsets: together no larger than a segment may be before
/// anything is taken out of them, with offsets that the new one's indexes can count. `first_uncleanable` is where the
/// last of them ends at the latest.
pub fn group_segments(
    segments: &[SegmentSize],
    config: &LogConfig,
    first_uncleanable: i64,
) -> VecDeque<VecDeque<i64>> {
    let (max_log, max_index) = (u64::from(config.segment_bytes), u64::from(config.segment_index_bytes));
    let mut groups: VecDeque<VecDeque<i64>> = VecDeque::new();
    let mut total: Option<SegmentSize> = None;
    for (at, segment) in segments.iter().enumerate() {
        let sum = total.map(|total| SegmentSize {
            base_offset: total.base_offset,
            log: total.log + segment.log,
            index: total.index + segment.index,
            time_index: total.time_index + segment.time_index,
        });
        let next = segments.get(at + 1).map_or(first_uncleanable, |next| next.base_offset);
        let fits = |sum: &SegmentSize| {
            sum.log <= max_log
                && sum.index <= max_index
                && sum.time_index <= max_index
                // Nothing has to be counted in an empty segment.
                && (segment.log == 0 || (next - 1).saturating_sub(sum.base_offset) <= i64::from(i32::MAX))
        };
        match (sum.filter(fits), groups.back_mut()) {
            (Some(sum), Some(group)) => {
                group.push_back(segment.base_offset);
                total = Some(sum);
            }
            _ => {
                groups.push_back(VecDeque::from([segment.base_offset]));
                total = Some(*segment);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `base:log/index/timeindex`, of which what is left out is 0.
    fn sizes(text: &str) -> Vec<SegmentSize> {
        let number = |text: Option<&str>| text.map_or(0, |text| text.parse().unwrap());
        (text.split_whitespace())
            .map(|one| {
                let (base, sizes) = one.split_once(':').unwrap();
                let mut sizes = sizes.split('/');
                SegmentSize {
                    base_offset: base.parse().unwrap(),
                    log: number(sizes.next()),
                    index: number(sizes.next()),
                    time_index: number(sizes.next()),
                }
            })
            .collect()
    }

    #[test]
    fn segments_that_fit_into_one_become_one() {
        let config = LogConfig { segment_bytes: 100, segment_index_bytes: 24, ..LogConfig::default() };
        for (segments, first_uncleanable, want) in [
            ("", 0, ""),
            ("0:100", 10, "0"),
            ("0:50 10:50", 20, "0,10"),
            ("0:50 10:51", 20, "0 10"),
            ("0:50 10:30 20:30 30:60 40:10", 50, "0,10 20,30,40"),
            // A segment that is too large by itself is a group.
            ("0:500 10:10 20:10", 30, "0 10,20"),
            // Each index counts by itself.
            ("0:10/16 10:10/8 20:10/8", 30, "0,10 20"),
            ("0:10/0/12 10:10/0/12 20:10/0/12", 30, "0,10 20"),
            // The last offset is known by where the next segment begins, or by what cannot be cleaned.
            ("0:10 5:10 2147483648:10", 2147483660, "0,5 2147483648"),
            ("0:10 5:10 2147483649:10", 2147483660, "0 5 2147483649"),
            ("0:10 5:10", 2147483648, "0,5"),
            ("0:10 5:10", 2147483649, "0 5"),
            // Nothing of an empty one has to be counted.
            ("0:10 5:0", 2147483649, "0,5"),
            ("0:0 5:0 10:0", 11, "0,5,10"),
        ] {
            let groups = group_segments(&sizes(segments), &config, first_uncleanable);
            let shown: Vec<String> = (groups.iter())
                .map(|group| group.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
                .collect();
            assert_eq!(shown.join(" "), want, "{segments}");
        }
    }
}
