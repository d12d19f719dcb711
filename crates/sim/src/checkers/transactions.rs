//! Transactions are whole: who reads what is committed sees all of one, each record once, or nothing of it (KIP-98).
//!
//! Nobody but its client commits a transaction. So nothing of one may be seen before its client has asked for that, be
//! it aborted, timed out or fenced off; and if it has asked and does not know the end, all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a transaction stands, as far as its client knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Nobody has asked to commit it.
    Open,
    /// Its client has asked to commit it.
    Asked,
    /// Its client was told that it is committed.
    Committed,
    /// Its client was told that it is aborted.
    Aborted,
}

/// One transaction.
#[derive(Clone, Debug)]
struct Known {
    standing: Standing,
    /// Its records, by topic and value.
    records: BTreeSet<(Arc<str>, u64)>,
    seen: u64,
}

/// Where a record stands: its topic, partition and offset.
pub type Place = (Arc<str>, i32, i64);

/// What clients know of transactions, and what readers of committed records saw.
#[derive(Clone, Debug, Default)]
pub struct Transactions {
    known: BTreeMap<u64, Known>,
    /// What stands where, as a transaction and a value.
    places: BTreeMap<Place, (u64, u64)>,
    /// The same by topic and value.
    values: BTreeMap<(Arc<str>, u64), Place>,
    /// How many values of each topic were seen.
    counts: BTreeMap<Arc<str>, u64>,
    /// What each reader read last in each partition.
    last: BTreeMap<(i32, Arc<str>, i32), i64>,
    /// How many records each reader read.
    read: BTreeMap<i32, u64>,
}

impl Transactions {
    /// A client has put a record into a transaction.
    pub fn sent(&mut self, transaction: u64, topic: &Arc<str>, value: u64) {
        let new = Known { standing: Standing::Open, records: BTreeSet::new(), seen: 0 };
        self.known.entry(transaction).or_insert(new).records.insert((topic.clone(), value));
    }

    /// A client asks to commit a transaction.
    pub fn asked(&mut self, transaction: u64) {
        if let Some(known) = self.known.get_mut(&transaction) {
            known.standing = Standing::Asked;
        }
    }

    /// A client was told that its transaction is committed.
    pub fn committed(&mut self, transaction: u64) {
        if let Some(known) = self.known.get_mut(&transaction) {
            known.standing = Standing::Committed;
        }
    }

    /// A client was told that its transaction is aborted.
    ///
    /// # Errors
    /// It was seen.
    pub fn aborted(&mut self, transaction: u64) -> Result<(), String> {
        let Some(known) = self.known.get_mut(&transaction) else { return Ok(()) };
        known.standing = Standing::Aborted;
        match known.seen {
            0 => Ok(()),
            seen => {
                Err(format!("transaction {transaction:#x} is aborted, and {seen} of its records were read"))
            }
        }
    }

    /// A reader of committed records has read one.
    ///
    /// # Errors
    /// It may not be seen, or not there.
    pub fn read(&mut self, reader: i32, place: Place, transaction: u64, value: u64) -> Result<(), String> {
        let (topic, partition, offset) = place.clone();
        let at = format!("{topic}-{partition}@{offset}");
        let what = format!("{at} (value {value:#x} of transaction {transaction:#x})");
        *self.read.entry(reader).or_default() += 1;
        let last = self.last.insert((reader, topic.clone(), partition), offset);
        if last.is_some_and(|last| last >= offset) {
            return Err(format!("client{reader} read {what} after {last:?}"));
        }
        let Some(known) = self.known.get_mut(&transaction) else {
            return Err(format!("{what} was read, and nobody wrote it"));
        };
        if matches!(known.standing, Standing::Open | Standing::Aborted) {
            return Err(format!("{what} was read by client{reader}, and is {:?}", known.standing));
        }
        if !known.records.contains(&(topic.clone(), value)) {
            return Err(format!("{what} was read, and is none of its transaction"));
        }
        if let Some(other) = self.places.insert(place.clone(), (transaction, value)) {
            let same = other == (transaction, value);
            let error = || format!("two records at {at}: {other:#x?} and {:#x?}", (transaction, value));
            return if same { Ok(()) } else { Err(error()) };
        }
        known.seen += 1;
        *self.counts.entry(topic.clone()).or_default() += 1;
        match self.values.insert((topic, value), place) {
            None => Ok(()),
            Some((_, partition, offset)) => Err(format!("{what} was read at {partition}@{offset} as well")),
        }
    }

    /// How many values of a topic were seen.
    pub fn count(&self, topic: &str) -> u64 {
        self.counts.get(topic).copied().unwrap_or(0)
    }

