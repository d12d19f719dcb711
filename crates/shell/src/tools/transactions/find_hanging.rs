//! `find-hanging`: open transactions of which no coordinator knows (FindHangingTransactionsCommand, KIP-664).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_client::admin::{
    AdminRequest, AdminResponse, ProducerState, TransactionDescription, TransactionFilter,
};
use blumfeld_client::{ApiError, TopicMetadata, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::super::admin::Step;
use super::{Reply, fail, number, table, unexpected};
use crate::argparse::Parsed;
use crate::io::Printed;

/// A request asks for so many partitions at most.
const MAX_BATCH: usize = 500;

/// The next answer is of this.
#[derive(Clone, Debug)]
enum Stage {
    Topics,
    Producers,
    Listing,
    Descriptions(BTreeMap<i64, String>),
}

/// The search.
#[derive(Clone, Debug)]
pub struct FindHanging {
    topic: Option<String>,
    partition: Option<i32>,
    broker: Option<i32>,
    longest_ms: i64,
    stage: Stage,
    /// Partitions that are still to be asked about.
    open: Vec<TopicPartition>,
    /// Those that are being asked about.
    asked: usize,
    /// Transactions that have been open for too long.
    candidates: Vec<(TopicPartition, ProducerState)>,
}

/// Reads the command's options.
pub fn prepare(parsed: &Parsed, partition: Option<i32>, broker: Option<i32>) -> Result<FindHanging, Printed> {
    let minutes = number::<i32>(parsed, "max-transaction-timeout", "Integer")?.unwrap_or(15);
    let topic = parsed.value("topic").map(str::to_owned);
    if topic.is_none() && broker.is_none() {
        return Err(Printed::error(
            "The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search",
        ));
    }
    if topic.is_none() && partition.is_some() {
        return Err(Printed::error("The --partition argument requires --topic to be provided"));
    }
    Ok(FindHanging {
        topic,
        partition,
        broker,
        longest_ms: i64::from(minutes) * 60_000,
        stage: Stage::Topics,
        open: Vec::new(),
        asked: 0,
        candidates: Vec::new(),
    })
}

impl FindHanging {
    /// The first question.
    pub fn begin(&mut self) -> AdminRequest {
        match (&self.topic, self.partition) {
            (Some(topic), Some(partition)) => {
                self.open = vec![TopicPartition::new(topic, partition)];
                self.ask_producers()
            }
            (Some(topic), None) => AdminRequest::DescribeTopics(vec![topic.clone()]),
            (None, _) => AdminRequest::ListTopics,
        }
    }

    fn ask_producers(&mut self) -> AdminRequest {
        self.stage = Stage::Producers;
        let partitions: BTreeSet<TopicPartition> =
            self.open.drain(..self.open.len().min(MAX_BATCH)).collect();
        self.asked = partitions.len();
        AdminRequest::DescribeProducers { partitions, broker: self.broker }
    }

    /// What follows from an answer.
    pub fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Step {
        let (result, what) = match &self.stage {
            Stage::Topics => {
                let what = match &self.topic {
                    Some(_) => "Failed to describe 1 topics",
                    None => "Failed to list topics",
                };
                (self.topics(answer), what.to_owned())
            }
            Stage::Producers => {
                // As Java prints an Optional.
                let broker =
                    self.broker.map_or_else(|| "Optional.empty".to_owned(), |id| format!("Optional[{id}]"));
                let what =
                    format!("Failed to describe producers for {} partitions on broker {broker}", self.asked);
                (self.producers(cx, answer), what)
            }
            Stage::Listing => {
                let what = format!("Failed to list transactions for {} producers", self.ids().len());
                (self.listing(cx, answer), what)
            }
            Stage::Descriptions(ids) => {
                let what = format!("Failed to describe {} transactions", ids.len());
                (self.descriptions(cx, answer), what)
            }
        };
        result.unwrap_or_else(|error| fail(cx, &what, &error))
    }

    fn topics(&mut self, answer: Reply) -> Result<Step, ApiError> {
        let AdminResponse::Descriptions(topics) = answer? else { return Err(unexpected()) };
        for topic in topics.into_values() {
            let TopicMetadata { name, partitions, internal, .. } = topic?;
            // A search of everything passes over Kafka's own topics, as its lists do.
            if internal && self.topic.is_none() {
                continue;
            }
            let here = |replicas: &[i32]| self.broker.is_none_or(|broker| replicas.contains(&broker));
            let partitions = partitions.into_values().filter(|partition| here(&partition.replicas));
            self.open
                .extend(partitions.map(|of| TopicPartition { topic: name.clone(), partition: of.partition }));
        }
        Ok(Step::Ask(self.ask_producers()))
    }

    fn producers(&mut self, cx: &mut Context<'_>, answer: Reply) -> Result<Step, ApiError> {
        let AdminResponse::Producers(producers) = answer? else { return Err(unexpected()) };
        let now = cx.unix_ms();
        for (of, states) in producers {
            let late = |state: &ProducerState| {
                state.transaction_start.is_some() && now - state.last_timestamp > self.longest_ms
            };
            let late: Vec<_> = states?.into_iter().filter(late).collect();
            self.candidates.extend(late.into_iter().map(|state| (of.clone(), state)));
        }
        if !self.open.is_empty() {
            return Ok(Step::Ask(self.ask_producers()));
        }
        if self.candidates.is_empty() {
            return Ok(show(cx, &[]));
        }
        self.stage = Stage::Listing;
        let producers = self.ids().into_iter().collect();
        let filter = TransactionFilter { producers, ..TransactionFilter::default() };
        Ok(Step::Ask(AdminRequest::ListTransactions(filter)))
    }

    fn ids(&self) -> BTreeSet<i64> {
        self.candidates.iter().map(|(_, state)| state.id).collect()
    }

    fn listing(&mut self, cx: &mut Context<'_>, answer: Reply) -> Result<Step, ApiError> {
        let AdminResponse::Transactions(listed) = answer? else { return Err(unexpected()) };
        let wanted = self.ids();
        let listed = listed.into_values().flatten().filter(|one| wanted.contains(&one.producer));
        let ids: BTreeMap<i64, String> = listed.map(|one| (one.producer, one.id)).collect();
        if ids.is_empty() {
            return Ok(self.hanging(cx, &ids, &BTreeMap::new()));
        }
        let request = AdminRequest::DescribeTransactions(ids.values().cloned().collect());
        self.stage = Stage::Descriptions(ids);
        Ok(Step::Ask(request))
    }

    fn descriptions(&mut self, cx: &mut Context<'_>, answer: Reply) -> Result<Step, ApiError> {
        let AdminResponse::TransactionDescriptions(described) = answer? else { return Err(unexpected()) };
        let mut known = BTreeMap::new();
        for (id, result) in described {
            match result {
                Ok(description) => drop(known.insert(id, description)),
                Err(error) if error.code == ErrorCode::TRANSACTIONAL_ID_NOT_FOUND => {}
                Err(error) => return Err(error),
            }
        }
        let Stage::Descriptions(ids) = self.stage.clone() else { return Err(unexpected()) };
        Ok(self.hanging(cx, &ids, &known))
    }

    /// Those whose coordinator would not end them.
    fn hanging(
        &self,
        cx: &mut Context<'_>,
        ids: &BTreeMap<i64, String>,
        known: &BTreeMap<String, TransactionDescription>,
    ) -> Step {
        let has = |of: &TopicPartition, state: &ProducerState| {
            let description = ids.get(&state.id).and_then(|id| known.get(id));
            description.is_some_and(|description| description.partitions.contains(of))
        };
        let mut hanging: Vec<_> =
            self.candidates.iter().filter(|(of, state)| !has(of, state)).cloned().collect();
        hanging.sort_by_key(|(_, state)| state.id);
        show(cx, &hanging)
    }
}

fn show(cx: &mut Context<'_>, hanging: &[(TopicPartition, ProducerState)]) -> Step {
    let now = cx.unix_ms();
    let rows: Vec<[String; 8]> = hanging
        .iter()
        .map(|(of, state)| {
            [
                of.topic.to_string(),
                of.partition.to_string(),
                state.id.to_string(),
                state.epoch.to_string(),
                state.coordinator_epoch.unwrap_or(-1).to_string(),
                state.transaction_start.unwrap_or(-1).to_string(),
                state.last_timestamp.to_string(),
                ((now - state.last_timestamp) / 60_000).to_string(),
            ]
        })
        .collect();
    let headers = [
        "Topic",
        "Partition",
        "ProducerId",
        "ProducerEpoch",
        "CoordinatorEpoch",
        "StartOffset",
        "LastTimestamp",
        "Duration(min)",
    ];
    table(cx, headers, &rows);
    Step::Exit(0)
}
