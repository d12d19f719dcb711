//! A group of the classic protocol (org.apache.kafka.coordinator.group.classic.ClassicGroup).
//!
//! The problem: members share partitions, come and go at any time, and no two may believe that they own the same one.
//! The group goes through phases that all members pass together. While it prepares, each member is held at its
//! JoinGroup until all have joined or their time is over: then nobody works in the old generation, and the generation's
//! number goes up. While it completes, the leader decides, and each member is held at its SyncGroup until that is
//! stored. A commit names its generation, so that a member that missed a phase is refused and not heard. What is stored
//! is a generation as a whole: a coordinator that takes over begins with the last one that was complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use blumfeld_kernel::Owners;
use blumfeld_protocol::ErrorCode;
use blumfeld_protocol::messages::join_group_response::JoinGroupResponseMember;
use blumfeld_protocol::varint::Reader;
use bytes::Bytes;

use super::offsets::ExpirationCondition;
use super::record::{GroupMetadataValue, MemberMetadata};
use crate::call::Call;

/// Where a group is in its life (ClassicGroupState).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClassicGroupState {
    /// It has no members; it may have offsets.
    Empty,
    /// It waits for its members to join.
    PreparingRebalance,
    /// It waits for the leader's assignment.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
    /// It is gone, or belongs to another coordinator.
    Dead,
}

impl ClassicGroupState {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

impl fmt::Display for ClassicGroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A member (ClassicGroupMember).
#[derive(Clone, Debug, Default)]
pub struct ClassicMember {
    /// `member.id`.
    pub member_id: String,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it comes from, as Java writes an address.
    pub client_host: String,
    /// `rebalance.timeout.ms`.
    pub rebalance_timeout_ms: i32,
    /// `session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// Names of the protocols that it speaks, with what it says of itself in each; the preferred one first.
    pub protocols: Vec<(String, Bytes)>,
    /// What the leader gave it.
    pub assignment: Bytes,
    pub(super) awaiting_join: Option<Call>,
    pub(super) awaiting_sync: Option<Call>,
    pub(super) is_new: bool,
}

impl ClassicMember {
    /// What it says of itself in a protocol.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// Whether its request waits for an answer.
    pub fn is_awaiting(&self) -> bool {
        self.awaiting_join.is_some() || self.awaiting_sync.is_some()
    }

    /// Whether no heartbeat is needed now: its request is parked. One that is new can time out all the same.
    pub(super) fn has_satisfied_heartbeat(&self) -> bool {
        !self.is_new && self.is_awaiting()
    }
}

/// A group.
#[derive(Clone, Debug)]
pub struct ClassicGroup {
    /// `group.id`.
    pub group_id: String,
    pub(super) state: ClassicGroupState,
    pub(super) previous_state: ClassicGroupState,
    pub(super) state_timestamp: Option<i64>,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol_name: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: BTreeMap<String, ClassicMember>,
    pub(super) static_members: BTreeMap<String, String>,
    /// Ids that were given out and did not join yet (KIP-394).
    pub(super) pending_join: BTreeSet<String>,
    /// Members of this generation that did not sync yet.
    pub(super) pending_sync: BTreeSet<String>,
    /// Somebody joined during the initial delay.
    pub(super) new_member_added: bool,
    /// The delay that runs and what may be added to it, in milliseconds, during the initial rebalance.
    pub(super) initial_delay: Option<(i64, i64)>,
    pub(super) subscribed_topics: Option<BTreeSet<String>>,
}

impl ClassicGroup {
    /// An empty one.
    pub fn new(group_id: &str, now_ms: i64) -> ClassicGroup {
        ClassicGroup {
            group_id: group_id.to_owned(),
            state: ClassicGroupState::Empty,
            previous_state: ClassicGroupState::Dead,
            state_timestamp: Some(now_ms),
            generation: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_join: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            new_member_added: false,
            initial_delay: None,
            subscribed_topics: None,
        }
    }

    /// As it was stored.
    pub fn from_record(group_id: &str, value: &GroupMetadataValue) -> ClassicGroup {
        let mut group = ClassicGroup::new(group_id, 0);
        group.state_timestamp = Some(value.current_state_timestamp).filter(|at| *at >= 0);
        group.generation = value.generation;
        group.protocol_type = Some(value.protocol_type.clone()).filter(|text| !text.is_empty());
        group.protocol_name.clone_from(&value.protocol);
        group.leader.clone_from(&value.leader);
        if !value.members.is_empty() {
            group.state = ClassicGroupState::Stable;
        }
        for member in &value.members {
            let rebalance = member.rebalance_timeout;
            let loaded = ClassicMember {
                member_id: member.member_id.clone(),
                instance_id: member.group_instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                rebalance_timeout_ms: if rebalance == -1 { member.session_timeout } else { rebalance },
                session_timeout_ms: member.session_timeout,
                protocols: vec![(value.protocol.clone().unwrap_or_default(), member.subscription.clone())],
                assignment: member.assignment.clone(),
                ..ClassicMember::default()
            };
            let protocol_type = group.protocol_type.clone().unwrap_or_default();
            group.add(loaded, &protocol_type);
        }
        group.subscribed_topics = group.compute_subscribed_topics();
        group
    }

