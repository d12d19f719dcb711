//! How far consumer groups were behind, over time.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_view::GroupView;

use crate::format::round_numbers;

/// So much of the past is kept, in milliseconds of virtual time.
pub const WINDOW_MS: u64 = 60_000;
/// Of so many milliseconds the last value is kept.
const STEP_MS: u64 = 100;

/// How many records of a partition its group has not committed yet; `None` where one of the two is not known, and below
/// 0.
pub fn lag(committed: i64, high_watermark: i64) -> Option<i64> {
    (committed >= 0 && high_watermark >= 0).then(|| high_watermark.saturating_sub(committed).max(0))
}

/// The same of several partitions, as far as it is known; `None` if it is of none.
pub fn total(lags: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    lags.flatten().reduce(i64::saturating_add)
}

/// The same of all that a group reads.
pub fn of_group(group: &GroupView) -> Option<i64> {
    total(group.offsets.iter().map(|offset| lag(offset.committed, offset.high_watermark)))
}

/// The last minute of every group: moments, in virtual milliseconds, and lags. A lag holds until the next moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lags(BTreeMap<String, VecDeque<(u64, i64)>>);

impl Lags {
    /// Takes the groups as they are at a moment of virtual time, in milliseconds. Groups that are gone are forgotten.
    pub fn note(&mut self, now: u64, groups: &[GroupView]) {
        self.0.retain(|id, _| groups.iter().any(|group| group.id == *id));
        for group in groups {
            let Some(lag) = of_group(group) else { continue };
            let points = self.0.entry(group.id.clone()).or_default();
            match points.back_mut() {
                Some((_, last)) if *last == lag => {}
                Some((at, last)) if *at / STEP_MS == now / STEP_MS => *last = lag,
                _ => points.push_back((now, lag)),
            }
            // The one before the window says what held when it began.
            while points.get(1).is_some_and(|(at, _)| *at + WINDOW_MS <= now) {
                points.pop_front();
            }
        }
    }

    /// What is known of a group, oldest first.
    pub fn of(&self, group: &str) -> impl Iterator<Item = (u64, i64)> {
        self.0.get(group).into_iter().flatten().copied()
    }
}

/// A chart of the window that ends now.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// The line as an SVG path, in a picture of `width` by `height`.
    pub line: String,
    /// What the picture's upper edge stands for: a round number of records.
    pub top: i64,
    /// The largest lag in the window.
    pub most: i64,
}

impl Chart {
    /// The size of the picture.
    pub const SIZE: (u64, u64) = (600, 60);

    /// Draws points, oldest first; `None` if there are none.
    pub fn draw(points: impl Iterator<Item = (u64, i64)>, now: u64) -> Option<Chart> {
        let begin = now.saturating_sub(WINDOW_MS);
        let mut points: Vec<(u64, i64)> = points.collect();
        // Of those before the window the last says what held when it began.
        points.drain(..points.partition_point(|(at, _)| *at <= begin).saturating_sub(1));
        let most = points.iter().map(|(_, lag)| *lag).max()?;
        let top = round_numbers(1).find(|top| most <= *top)?;
        let (width, height) = Self::SIZE;
        #[allow(clippy::cast_precision_loss, reason = "a place in a picture")]
        let x = |at: u64| width as f64 - now.saturating_sub(at) as f64 / WINDOW_MS as f64 * width as f64;
        #[allow(clippy::cast_precision_loss, reason = "a place in a picture")]
        let y = |lag: i64| height as f64 * (1.0 - lag as f64 / top as f64);
        let mut line = String::new();
        for (at, lag) in points {
            let (x, y) = (x(at.max(begin)), y(lag));
            match line.is_empty() {
                true => line = format!("M{x:.1} {y:.1}"),
                false => line += &format!("H{x:.1}V{y:.1}"),
            }
        }
        line += &format!("H{width}");
        Some(Chart { line, top, most })
    }
}

#[cfg(test)]
mod tests {
    use blumfeld_view::GroupOffsetView;

    use super::*;

    fn group(lags: &[Option<i64>]) -> GroupView {
        let offsets = lags.iter().zip(0..).map(|(lag, partition)| GroupOffsetView {
            topic: "orders".into(),
            partition,
            committed: if lag.is_some() { 5 } else { -1 },
            high_watermark: 5 + lag.unwrap_or(90),
            owner: String::new(),
        });
        GroupView {
            id: "billing".into(),
            state: "Stable".into(),
            generation: 1,
            protocol: "range".into(),
            coordinator: 1,
            members: vec![],
            offsets: offsets.collect(),
        }
    }

    #[test]
    fn a_lag_is_what_is_not_committed() {
        for (committed, high_watermark, want) in
            [(3, 10, Some(7)), (-1, 10, None), (3, -1, None), (9, 5, Some(0))]
        {
            assert_eq!(lag(committed, high_watermark), want);
        }
        for (lags, want) in [
            (vec![], None),
            (vec![None], None),
            (vec![Some(0)], Some(0)),
            (vec![Some(3), None, Some(4)], Some(7)),
        ] {
            assert_eq!(of_group(&group(&lags)), want, "{lags:?}");
        }
    }

    #[test]
    fn the_last_minute_is_kept() {
        let mut lags = Lags::default();
        let mut note = |at, lag| {
            lags.note(at, &[group(&[Some(lag)])]);
            lags.of("billing").collect::<Vec<_>>()
        };
        assert_eq!(note(1_000, 4), [(1_000, 4)]);
        assert_eq!(note(2_000, 4), [(1_000, 4)], "nothing changed");
        assert_eq!(note(2_010, 6), [(1_000, 4), (2_010, 6)]);
        assert_eq!(note(2_090, 9), [(1_000, 4), (2_010, 9)], "the last of a tenth of a second");
        assert_eq!(note(61_500, 0), [(1_000, 4), (2_010, 9), (61_500, 0)]);
        assert_eq!(note(62_010, 0), [(2_010, 9), (61_500, 0)], "what held when the window began");
        lags.note(63_000, &[]);
        assert_eq!(lags.of("billing").count(), 0, "the group is gone");
        for at in 0..100_000 {
            let lag = i64::try_from(at).unwrap();
            lags.note(at * 7, &[group(&[Some(lag)])]);
        }
        assert!(lags.of("billing").count() <= 602);
    }

    #[test]
    fn a_chart_steps_from_lag_to_lag() {
        assert_eq!(Chart::draw(std::iter::empty(), 9), None);
        let chart = |points: &[(u64, i64)], now| Chart::draw(points.iter().copied(), now).unwrap();
        let line = "M0.0 30.0H300.0V0.0H600".to_owned();
        assert_eq!(chart(&[(0, 5), (90_000, 10)], 120_000), Chart { line, top: 10, most: 10 });
        let line = "M0.0 0.0H600".to_owned();
        let passed = [(0, 70), (9_000, 5)];
        assert_eq!(chart(&passed, 100_000), Chart { line, top: 5, most: 5 }, "what is past");
        assert_eq!(chart(&[(100, 0)], 100), Chart { line: "M600.0 60.0H600".to_owned(), top: 1, most: 0 });
        for (most, top) in [(1, 1), (3, 5), (6, 10), (11, 20), (58_624, 100_000), (i64::MAX, i64::MAX)] {
            assert_eq!(chart(&[(0, most)], 0).top, top);
        }
    }
}
