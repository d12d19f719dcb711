//! `DeleteGroups`: delete groups that have no members.

use std::collections::BTreeMap;

use blumfeld_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::super::AdminResponse;
use super::super::groups::{GroupResult, GroupResults, Learnt};
use super::{Sender, group_id};
use crate::{ApiError, Completed};

/// Sends the call to a coordinator.
pub fn send(mut to: Sender<'_, '_>, groups: &[String]) -> Result<i32, ApiError> {
    let version = to.version::<DeleteGroupsRequest>()?;
    let names = groups.iter().map(|group| group_id(group)).collect();
    to.send(version, &DeleteGroupsRequest::default().with_groups_names(names))
}

/// Takes a coordinator's answer.
pub fn answered(completed: &Completed) -> Result<GroupResults, ApiError> {
    let mut results = Vec::new();
    let response: DeleteGroupsResponse = completed.decode()?;
    for one in &response.results {
        let result = ApiError::check(one.error_code, None).map(|()| Learnt::Deleted);
        results.push((one.group_id.to_string(), result));
    }
    Ok(results)
}

/// The whole answer.
pub fn gathered(done: BTreeMap<String, GroupResult>) -> AdminResponse {
    let deleted = done.into_iter().map(|(group, learnt)| (group, learnt.map(|_| ())));
    AdminResponse::GroupsDeleted(deleted.collect())
}