    /// What is stored of it, with these assignments.
    pub fn to_record(&self, assignments: &BTreeMap<String, Bytes>) -> GroupMetadataValue {
        let protocol = self.protocol_name.as_deref().unwrap_or("");
        let members = self.members.values().map(|member| MemberMetadata {
            member_id: member.member_id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(protocol),
            assignment: assignments.get(&member.member_id).cloned().unwrap_or_default(),
        });
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol_name.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.state_timestamp.unwrap_or(-1),
            members: members.collect(),
        }
    }

    // ---- what others may see

    /// Where it is in its life.
    pub fn state(&self) -> ClassicGroupState {
        self.state
    }

    /// The generation: each finished rebalance begins one.
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// `consumer`, where there is one.
    pub fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    /// The protocol that the members agreed on: an assignor's name.
    pub fn protocol_name(&self) -> Option<&str> {
        self.protocol_name.as_deref()
    }

    /// The leader's member id.
    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    /// The members in the order of their ids.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &ClassicMember> {
        self.members.values()
    }

    /// A member.
    pub fn member(&self, member_id: &str) -> Option<&ClassicMember> {
        self.members.get(member_id)
    }

    /// Whether the group is stored without members.
    pub fn is_empty(&self) -> bool {
        self.state == ClassicGroupState::Empty
    }

    /// How many ids were given out and did not join yet.
    pub fn pending_members(&self) -> usize {
        self.pending_join.len()
    }

    // ---- members

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    pub(super) fn add(&mut self, member: ClassicMember, protocol_type: &str) {
        if self.members.is_empty() && !protocol_type.is_empty() {
            self.protocol_type = Some(protocol_type.to_owned());
        }
        if let Some(instance) = &member.instance_id {
            self.static_members.insert(instance.clone(), member.member_id.clone());
        }
        self.leader.get_or_insert_with(|| member.member_id.clone());
        self.pending_join.remove(&member.member_id);
        self.members.insert(member.member_id.clone(), member);
    }

    pub(super) fn remove(&mut self, member_id: &str) {
        if let Some(member) = self.members.remove(member_id)
            && let Some(instance) = &member.instance_id
        {
            self.static_members.remove(instance);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_join.remove(member_id);
        self.pending_sync.remove(member_id);
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &Call> {
        self.members.values().flat_map(|member| member.awaiting_join.iter().chain(&member.awaiting_sync))
    }

    pub(super) fn awaiting_join(&self) -> usize {
        self.members.values().filter(|member| member.awaiting_join.is_some()).count()
    }

    pub(super) fn has_all_members_joined(&self) -> bool {
        self.pending_join.is_empty() && self.members.values().all(|member| member.awaiting_join.is_some())
    }

    /// Whether a member is who it says (validateMember).
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance) = instance_id {
            match self.static_members.get(instance) {
                None => return Err(ErrorCode::UNKNOWN_MEMBER_ID),
                Some(existing) if existing != member_id => return Err(ErrorCode::FENCED_INSTANCE_ID),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ErrorCode::UNKNOWN_MEMBER_ID) }
    }

    /// The longest `rebalance.timeout.ms` of its members.
    pub(super) fn rebalance_timeout_ms(&self) -> i64 {
        i64::from(self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0))
    }

    pub(super) fn can_rebalance(&self) -> bool {
        use ClassicGroupState::{CompletingRebalance, Empty, Stable};
        matches!(self.state, Stable | CompletingRebalance | Empty)
    }

    /// Lets a member that has joined be the leader where the leader has not; `false` if nobody has.
    pub(super) fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = self.leader.as_ref().and_then(|leader| self.members.get(leader)) else {
            return false;
        };
        if leader.awaiting_join.is_some() {
            return true;
        }
        let joined = self.members.values().find(|member| member.awaiting_join.is_some());
        match joined.map(|member| member.member_id.clone()) {
            Some(id) => {
                self.leader = Some(id);
                true
            }
            None => false,
        }
    }

    // ---- protocols

    fn supporters(&self, protocol: &str) -> usize {
        let speaks = |member: &&ClassicMember| member.protocols.iter().any(|(name, _)| name == protocol);
        self.members.values().filter(speaks).count()
    }

    pub(super) fn supports_protocols(&self, protocol_type: &str, protocols: &[(String, Bytes)]) -> bool {
        if self.is_empty() {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| self.supporters(name) == self.members.len())
    }

    /// The protocol with the most votes among those that all members speak; each votes for the first that it names.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let vote =
                member.protocols.iter().find(|(name, _)| self.supporters(name) == self.members.len())?;
            *votes.entry(&vote.0).or_default() += 1;
        }
        let most = votes.values().max()?;
        votes.iter().find(|(_, count)| *count == most).map(|(name, _)| (*name).to_owned())
    }

    fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some("consumer")
    }

    /// The topics of all subscriptions; `None` where they cannot be told.
    pub(super) fn compute_subscribed_topics(&self) -> Option<BTreeSet<String>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        let mut topics = BTreeSet::new();
        if self.members.is_empty() {
            return Some(topics);
        }
        let protocol = self.protocol_name.as_deref()?;
        for member in self.members.values() {
            topics.extend(subscription_topics(&member.metadata(protocol))?);
        }
        Some(topics)
    }

    /// Whether a member reads the topic. Of consumers whose subscriptions cannot be read, it is taken that one does.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    /// Begins the next generation; the new state.
    pub(super) fn init_next_generation(&mut self) -> ClassicGroupState {
        self.generation = self.generation.wrapping_add(1);
        self.protocol_name = if self.members.is_empty() { None } else { self.select_protocol() };
        self.subscribed_topics = self.compute_subscribed_topics();
        self.pending_sync.clear();
        if self.members.is_empty() {
            ClassicGroupState::Empty
        } else {
            ClassicGroupState::CompletingRebalance
        }
    }

    /// All members for the leader's eyes.
    pub(super) fn current_members(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol_name.as_deref().unwrap_or("");
        (self.members.values())
            .map(|member| {
                JoinGroupResponseMember::default()
                    .with_member_id(member.member_id.clone().into())
                    .with_group_instance_id(member.instance_id.clone().map(Into::into))
                    .with_metadata(member.metadata(protocol))
            })
            .collect()
    }

    /// The partitions that each member of a group of consumers owns, by what its leader wrote.
    pub(super) fn owners(&self) -> Owners {
        if !self.uses_consumer_protocol() {
            return Owners::default();
        }
        let owners = self.members.values().map(|member| {
            let owned = assigned_partitions(&member.assignment).unwrap_or_default();
            let owned = owned.iter().map(|(topic, partition)| format!("{topic}-{partition}").into());
            (member.member_id.as_str().into(), owned.collect())
        });
        owners.collect()
    }

    pub(super) fn assignments(&self) -> BTreeMap<String, Bytes> {
        self.members.values().map(|member| (member.member_id.clone(), member.assignment.clone())).collect()
    }

    // ---- checks of other requests

    /// The same of offsets that belong to a transaction.
    pub(super) fn validate_transactional_commit(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        // Old versions of the request say neither member nor generation.
        if generation >= 0 || !member_id.is_empty() || instance_id.is_some() {
            self.validate_member(member_id, instance_id)?;
            if generation != self.generation {
                return Err(ErrorCode::ILLEGAL_GENERATION);
            }
        }
        Ok(())
    }

    /// Whether an offset commit of this member is taken (validateOffsetCommit).
    pub(super) fn validate_commit(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        // A tool, or a consumer that assigns itself its partitions.
        if generation < 0 && self.is_empty() {
            return Ok(());
        }
        if generation >= 0 || !member_id.is_empty() || instance_id.is_some() {
            self.validate_member(member_id, instance_id)?;
            if generation != self.generation {
                return Err(ErrorCode::ILLEGAL_GENERATION);
            }
        } else {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        if self.state == ClassicGroupState::CompletingRebalance {
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Ok(())
    }

    /// Whether single offsets may be deleted (validateOffsetDelete).
    pub(super) fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        match self.state {
            ClassicGroupState::Dead => Err(ErrorCode::GROUP_ID_NOT_FOUND),
            ClassicGroupState::Empty => Ok(()),
            _ if self.uses_consumer_protocol() => Ok(()),
            _ => Err(ErrorCode::NON_EMPTY_GROUP),
        }
    }

    /// Whether it may be deleted (validateDeleteGroup).
    pub(super) fn validate_delete(&self) -> Result<(), ErrorCode> {
        match self.state {
            ClassicGroupState::Dead => Err(ErrorCode::GROUP_ID_NOT_FOUND),
            ClassicGroupState::Empty => Ok(()),
            _ => Err(ErrorCode::NON_EMPTY_GROUP),
        }
    }

    /// From when on an offset ages; `None` while none does (KIP-211).
    pub(super) fn expiration_condition(&self) -> Option<ExpirationCondition> {
        if self.protocol_type.is_none() {
            return Some(ExpirationCondition::SinceCommit);
        }
        match self.state {
            ClassicGroupState::Empty => Some(match self.state_timestamp {
                Some(at) => ExpirationCondition::Since(at),
                None => ExpirationCondition::SinceCommit,
            }),
            ClassicGroupState::Stable if self.uses_consumer_protocol() => {
                self.subscribed_topics.as_ref().map(|_| ExpirationCondition::SinceCommit)
            }
            _ => None,
        }
    }
}

