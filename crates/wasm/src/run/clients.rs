//! Producers and consumers as they are drawn.

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_client::consumer::MemberStep;
use blumfeld_client::producer::Acks;
use blumfeld_client::{consumer, producer};
use blumfeld_kernel::Instant;
use blumfeld_shell::{Client, Working};
use blumfeld_sim::ProcessId;
use blumfeld_view::{
    ClientRole, ClientTransactionView, ConsumerView, GroupView, InFlightView, ProducerView, ReadView,
    WaitingView, WorkingView,
};

/// Partitions of one client that are shown; the rest is counted.
const PARTITIONS_SHOWN: usize = 48;

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How a client is drawn. Its group's coordinator knows what was committed, and the leaders how far there is to read.
pub(crate) fn role(client: Client, groups: &[GroupView]) -> ClientRole {
    match client {
        Client::Producer(view) => ClientRole::Producer(producer_view(view)),
        Client::Consumer { view, processed, working, transaction } => {
            let group = groups.iter().find(|group| Some(&group.id) == view.group.as_ref());
            let transaction = transaction.map(transaction_view);
            ClientRole::Consumer(ConsumerView {
                transaction,
                ..consumer_view(view, processed, working, group)
            })
        }
    }
}

fn transaction_view((id, state): (String, &'static str)) -> ClientTransactionView {
    ClientTransactionView { id, state: state.to_owned() }
}

fn producer_view(view: producer::ProducerView) -> ProducerView {
    let waiting_left_out = small(view.waiting.len().saturating_sub(PARTITIONS_SHOWN));
    let waiting = view.waiting.into_iter().take(PARTITIONS_SHOWN).map(|queue| WaitingView {
        topic: queue.partition.topic.to_string(),
        partition: queue.partition.partition,
        batches: small(queue.batches),
        records: small(queue.records),
        bytes: queue.bytes as u64,
        open_bytes: queue.open_bytes as u64,
        last_sent: queue.last_sent as u64,
        since: queue.since.map(Instant::as_micros),
        ready: queue.ready,
        again: small(queue.again),
    });
    let in_flight = view.in_flight.into_iter().map(|to| InFlightView {
        broker: to.node,
        requests: small(to.requests),
        batches: small(to.batches),
    });
    ProducerView {
        client_id: view.client_id,
        acks: match view.acks {
            Acks::None => "0",
            Acks::Leader => "1",
            Acks::All => "all",
        }
        .to_owned(),
        idempotent: view.idempotent,
        producer_id: view.producer.map_or(-1, |producer| producer.id),
        producer_epoch: view.producer.map_or(-1, |producer| producer.epoch),
        transaction: view.transaction.map(transaction_view),
        linger_ms: view.linger_ms,
        batch_size: view.batch_size as u64,
        buffer_memory: view.buffer_memory as u64,
        buffer_used: view.buffer_used as u64,
        max_in_flight: small(view.max_in_flight),
        waiting: waiting.collect(),
        waiting_left_out,
        in_flight: in_flight.collect(),
        requests: view.counts.requests,
        batches: view.counts.batches,
        retries: view.counts.retries,
        sent_records: view.counts.records,
        sent_bytes: view.counts.bytes,
        acknowledged: view.acknowledged,
        failed: view.failed,
        refused: view.refused.map_or_else(String::new, |code| code.name().to_owned()),
    }
}

fn consumer_view(
    view: consumer::ConsumerView,
    processed: Option<u64>,
    working: Option<Working>,
    group: Option<&GroupView>,
) -> ConsumerView {
    let partitions_left_out = small(view.partitions.len().saturating_sub(PARTITIONS_SHOWN));
    let partitions = view.partitions.into_iter().take(PARTITIONS_SHOWN).map(|read| {
        let (topic, partition) = (&*read.partition.topic, read.partition.partition);
        let offset = group
            .and_then(|group| group.offsets.iter().find(|of| of.topic == topic && of.partition == partition));
        ReadView {
            topic: topic.to_owned(),
            partition,
            position: read.position.unwrap_or(-1),
            committed: offset.map_or(-1, |offset| offset.committed),
            high_watermark: offset.map(|offset| offset.high_watermark).or(read.high_watermark).unwrap_or(-1),
        }
    });
    let step = match view.step {
        _ if view.group.is_none() => "",
        MemberStep::Unjoined => "Unjoined",
        MemberStep::PreparingRebalance => "PreparingRebalance",
        MemberStep::CompletingRebalance => "CompletingRebalance",
        MemberStep::Stable => "Stable",
        MemberStep::Leaving => "Leaving",
    };
    let assignors: Vec<&str> = view.assignors.iter().map(|assignor| assignor.name()).collect();
    ConsumerView {
        client_id: view.client_id,
        group: view.group.unwrap_or_default(),
        instance: view.instance.unwrap_or_default(),
        member: view.member,
        generation: view.generation,
        step: step.to_owned(),
        coordinator: view.coordinator.unwrap_or(-1),
        assignors: assignors.join(", "),
        partitions: partitions.collect(),
        partitions_left_out,
        fetches: small(view.fetches),
        received: view.polled,
        processed,
        working: working.map(|working| WorkingView {
            topic: working.partition.topic.to_string(),
            partition: working.partition.partition,
            offset: working.offset,
            until: working.until.as_micros(),
            left: small(working.left),
        }),
        transaction: None,
    }
}

/// Records that a client has dealt with: what its rate is of.
pub(crate) fn records(role: &ClientRole) -> u64 {
    match role {
        ClientRole::Producer(producer) => producer.acknowledged,
        ClientRole::Consumer(consumer) => consumer.processed.unwrap_or(consumer.received),
    }
}

/// How many records a second each client deals with. Looked at with every view, and measured again once a second is
/// over, so that the number can be read.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    of: BTreeMap<ProcessId, Rate>,
}

#[derive(Debug)]
struct Rate {
    since: Instant,
    records: u64,
    rate: f64,
}

/// How long a rate is measured.
const SPAN: Duration = Duration::from_secs(1);

impl Rates {
    /// The rate of a client that has dealt with so many records by now.
    pub fn look(&mut self, client: ProcessId, now: Instant, records: u64) -> f64 {
        let rate = self.of.entry(client).or_insert(Rate { since: now, records: 0, rate: 0.0 });
        let span = now.since(rate.since);
        if span >= SPAN {
            #[allow(clippy::cast_precision_loss, reason = "records of one look are far below 2^53")]
            let new = records.saturating_sub(rate.records) as f64;
            (rate.rate, rate.since, rate.records) = (new / span.as_secs_f64(), now, records);
        }
        rate.rate
    }

    /// Forgets all but these.
    pub fn retain(&mut self, keep: impl Fn(ProcessId) -> bool) {
        self.of.retain(|client, _| keep(*client));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blumfeld_kernel::NodeId;

    #[test]
    fn a_rate_is_of_the_last_whole_span() {
        let (mut rates, client) = (Rates::default(), NodeId(1_001));
        for (ms, records, want) in
            [(0, 0, 0.0), (500, 10, 0.0), (1_000, 30, 30.0), (1_900, 90, 30.0), (3_000, 130, 50.0)]
        {
            let now = Instant::ZERO + Duration::from_millis(ms);
            assert!((rates.look(client, now, records) - want).abs() < 1e-9, "at {ms} ms");
        }
        rates.retain(|_| false);
        assert!(rates.of.is_empty());
    }
}
