//! Which clients of the stage have cards of their own, and which share one.
//!
//! Few clients have a card each. With more of them, those that are alike share one: it shows how many they are, their
//! sum, and the inside of one of them at a time. Those that were pinned come first and are never folded.

use std::collections::BTreeSet;

use blumfeld_view::{ClientView, ProducerView};

/// A producer with what it is.
pub type Producer<'a> = (&'a ClientView, &'a ProducerView);

/// More producers than this are folded.
pub const APART: usize = 4;

/// What makes two producers alike: what they write to, and how.
fn likeness(role: &ProducerView) -> (BTreeSet<&str>, (&str, bool, i64, u64)) {
    let topics = role.waiting.iter().map(|waiting| &*waiting.topic).collect();
    (topics, (&role.acks, role.idempotent, role.linger_ms, role.batch_size))
}

/// The producers card by card, in their order; those that are pinned first, each alone.
pub fn cards<'a>(producers: &[Producer<'a>], pinned: impl Fn(&ClientView) -> bool) -> Vec<Vec<Producer<'a>>> {
    let (mut cards, rest): (Vec<_>, Vec<_>) =
        producers.iter().map(|one| vec![*one]).partition(|card| card.iter().any(|one| pinned(one.0)));
    if producers.len() <= APART {
        cards.extend(rest);
        return cards;
    }
    let own = cards.len();
    for one in rest.into_iter().flatten() {
        let like = |card: &&mut Vec<Producer<'a>>| {
            card.first().is_some_and(|first| likeness(first.1) == likeness(one.1))
        };
        match cards.iter_mut().skip(own).find(like) {
            Some(card) => card.push(one),
            None => cards.push(vec![one]),
        }
    }
    cards
}

/// What the producers of one card are together, as one that has all of it. Its settings are the first one's.
pub fn sum(card: &[Producer<'_>]) -> Option<ProducerView> {
    let mut all = card.first()?.1.clone();
    for (_, role) in card.iter().skip(1) {
        all.buffer_memory = all.buffer_memory.saturating_add(role.buffer_memory);
        all.buffer_used = all.buffer_used.saturating_add(role.buffer_used);
        all.acknowledged = all.acknowledged.saturating_add(role.acknowledged);
        all.failed = all.failed.saturating_add(role.failed);
        for to in &role.in_flight {
            match all.in_flight.iter_mut().find(|one| one.broker == to.broker) {
                Some(one) => {
                    one.requests = one.requests.saturating_add(to.requests);
                    one.batches = one.batches.saturating_add(to.batches);
                }
                None => all.in_flight.push(*to),
            }
        }
    }
    all.in_flight.sort_by_key(|to| to.broker);
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_view::{ClientRole, ClientState, InFlightView, WaitingView};

    fn client(id: i32, acks: &str, topic: &str) -> (ClientView, ProducerView) {
        let waiting = WaitingView {
            topic: topic.to_owned(),
            partition: 0,
            batches: 0,
            records: 0,
            bytes: 0,
            open_bytes: 0,
            last_sent: 0,
            since: None,
            ready: false,
            again: 0,
        };
        let role = ProducerView {
            client_id: format!("p{id}"),
            acks: acks.to_owned(),
            idempotent: true,
            producer_id: -1,
            transaction: None,
            producer_epoch: 0,
            linger_ms: 5,
            batch_size: 16_384,
            buffer_memory: 100,
            buffer_used: 7,
            max_in_flight: 5,
            waiting: vec![waiting],
            waiting_left_out: 0,
            in_flight: vec![InFlightView { broker: 1 + id % 2, requests: 2, batches: 3 }],
            requests: 0,
            batches: 0,
            retries: 0,
            sent_records: 0,
            sent_bytes: 0,
            acknowledged: 10,
            failed: 0,
            refused: String::new(),
        };
        let client = ClientView {
            id,
            process: format!("client-{id}"),
            name: format!("p{id}"),
            line: String::new(),
            state: ClientState::Running,
            rate: 0.0,
            output: vec![],
            role: ClientRole::Producer(role.clone()),
        };
        (client, role)
    }

    fn ids(cards: &[Vec<Producer<'_>>]) -> Vec<Vec<i32>> {
        cards.iter().map(|card| card.iter().map(|one| one.0.id).collect()).collect()
    }

    #[test]
    fn those_that_are_alike_share_a_card_once_there_are_many() {
        let made: Vec<_> = (1..=7)
            .map(|id| client(id, if id == 3 { "1" } else { "all" }, if id > 5 { "clicks" } else { "orders" }))
            .collect();
        let all: Vec<Producer<'_>> = made.iter().map(|(client, role)| (client, role)).collect();
        assert_eq!(ids(&cards(&all[..4], |_| false)), [[1], [2], [3], [4]]);
        assert_eq!(ids(&cards(&all, |_| false)), [vec![1, 2, 4, 5], vec![3], vec![6, 7]]);
        assert_eq!(
            ids(&cards(&all, |client| client.id == 4 || client.id == 7)),
            [vec![4], vec![7], vec![1, 2, 5], vec![3], vec![6]]
        );
    }

    #[test]
    fn a_card_has_the_sum_of_its_producers() {
        let made: Vec<_> = (1..=3).map(|id| client(id, "all", "orders")).collect();
        let all: Vec<Producer<'_>> = made.iter().map(|(client, role)| (client, role)).collect();
        let sum = sum(&all).unwrap();
        assert_eq!((sum.buffer_memory, sum.buffer_used, sum.acknowledged), (300, 21, 30));
        let to: Vec<(i32, u32, u32)> =
            sum.in_flight.iter().map(|to| (to.broker, to.requests, to.batches)).collect();
        assert_eq!(to, [(1, 2, 3), (2, 4, 6)]);
    }
}
