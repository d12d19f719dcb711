//! What the page knows of two runs side by side, and how their numbers stand to each other. Nothing here touches the
//! browser.

use std::collections::BTreeSet;

use blumfeld_view::{CompareSide, CompareUpdate, CompareView, Preset};

/// How far a comparison is.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ComparisonState {
    /// What runs, and the thousandths that are done.
    pub running: Option<(Preset, u32)>,
    /// What came of the last one that was not stopped.
    pub result: Option<CompareView>,
    /// Whether the last one was stopped.
    pub stopped: bool,
    /// Why the last one could not be made.
    pub failed: Option<String>,
}

impl ComparisonState {
    /// The same after the engine has told something.
    pub fn after(&self, told: CompareUpdate) -> ComparisonState {
        let result = self.result.clone();
        match told {
            CompareUpdate::Progress { preset, done } => {
                ComparisonState { running: Some((preset, done)), result, stopped: false, failed: None }
            }
            CompareUpdate::Done(view) => {
                ComparisonState { result: Some(*view), ..ComparisonState::default() }
            }
            CompareUpdate::Stopped => ComparisonState { result, stopped: true, ..ComparisonState::default() },
            CompareUpdate::Failed(why) => {
                ComparisonState { result, failed: Some(why), ..ComparisonState::default() }
            }
        }
    }
}

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A plain number.
    Count,
    /// Microseconds.
    Time,
    /// Bytes.
    Bytes,
}

/// What a row is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Measure {
    /// Records that were acknowledged.
    Written,
    /// The same a second.
    WriteRate,
    /// Records that were processed.
    Read,
    /// The same a second.
    ReadRate,
    /// Records that were not read.
    Behind,
    /// Median of the latency.
    Median,
    /// Its 99th percentile.
    Percentile99,
    /// Requests of an API.
    Requests(String),
    /// Bytes between clients and brokers.
    ClientBytes,
    /// Bytes between brokers.
    BrokerBytes,
    /// Records in a batch.
    BatchRecords,
    /// Bytes of one.
    BatchBytes,
}

/// A number of both runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// What it is.
    pub measure: Measure,
    /// How it is written.
    pub unit: Unit,
    /// Of the two; nothing where it was not measured.
    pub values: [Option<f64>; 2],
}

impl Row {
    /// The second over the first; nothing if the first is nothing.
    pub fn ratio(&self) -> Option<f64> {
        match self.values {
            [Some(first), Some(second)] if first > 0.0 => Some(second / first),
            _ => None,
        }
    }

