//! `list`, `describe` and `describe-producers`: one question, and a table.

use blumfeld_client::TopicPartition;
use blumfeld_client::admin::{AdminResponse, TransactionDescription};
use blumfeld_kernel::Context;

use super::super::admin::Step;
use super::{Reply, fail, table, unexpected};
use crate::io::log;
use crate::java::partition_map_order;

/// ListTransactionsCommand
pub fn list(cx: &mut Context<'_>, answer: Reply) -> Step {
    let listed = match answer {
        Ok(AdminResponse::Transactions(listed)) => listed,
        Ok(_) => return fail(cx, "Failed to list transactions", &unexpected()),
        Err(error) => {
            // ListTransactionsHandler logs what it did not expect.
            let said = error.message.as_deref().unwrap_or_default();
            if let Some(request) = said.strip_suffix(" failed with an unexpected exception")
                && let Some(sent) = request.strip_prefix("ListTransactions request ")
            {
                let code = error.code;
                let text = format!(
                    "[AdminClient clientId=adminclient-1] The `ListTransactions` request {sent} failed because of an \
                     unexpected error {code}"
                );
                let logger = "org.apache.kafka.clients.admin.internals.ListTransactionsHandler";
                log(cx, "ERROR", &text, logger, "");
            }
            return fail(cx, "Failed to list transactions", &error);
        }
    };
    let mut rows = Vec::new();
    for (coordinator, listings) in listed {
        rows.extend(
            listings
                .into_iter()
                .map(|one| [one.id, coordinator.to_string(), one.producer.to_string(), one.state]),
        );
    }
    table(cx, ["TransactionalId", "Coordinator", "ProducerId", "TransactionState"], &rows);
    Step::Exit(0)
}

/// DescribeTransactionsCommand
pub fn describe(cx: &mut Context<'_>, id: &str, answer: Reply) -> Step {
    let described = match answer {
        Ok(AdminResponse::TransactionDescriptions(mut described)) => {
            described.remove(id).unwrap_or_else(|| Err(unexpected()))
        }
        Ok(_) => Err(unexpected()),
        Err(error) => Err(error),
    };
    let what = format!("Failed to describe transaction state of transactional-id `{id}`");
    let TransactionDescription { coordinator, state, producer, timeout_ms, started_ms, partitions } =
        match described {
            Ok(described) => described,
            Err(error) => return fail(cx, &what, &error),
        };
    let or_none = |ms: Option<i64>| ms.map_or_else(|| "None".to_owned(), |ms| ms.to_string());
    let now = cx.unix_ms();
    let partitions = partition_map_order(partitions, |of| of);
    let partitions = partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let row = [
        coordinator.to_string(),
        id.to_owned(),
        producer.id.to_string(),
        producer.epoch.to_string(),
        state,
        timeout_ms.to_string(),
        or_none(started_ms),
        or_none(started_ms.map(|started| now - started)),
        partitions,
    ];
    let headers = [
        "CoordinatorId",
        "TransactionalId",
        "ProducerId",
        "ProducerEpoch",
        "TransactionState",
        "TransactionTimeoutMs",
        "CurrentTransactionStartTimeMs",
        "TransactionDurationMs",
        "TopicPartitions",
    ];
    table(cx, headers, &[row]);
    Step::Exit(0)
}

/// DescribeProducersCommand
pub fn producers(cx: &mut Context<'_>, of: &TopicPartition, broker: Option<i32>, answer: Reply) -> Step {
    let producers = match answer {
        Ok(AdminResponse::Producers(mut producers)) => {
            producers.remove(of).unwrap_or_else(|| Err(unexpected()))
        }
        Ok(_) => Err(unexpected()),
        Err(error) => Err(error),
    };
    let producers = match producers {
        Ok(producers) => producers,
        Err(error) => {
            let whom = broker.map_or_else(|| "leader".to_owned(), |broker| format!("broker {broker}"));
            return fail(cx, &format!("Failed to describe producers for partition {of} on {whom}"), &error);
        }
    };
    let rows: Vec<[String; 6]> = producers
        .iter()
        .map(|state| {
            [
                state.id.to_string(),
                state.epoch.to_string(),
                state.coordinator_epoch.unwrap_or(-1).to_string(),
                state.last_sequence.to_string(),
                state.last_timestamp.to_string(),
                state.transaction_start.map_or_else(|| "None".to_owned(), |start| start.to_string()),
            ]
        })
        .collect();
    let headers = [
        "ProducerId",
        "ProducerEpoch",
        "LatestCoordinatorEpoch",
        "LastSequence",
        "LastTimestamp",
        "CurrentTransactionStartOffset",
    ];
    table(cx, headers, &rows);
    Step::Exit(0)
}
