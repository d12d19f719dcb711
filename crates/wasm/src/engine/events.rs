//! Which events of the trace the page is told.

use blumfeld_kernel::TraceEvent;
use blumfeld_sim::{TraceLine, event_view};
use blumfeld_view::{EventView, RecoveryView};

/// Of the frequent events since the last delta so many are told, the newest. A pane shows fewer, and each is read by
/// the page whether it is shown or not.
const FREQUENT_TOLD: usize = 60;
/// Of the rare ones so many: more than a large cluster says when a broker goes.
const RARE_TOLD: usize = 2_000;

/// The lines that are told, in their order, and how many are not.
pub(super) fn told(lines: &[TraceLine]) -> (Vec<EventView>, u64) {
    let (mut frequent, mut rare, mut left_out) = (0, 0, 0);
    let mut events = Vec::new();
    for line in lines.iter().rev() {
        let (count, most) =
            if line.is_frequent() { (&mut frequent, FREQUENT_TOLD) } else { (&mut rare, RARE_TOLD) };
        if *count < most {
            *count += 1;
            events.push(event_view(line));
        } else {
            left_out += 1;
        }
    }
    events.reverse();
    (events, left_out)
}

/// What recovery found, where a line says it.
pub(super) fn recovered(line: &TraceLine) -> Option<RecoveryView> {
    let TraceEvent::LogRecovered { partition, clean, scanned, truncated, log_end } = &line.event else {
        return None;
    };
    Some(RecoveryView {
        partition: partition.to_string(),
        clean: *clean,
        scanned: *scanned,
        truncated: *truncated,
        log_end: *log_end,
    })
}

#[cfg(test)]
mod tests {
    use blumfeld_kernel::{Instant, NodeId};
    use blumfeld_view::EventKind;

    use super::*;

    fn line(at: u64, event: TraceEvent) -> TraceLine {
        TraceLine { at: Instant::from_micros(at), node: NodeId(1), event }
    }

    fn appended(at: u64) -> TraceLine {
        let offset = i64::try_from(at).unwrap();
        let (base_offset, last_offset) = (offset, offset);
        line(at, TraceEvent::Appended { partition: "orders-0".into(), base_offset, last_offset, bytes: 9 })
    }

    fn elected(at: u64) -> TraceLine {
        let (leader, epoch, isr) = (2, 1, [2, 3].into());
        line(
            at,
            TraceEvent::LeaderElected { partition: "orders-0".into(), leader, epoch, isr, unclean: false },
        )
    }

    #[test]
    fn elections_among_a_hundred_thousand_appends_are_told() {
        let elections = [10, 50_000, 99_000];
        let lines: Vec<TraceLine> =
            (0..100_000).map(|at| if elections.contains(&at) { elected(at) } else { appended(at) }).collect();
        let (events, left_out) = told(&lines);
        assert_eq!(events.len() as u64 + left_out, 100_000);
        assert!(events.is_sorted_by_key(|event| event.at));
        let rare: Vec<_> = events.iter().filter(|event| !event.frequent).collect();
        assert_eq!(rare.iter().map(|event| event.at).collect::<Vec<_>>(), elections);
        assert!(rare.iter().all(|event| event.kind == EventKind::Replication));
        let frequent: Vec<_> = events.iter().filter(|event| event.frequent).collect();
        assert_eq!((frequent.len(), frequent[0].at), (FREQUENT_TOLD, 100_000 - FREQUENT_TOLD as u64));
    }

    #[test]
    fn more_rare_events_than_are_told_are_counted() {
        let lines: Vec<TraceLine> = (0..2_500).map(elected).collect();
        let (events, left_out) = told(&lines);
        assert_eq!((events.len(), events[0].at, left_out), (RARE_TOLD, 500, 500));
        assert_eq!(told(&[]), (Vec::new(), 0));
    }
}