/// The topics of a subscription (ConsumerProtocolSubscription): a version, then an array of strings in every version.
fn subscription_topics(metadata: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader::new(metadata);
    if reader.i16()? < 0 {
        return None;
    }
    let mut topics = Vec::new();
    for _ in 0..reader.i32()? {
        let len = usize::try_from(reader.i16()?).ok()?;
        topics.push(std::str::from_utf8(reader.take(len)?).ok()?.to_owned());
    }
    Some(topics)
}

/// The partitions of an assignment (ConsumerProtocolAssignment), which a client wrote, in order; `None` for bytes that
/// are none.
pub fn assigned_partitions(assignment: &[u8]) -> Option<Vec<(String, i32)>> {
    let mut reader = Reader::new(assignment);
    if reader.i16()? < 0 {
        return None;
    }
    let mut partitions = Vec::new();
    for _ in 0..reader.i32()? {
        let len = usize::try_from(reader.i16()?).ok()?;
        let topic = std::str::from_utf8(reader.take(len)?).ok()?;
        for _ in 0..reader.i32()? {
            partitions.push((topic.to_owned(), reader.i32()?));
        }
    }
    partitions.sort();
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_and_no_bytes_are_too_much() {
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 2, b'a', b'b', 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3];
        let want = vec![("ab".to_owned(), 3), ("ab".to_owned(), 5)];
        assert_eq!(assigned_partitions(&bytes), Some(want));
        for cut in 0..bytes.len() {
            assert_eq!(assigned_partitions(&bytes[..cut]), None, "cut at {cut}");
        }
        bytes[10] = 0x7f;
        assert_eq!(assigned_partitions(&bytes), None, "two billion partitions");
    }

    fn member(id: &str, protocols: &[&str]) -> ClassicMember {
        let topics = b"\0\x01\0\0\0\x01\0\x06orders\xff\xff\xff\xff\0\0\0\0";
        ClassicMember {
            member_id: id.to_owned(),
            protocols: protocols
                .iter()
                .map(|name| ((*name).to_owned(), Bytes::from_static(topics)))
                .collect(),
            ..ClassicMember::default()
        }
    }

    #[test]
    fn the_protocol_is_one_that_all_speak_and_most_prefer() {
        for (members, want) in [
            (vec![vec!["range"]], Some("range")),
            (vec![vec!["range", "sticky"], vec!["sticky"]], Some("sticky")),
            (vec![vec!["sticky", "range"], vec!["sticky", "range"], vec!["range", "sticky"]], Some("sticky")),
            (vec![vec!["range"], vec!["sticky"]], None),
        ] {
            let mut group = ClassicGroup::new("g", 0);
            for (at, protocols) in members.iter().enumerate() {
                group.add(member(&format!("m{at}"), protocols), "consumer");
            }
            assert_eq!(group.select_protocol().as_deref(), want, "{members:?}");
        }
    }

    #[test]
    fn subscriptions_are_known_where_they_can_be_read() {
        let mut group = ClassicGroup::new("g", 0);
        group.add(member("m", &["range"]), "consumer");
        group.init_next_generation();
        assert!(group.is_subscribed_to("orders") && !group.is_subscribed_to("payments"));
        group.members.get_mut("m").unwrap().protocols[0].1 = Bytes::from_static(b"\0\0\x7f\xff\xff\xff");
        group.init_next_generation();
        assert!(group.is_subscribed_to("payments"), "it might be");
        let mut other = ClassicGroup::new("g", 0);
        other.add(member("m", &["range"]), "connect");
        other.init_next_generation();
        assert!(!other.is_subscribed_to("orders"));
    }
}
