//! `--delete` and `--delete-offsets`.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_client::admin::{AdminRequest, AdminResponse};
use blumfeld_client::{ApiError, TopicPartition};
use blumfeld_kernel::Context;
use blumfeld_protocol::ErrorCode;

use super::super::admin::Step;
use super::failure::cause;
use super::{Next, Reply, Selection, complain, list_all, names, topic_partitions, unexpected};
use crate::io::out;
use crate::java::hash_map_order;
use crate::options::Options;

/// `--delete`
#[derive(Clone, Debug)]
pub struct Delete {
    selection: Selection,
}

impl Delete {
    pub fn new(options: &Options) -> Delete {
        Delete { selection: Selection::new(options) }
    }

    pub fn begin(&mut self) -> Step {
        match &self.selection {
            Selection::All => list_all(),
            Selection::Named(groups) => Step::Ask(AdminRequest::DeleteGroups(groups.clone())),
        }
    }

    pub fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Next {
        let groups = match (answer, &self.selection) {
            (Ok(AdminResponse::GroupsDeleted(groups)), _) => groups,
            (Err(error), Selection::Named(groups)) => {
                groups.iter().map(|group| (group.clone(), Err(error.clone()))).collect()
            }
            (answer, _) => {
                let groups = names(answer)?;
                self.selection = Selection::Named(groups.clone());
                return Ok(Step::Ask(AdminRequest::DeleteGroups(groups)));
            }
        };
        print(cx, groups);
        Ok(Step::Exit(0))
    }
}

fn print(cx: &mut Context<'_>, groups: BTreeMap<String, Result<(), ApiError>>) {
    let groups = hash_map_order(groups.into_iter().collect(), None, |(group, _): &(String, _)| group);
    let deleted: Vec<String> =
        groups.iter().filter(|(_, result)| result.is_ok()).map(|(group, _)| format!("'{group}'")).collect();
    let deleted = deleted.join(", ");
    if groups.iter().all(|(_, result)| result.is_ok()) {
        out(cx, &format!("Deletion of requested consumer groups ({deleted}) was successful."));
        return;
    }
    complain(cx, "Deletion of some consumer groups failed:");
    for (group, result) in &groups {
        if let Err(error) = result {
            out(cx, &format!("* Group '{group}' could not be deleted due to: {}", cause(error)));
        }
    }
    if !deleted.is_empty() {
        out(cx, &format!("\nThese consumer groups were deleted successfully: {deleted}"));
    }
}

/// `--delete-offsets`
#[derive(Clone, Debug, Default)]
pub struct DeleteOffsets {
    group: String,
    partitions: BTreeSet<TopicPartition>,
    /// Topics whose partitions could not be learnt, with partition -1.
    results: BTreeMap<TopicPartition, Result<(), ApiError>>,
    /// Topics that are asked about; `None` once that is over.
    topics: Option<Vec<String>>,
}

impl DeleteOffsets {
    pub fn begin(&mut self, options: &Options) -> Next {
        self.group = options.value("group")?.unwrap_or_default().to_owned();
        let mut topics = BTreeSet::new();
        for topic in options.values("topic") {
            if topic.contains(':') {
                self.partitions.extend(topic_partitions(topic)?);
            } else {
                topics.insert(topic.to_owned());
            }
        }
        let topics: Vec<String> = topics.into_iter().collect();
        self.topics = Some(topics.clone());
        Ok(Step::Ask(AdminRequest::DescribeTopicPartitions(topics)))
    }

    pub fn answered(&mut self, cx: &mut Context<'_>, answer: Reply) -> Next {
        if let Some(topics) = self.topics.take() {
            let topics = match answer {
                Ok(AdminResponse::Descriptions(topics)) => topics,
                Ok(_) => return Err(unexpected()),
                Err(error) => topics.into_iter().map(|topic| (topic, Err(error.clone()))).collect(),
            };
            for (name, topic) in topics {
                match topic {
                    Ok(topic) => self
                        .partitions
                        .extend(topic.partitions.keys().map(|number| TopicPartition::new(&name, *number))),
                    Err(error) => {
                        self.results.insert(TopicPartition::new(&name, -1), Err(error));
                    }
                }
            }
            let (group, partitions) = (self.group.clone(), self.partitions.clone());
            return Ok(Step::Ask(AdminRequest::DeleteGroupOffsets { group, partitions }));
        }
        let of_group = match answer {
            Ok(AdminResponse::GroupPartitions(Ok(results))) => {
                let failed = results.values().find_map(|result| result.clone().err());
                self.results.extend(results);
                failed
            }
            Ok(AdminResponse::GroupPartitions(Err(error))) | Err(error) => {
                let failed = self.partitions.iter().map(|of| (of.clone(), Err(error.clone())));
                self.results.extend(failed);
                Some(error)
            }
            Ok(_) => return Err(unexpected()),
        };
        self.print(cx, of_group);
        Ok(Step::Exit(0))
    }

    fn print(&self, cx: &mut Context<'_>, failed: Option<ApiError>) {
        match failed {
            None => out(cx, &format!("Request succeeded for deleting offsets from group {}.", self.group)),
            Some(error) => match error.code {
                ErrorCode::INVALID_GROUP_ID
                | ErrorCode::GROUP_ID_NOT_FOUND
                | ErrorCode::GROUP_AUTHORIZATION_FAILED
                | ErrorCode::NON_EMPTY_GROUP => complain(cx, &ApiError::from(error.code).to_string()),
                ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC
                | ErrorCode::TOPIC_AUTHORIZATION_FAILED
                | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => {
                    complain(cx, "Encountered some partition-level error, see the follow-up details.");
                }
                code => complain(cx, &format!("Encountered some unknown error: {}", code.name())),
            },
        }
        let width = self.results.keys().map(|of| of.topic.chars().count()).max().unwrap_or(0).max(15);
        let print = |cx: &mut Context<'_>, topic: &str, partition: &str, status: &str| {
            cx.out.stdout(format!("\n{topic:width$} {partition:10} {status:15}"));
        };
        print(cx, "TOPIC", "PARTITION", "STATUS");
        let mut results: Vec<_> = self.results.iter().collect();
        results.sort_by_key(|(of, _)| format!("{}{}", of.topic, of.partition));
        for (of, result) in results {
            let partition = if of.partition >= 0 { of.partition.to_string() } else { "-".to_owned() };
            let status = match result {
                Ok(()) => "Successful".to_owned(),
                Err(error) => format!("Error: {}", cause(error)),
            };
            print(cx, &of.topic, &partition, &status);
        }
        out(cx, "");
    }
}