    /// How long the bars of the two are, in thousandths of the longer one.
    pub fn bars(&self) -> [f64; 2] {
        let most = self.values.iter().flatten().fold(0.0_f64, |most, value| most.max(*value));
        self.values.map(|value| if most > 0.0 { value.unwrap_or(0.0) / most * 1e3 } else { 0.0 })
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers to be read")]
fn real(number: u64) -> f64 {
    number as f64
}

/// All numbers of a comparison, those of requests with the most frequent API first.
pub fn rows(view: &CompareView) -> Vec<Row> {
    let seconds = f64::from(view.seconds.max(1));
    let row = |measure, unit, of: &dyn Fn(&CompareSide) -> Option<f64>| Row {
        measure,
        unit,
        values: [of(&view.sides[0]), of(&view.sides[1])],
    };
    let a_batch = |of: u64, side: &CompareSide| (side.batches > 0).then(|| real(of) / real(side.batches));
    let mut rows = vec![
        row(Measure::Written, Unit::Count, &|side| Some(real(side.written))),
        row(Measure::WriteRate, Unit::Count, &|side| Some(real(side.written) / seconds)),
        row(Measure::Read, Unit::Count, &|side| Some(real(side.read))),
        row(Measure::ReadRate, Unit::Count, &|side| Some(real(side.read) / seconds)),
        row(Measure::Behind, Unit::Count, &|side| Some(real(side.behind))),
        row(Measure::Median, Unit::Time, &|side| side.median_us.map(real)),
        row(Measure::Percentile99, Unit::Time, &|side| side.percentile99_us.map(real)),
        row(Measure::BatchRecords, Unit::Count, &|side| a_batch(side.batch_records, side)),
        row(Measure::BatchBytes, Unit::Bytes, &|side| a_batch(side.batch_bytes, side)),
        row(Measure::ClientBytes, Unit::Bytes, &|side| Some(real(side.client_bytes))),
        row(Measure::BrokerBytes, Unit::Bytes, &|side| Some(real(side.broker_bytes))),
    ];
    let apis: BTreeSet<&String> =
        view.sides.iter().flat_map(|side| side.requests.iter().map(|(api, _)| api)).collect();
    let mut apis: Vec<&String> = apis.into_iter().collect();
    apis.sort_by_key(|api| std::cmp::Reverse(view.sides.iter().map(|side| side.of_api(api)).max()));
    rows.extend(
        apis.into_iter().map(|api| {
            row(Measure::Requests(api.clone()), Unit::Count, &|side| Some(real(side.of_api(api))))
        }),
    );
    rows
}

/// A line cut into pieces, each with whether it is one of the marks.
pub fn marked<'a>(line: &'a str, marks: &[String]) -> Vec<(&'a str, bool)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    loop {
        let found = marks.iter().filter_map(|mark| rest.find(mark.as_str()).map(|at| (at, mark.len())));
        let Some((at, length)) = found.filter(|(_, length)| *length > 0).min() else { break };
        let (before, after) = rest.split_at(at);
        let (mark, after) = after.split_at(length);
        pieces.extend((!before.is_empty()).then_some((before, false)));
        pieces.push((mark, true));
        rest = after;
    }
    pieces.extend((!rest.is_empty()).then_some((rest, false)));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_its_marks() {
        let marks = ["--linger-ms 20".to_owned(), "--batch-size 9".to_owned()];
        let pieces = marked("produce --linger-ms 20 --batch-size 9 --name 쓰기", &marks);
        let want = [
            ("produce ", false),
            ("--linger-ms 20", true),
            (" ", false),
            ("--batch-size 9", true),
            (" --name 쓰기", false),
        ];
        assert_eq!(pieces, want);
        assert_eq!(marked("plain", &marks), [("plain", false)]);
        assert_eq!(marked("plain", &[String::new()]), [("plain", false)]);
    }

    #[test]
    fn numbers_stand_to_each_other() {
        let side = |written, fetches| CompareSide {
            written,
            requests: vec![("Fetch".to_owned(), fetches), ("Produce".to_owned(), 5)],
            ..CompareSide::default()
        };
        let sides = [side(100, 9), side(50, 3)];
        let view = CompareView { preset: Preset::Fetch, seed: 1, seconds: 2, sides };
        let rows = rows(&view);
        let of = |measure: &Measure| rows.iter().find(|row| row.measure == *measure).unwrap();
        assert_eq!(of(&Measure::WriteRate).values, [Some(50.0), Some(25.0)]);
        assert_eq!(
            (of(&Measure::Written).ratio(), of(&Measure::Written).bars()),
            (Some(0.5), [1_000.0, 500.0])
        );
        assert_eq!((of(&Measure::Median).ratio(), of(&Measure::Median).bars()), (None, [0.0, 0.0]));
        assert_eq!((of(&Measure::Behind).ratio(), of(&Measure::Behind).bars()), (None, [0.0, 0.0]));
        let last: Vec<&Measure> = rows.iter().rev().take(2).map(|row| &row.measure).collect();
        assert_eq!(last, [&Measure::Requests("Produce".to_owned()), &Measure::Requests("Fetch".to_owned())]);
    }

    #[test]
    fn a_comparison_that_is_stopped_leaves_the_last_result() {
        let view = CompareView { preset: Preset::Acks, seed: 1, seconds: 2, sides: Default::default() };
        let done = ComparisonState::default().after(CompareUpdate::Done(Box::new(view.clone())));
        let runs = done.after(CompareUpdate::Progress { preset: Preset::Linger, done: 10 });
        assert_eq!((runs.running, runs.result.as_ref()), (Some((Preset::Linger, 10)), Some(&view)));
        let stopped = runs.after(CompareUpdate::Stopped);
        assert_eq!((stopped.running, stopped.stopped, stopped.result.as_ref()), (None, true, Some(&view)));
        assert!(runs.after(CompareUpdate::Failed("why".into())).failed.is_some());
    }
}
