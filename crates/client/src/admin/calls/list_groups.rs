//! `ListGroups`: the groups of consumers that each broker coordinates.

use std::collections::BTreeMap;

use blumfeld_protocol::messages::{ListGroupsRequest, ListGroupsResponse};

use super::{CONSUMER, Sender, text};
use crate::{ApiError, Completed};

/// A group among others (org.apache.kafka.clients.admin.GroupListing).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupListing {
    /// Its id.
    pub id: String,
    /// What its members are: `consumer`, or empty for a group that has offsets alone.
    pub protocol_type: String,
    /// Its state, by Kafka's name; empty from brokers that tell none.
    pub state: String,
    /// Its type, by Kafka's name; empty from brokers that tell none.
    pub kind: String,
}

/// Asks a broker.
pub fn send(mut to: Sender<'_, '_>, states: &[String], types: &[String]) -> Result<i32, ApiError> {
    let version = to.version::<ListGroupsRequest>()?;
    let mut body = ListGroupsRequest::default();
    let texts = |words: &[String]| words.iter().map(|word| text(word)).collect();
    if version >= 4 {
        body.states_filter = texts(states);
    }
    if version >= 5 {
        body.types_filter = texts(types);
    }
    to.send(version, &body)
}

/// Takes a broker's answer.
pub fn answered(
    completed: &Completed,
    listings: &mut BTreeMap<String, GroupListing>,
) -> Result<(), ApiError> {
    let response: ListGroupsResponse = completed.decode()?;
    ApiError::check(response.error_code, None)?;
    for group in response.groups {
        let listing = GroupListing {
            id: group.group_id.to_string(),
            protocol_type: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
            kind: group.group_type.to_string(),
        };
        if listing.protocol_type.is_empty() || listing.protocol_type == CONSUMER {
            listings.insert(listing.id.clone(), listing);
        }
    }
    Ok(())
}