    /// How many transactions there were, and how many of them their clients know to be committed and to be aborted.
    pub fn counts(&self) -> [u64; 3] {
        let count = |of: &dyn Fn(Standing) -> bool| {
            self.known.values().filter(|known| of(known.standing)).count() as u64
        };
        [
            count(&|_| true),
            count(&|standing| standing == Standing::Committed),
            count(&|standing| standing == Standing::Aborted),
        ]
    }

    /// This reader has read everything, after everybody was done.
    ///
    /// # Errors
    /// What is missing.
    pub fn complete(&self, reader: i32) -> Result<(), String> {
        let read = self.read.get(&reader).copied().unwrap_or(0);
        if read != self.places.len() as u64 {
            let gone = self.places.keys().find(|(topic, partition, offset)| {
                let last = self.last.get(&(reader, topic.clone(), *partition));
                last.is_none_or(|last| last < offset)
            });
            let all = self.places.len();
            return Err(format!(
                "of {all} records that were read client{reader} found {read}; one is {gone:?}"
            ));
        }
        for (number, known) in &self.known {
            let all = known.records.len() as u64;
            let whole = match known.standing {
                Standing::Open | Standing::Aborted => known.seen == 0,
                Standing::Asked => known.seen == 0 || known.seen == all,
                Standing::Committed => known.seen == all,
            };
            if !whole {
                let (standing, seen) = (known.standing, known.seen);
                let mut records = known.records.iter();
                let lacks = records.find(|record| !self.values.contains_key(*record));
                return Err(format!(
                    "transaction {number:#x} ({standing:?}): {seen} of {all} records can be read; one that cannot is {lacks:x?}"
                ));
            }
        }
        Ok(())
    }

    /// Each value of `from` has come to `to`, and no other.
    ///
    /// # Errors
    /// One that has not.
    pub fn derived(&self, from: &str, to: &str) -> Result<(), String> {
        let values = |of: &str| -> BTreeSet<u64> {
            self.values.keys().filter(|(topic, _)| **topic == *of).map(|(_, value)| *value).collect()
        };
        let (from_values, to_values) = (values(from), values(to));
        match from_values.symmetric_difference(&to_values).next() {
            None => Ok(()),
            Some(value) => {
                let lacks = if from_values.contains(value) { to } else { from };
                Err(format!("value {value:#x} is in one of {from} and {to}, and not in {lacks}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(topic: &str) -> Arc<str> {
        topic.into()
    }

    fn begun() -> Transactions {
        let mut transactions = Transactions::default();
        for value in [1, 2] {
            transactions.sent(7, &of("a"), value);
        }
        transactions
    }

    #[test]
    fn what_is_not_committed_must_not_be_read() {
        let at = |offset| (of("a"), 0, offset);
        assert!(begun().read(1, at(0), 7, 1).is_err(), "nobody asked to commit it");
        let mut asked = begun();
        asked.asked(7);
        assert_eq!(asked.read(1, at(0), 7, 1), Ok(()));
        assert!(asked.clone().aborted(7).is_err(), "it was read");
        assert!(asked.clone().read(1, at(1), 7, 1).is_err(), "twice");
        assert!(asked.clone().read(1, at(0), 7, 2).is_err(), "backwards");
        assert!(asked.clone().read(2, at(0), 7, 2).is_err(), "another record at its place");
        assert!(asked.clone().read(2, at(1), 7, 3).is_err(), "none of its records");
        assert!(asked.clone().read(2, at(1), 8, 1).is_err(), "a transaction that nobody knows");
        assert!(asked.complete(1).is_err(), "half of it");
        assert_eq!(asked.read(1, at(1), 7, 2), Ok(()));
        assert_eq!(asked.complete(1), Ok(()));
        assert!(asked.complete(2).is_err(), "another reader has read nothing");
        let mut committed = begun();
        committed.asked(7);
        assert_eq!(committed.complete(1), Ok(()), "nothing of it, and nobody knows its end");
        committed.committed(7);
        assert!(committed.complete(1).is_err(), "its client was told that it is committed");
    }

    #[test]
    fn what_is_derived_is_there_once() {
        let mut transactions = begun();
        transactions.asked(7);
        assert_eq!(transactions.read(1, (of("a"), 0, 0), 7, 1), Ok(()));
        assert!(transactions.derived("a", "b").is_err());
        transactions.sent(8, &of("b"), 1);
        transactions.asked(8);
        assert_eq!(transactions.read(1, (of("b"), 3, 5), 8, 1), Ok(()));
        assert_eq!(transactions.derived("a", "b"), Ok(()));
        assert_eq!((transactions.count("a"), transactions.count("b")), (1, 1));
    }
}
