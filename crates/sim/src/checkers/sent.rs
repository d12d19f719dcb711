//! What clients have written stands in the log once, where they were told that it stands, and counts as they were told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a transaction stands, as far as its client knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Asked,
    Committed,
    Aborted,
}

/// A partition and an offset.
type Place = (Arc<str>, i64);

#[derive(Clone, Debug)]
struct Number {
    /// Its transaction, if it has one.
    transaction: Option<u64>,
    /// Where it stands, as far as that is known.
    places: BTreeSet<Place>,
    /// Where its client was told that it stands.
    acknowledged: Option<Place>,
}

/// The records that clients have written, by the numbers that they gave them.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    numbers: BTreeMap<u64, Number>,
    transactions: BTreeMap<u64, Standing>,
}

impl Sent {
    /// A client writes a record, be it in a transaction or not.
    pub fn sent(&mut self, number: u64, transaction: Option<u64>) {
        self.numbers.insert(number, Number { transaction, places: BTreeSet::new(), acknowledged: None });
    }

    /// A client asks to commit a transaction.
    pub fn asked(&mut self, transaction: u64) {
        self.transactions.insert(transaction, Standing::Asked);
    }

    /// A client was told that its transaction is committed.
    pub fn committed(&mut self, transaction: u64) {
        self.transactions.insert(transaction, Standing::Committed);
    }

    /// A client was told that its transaction is aborted.
    pub fn aborted(&mut self, transaction: u64) {
        self.transactions.insert(transaction, Standing::Aborted);
    }

    /// How many records were written.
    pub fn count(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// A record stands in a log, below the high watermark.
    ///
    /// # Errors
    /// Nobody has written it, or it stands elsewhere.
    pub fn stands(&mut self, partition: &Arc<str>, offset: i64, number: u64) -> Result<(), String> {
        let what = format!("{partition}@{offset} (number {number:#x})");
        let Some(known) = self.numbers.get_mut(&number) else {
            return Err(format!("{what} was written by nobody"));
        };
        known.places.insert((partition.clone(), offset));
        // A producer without transactions may send a record again in another epoch, not knowing that it stands
        // (KIP-360).
        if known.transaction.is_some() && known.places.len() > 1 {
            return Err(format!("{what} stands elsewhere as well: {:?}", known.places));
        }
        Ok(())
    }

    /// A client was told where its record stands.
    ///
    /// # Errors
    /// It stands elsewhere.
    pub fn acknowledged(&mut self, partition: &Arc<str>, offset: i64, number: u64) -> Result<(), String> {
        if let Some(known) = self.numbers.get_mut(&number) {
            known.acknowledged = Some((partition.clone(), offset));
        }
        self.stands(partition, offset, number)
    }

    /// After everybody is done: `counts` says of a place whether the record there counts, if that can be
    /// known.
    ///
    /// # Errors
    /// One that was acknowledged or committed and does not, or that does and was never to be committed.
    pub fn complete(&self, counts: impl Fn(&str, i64) -> Option<bool>) -> Result<(), String> {
        for (number, known) in &self.numbers {
            let counts = |(partition, offset): &Place| counts(partition, *offset);
            let counted = known.places.iter().any(|place| counts(place) == Some(true));
            let may_count = known.places.iter().any(|place| counts(place) != Some(false));
            let standing = known.transaction.map(|transaction| self.transactions.get(&transaction));
            let (must, may) = match standing {
                None => (known.acknowledged.is_some(), true),
                Some(None | Some(Standing::Aborted)) => (false, false),
                Some(Some(Standing::Asked)) => (false, true),
                Some(Some(Standing::Committed)) => (true, true),
            };
            let lost = known.acknowledged.as_ref().is_some_and(|place| counts(place) == Some(false));
            if lost || (must && !may_count) || (counted && !may) {
                let verb = if counted { "counts" } else { "does not count" };
                return Err(format!("number {number:#x} {verb}, and its client knows otherwise: {known:?}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_know_is_so() {
        let of: Arc<str> = "table-0".into();
        let mut sent = Sent::default();
        sent.sent(1, None);
        sent.sent(2, Some(9));
        assert_eq!(sent.stands(&of, 4, 1), Ok(()));
        assert_eq!(sent.acknowledged(&of, 4, 1), Ok(()));
        assert!(sent.clone().stands(&of, 5, 3).is_err(), "nobody wrote it");
        assert_eq!(sent.stands(&of, 5, 2), Ok(()));
        assert!(sent.clone().stands(&of, 6, 2).is_err(), "it is of a transaction, and stands twice");
        assert_eq!(sent.clone().stands(&of, 6, 1), Ok(()), "it may have been sent again");
        let only = |offsets: &'static [i64]| move |_: &str, offset: i64| Some(offsets.contains(&offset));
        assert_eq!(sent.complete(only(&[4])), Ok(()));
        assert!(sent.complete(only(&[])).is_err(), "1 was acknowledged");
        assert!(sent.complete(only(&[4, 5])).is_err(), "nobody asked to commit 2");
        assert_eq!(sent.complete(|_, offset| (offset == 5).then_some(false)), Ok(()), "1 was deleted");
        sent.asked(9);
        assert_eq!(sent.complete(only(&[4, 5])), Ok(()));
        sent.committed(9);
        assert!(sent.complete(only(&[4])).is_err(), "2 was committed");
        sent.aborted(9);
        assert!(sent.complete(only(&[4, 5])).is_err(), "2 was aborted");
    }
}
