//! Following: what happens to one record, request, member or partition, and how fast time goes meanwhile.
//!
//! After every event it is asked whether something happened to what is followed, of the nodes themselves: a batch is
//! known by the CRC that its producer wrote, which no broker changes, so the leader's append and each follower's are
//! recognised in their logs. A stop is therefore the event at which it became true, and never a moment of an
//! animation.
//!
//! Virtual time is only how fast it is read. While something of it travels, the way takes about a second; while it
//! waits, time goes faster and faster; and at each stop it stands still for as long as its sentence takes to read.

use std::collections::BTreeSet;
use std::time::Duration;

use blumfeld_kernel::{NodeId, TraceEvent};
use blumfeld_protocol::frame::{decode_body, decode_header};
use blumfeld_protocol::messages::{ApiKey, ProduceRequest};
use blumfeld_protocol::record_batch::Batch;
use blumfeld_protocol::uuid_text;
use blumfeld_shell::Client;
use blumfeld_sim::{InFlight, Standing, World, event_view};
use blumfeld_view::{FollowView, FollowWhat, Stop, StopView, TokenKey};

use crate::run::Run;

/// How long a stop is read.
const READ: Duration = Duration::from_millis(1_500);
/// How long a way takes.
const WAY: f64 = 1.1;
/// Slowest and fastest that time goes.
const PACES: (f64, f64) = (0.000_1, 20.0);
/// Where a wait begins, and how often its pace doubles.
const WAITING: f64 = 0.05;
const DOUBLES: Duration = Duration::from_millis(350);
/// Of something that has no end so many stops are kept.
const KEPT: usize = 40;

/// What is followed.
pub(super) struct Follow {
    what: FollowWhat,
    /// The process that sends the record.
    process: Option<NodeId>,
    /// Topic and number of its partition, as lines of the trace name it too.
    partition: Option<(String, i32, String)>,
    crc: Option<u32>,
    offset: Option<i64>,
    /// The request on its way, by connection and number, its API, and whether its answer has left.
    request: Option<(TokenKey, String, bool)>,
    acks: String,
    /// The way of what travels: when it began and ends.
    way: Option<(u64, u64)>,
    asked: BTreeSet<(u64, i32)>,
    accumulates: bool,
    appended: bool,
    waits: bool,
    copied: BTreeSet<i32>,
    passed: bool,
    acknowledged: bool,
    read: BTreeSet<NodeId>,
    committed: BTreeSet<String>,
    /// Lines of the trace that were looked at.
    seen: u64,
    stops: Vec<StopView>,
    over: bool,
    /// Wall time for which time stands still, so that a stop can be read.
    still: Duration,
    /// Wall time of the wait so far.
    waited: Duration,
    pace: f64,
    changed: bool,
}

impl Follow {
    /// Begins to follow. Nothing if there is no such thing.
    pub fn begin(what: FollowWhat, run: &Run) -> Option<Follow> {
        let world = &run.world;
        let mut follow = Follow {
            process: None,
            partition: None,
            crc: None,
            offset: None,
            request: None,
            acks: String::new(),
            way: None,
            asked: BTreeSet::new(),
            accumulates: false,
            appended: false,
            waits: false,
            copied: BTreeSet::new(),
            passed: false,
            acknowledged: false,
            read: BTreeSet::new(),
            committed: BTreeSet::new(),
            seen: world.trace().pushed(),
            stops: Vec::new(),
            over: false,
            still: Duration::ZERO,
            waited: Duration::ZERO,
            pace: WAITING,
            changed: true,
            what,
        };
        match &follow.what {
            FollowWhat::Sent { command } => follow.process = Some(run.process_of(*command)?),
            FollowWhat::Record { topic, partition, offset } => {
                let (topic, partition, offset) = (topic.clone(), *partition, *offset);
                world.holder_of(&topic, partition)?;
                follow.partition = Some(named(topic, partition));
                (follow.offset, follow.appended, follow.acknowledged) = (Some(offset), true, true);
                follow.catch_up(run);
            }
            FollowWhat::Message(key) => {
                let all = world.in_flight();
                let one = all.iter().find(|one| one.key() == *key)?;
                let (api, answer) = (blumfeld_sim::api_name(one.api_key), key.answer);
                follow.request = Some((TokenKey { answer: false, ..*key }, api.clone(), answer));
                follow.acks = acks_of(one);
                let broker = one.broker.0;
                let stop = match answer {
                    true => Stop::Answered { api, broker, error: world.token_view(one).error },
                    false => Stop::Sent { api, broker },
                };
                follow.stops.push(StopView { at: one.sent.as_micros(), stop });
                follow.look_at_request(run);
            }
            FollowWhat::Member { .. } => {}
            FollowWhat::Partition { topic, partition } => {
                world.holder_of(topic, *partition)?;
                follow.partition = Some(named(topic.clone(), *partition));
            }
        }
        Some(follow)
    }

    /// What has happened to a record before it was followed.
    fn catch_up(&mut self, run: &Run) {
        let world = &run.world;
        let Some((topic, number, _)) = self.partition.clone() else { return };
        let Some(offset) = self.offset else { return };
        let leader = world.holder_of(&topic, number);
        self.stop(world, Stop::Appended { broker: leader.map_or(-1, |node| node.0), offset });
        self.look_at_replicas(run);
        for client in run.clients(&world.group_views()) {
            let id = NodeId(client.id);
            self.look_at_reader(run, id);
        }
        for group in world.group_views() {
            let committed = group.offsets.iter().find(|one| one.topic == topic && one.partition == number);
            if let Some(committed) = committed.filter(|one| one.committed > offset) {
                self.committed.insert(group.id.clone());
                self.stop(world, Stop::Committed { group: group.id.clone(), offset: committed.committed });
            }
        }
        self.still = Duration::ZERO;
    }

    /// What changed since the last call.
    pub fn take(&mut self) -> Option<FollowView> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        Some(FollowView {
            what: self.what.clone(),
            place: self
                .partition
                .as_ref()
                .map(|(topic, number, _)| (topic.clone(), *number, self.offset.unwrap_or(-1))),
            stops: self.stops.iter().take(self.shown()).cloned().collect(),
            token: self.request.as_ref().map(|(key, _, answer)| TokenKey { answer: *answer, ..*key }),
            pace: self.pace,
            over: self.over && self.shown() == self.stops.len(),
        })
    }

    /// How many of the stops have had their turn to be read.
    fn shown(&self) -> usize {
        let ahead = self.still.as_millis().div_ceil(READ.as_millis()).saturating_sub(1);
        self.stops.len().saturating_sub(usize::try_from(ahead).unwrap_or(0))
    }

    /// How fast time goes for a turn of so much wall time; 0 while a stop is read, and nothing once all is over.
    pub fn pace(&mut self, wall: Duration) -> Option<f64> {
        if self.over && self.still.is_zero() {
            return None;
        }
        let before = (self.pace, self.shown());
        if !self.still.is_zero() {
            self.still = self.still.saturating_sub(wall);
            self.pace = 0.0;
        } else if let Some((from, to)) = self.way {
            self.waited = Duration::ZERO;
            #[allow(clippy::cast_precision_loss, reason = "a way takes seconds at most")]
            let way = to.saturating_sub(from) as f64 / 1e6;
            self.pace = (way / WAY).clamp(PACES.0, PACES.1);
        } else {
            self.waited += wall;
            let doubled = (self.waited.as_secs_f64() / DOUBLES.as_secs_f64()).floor();
            self.pace = (WAITING * doubled.exp2()).clamp(PACES.0, PACES.1);
        }
        self.changed |= (before.0 - self.pace).abs() > f64::EPSILON || before.1 != self.shown();
        Some(self.pace)
    }

    /// Looks whether the last event was one for it. Gives whether there is a new stop.
    pub fn look(&mut self, run: &Run) -> bool {
        let before = self.stops.len();
        let was_over = self.over;
        match &self.what {
            FollowWhat::Sent { .. } | FollowWhat::Record { .. } => self.look_at_record(run),
            FollowWhat::Message(_) => self.look_at_request(run),
            FollowWhat::Member { .. } | FollowWhat::Partition { .. } => self.look_at_trace(run),
        }
        self.seen = run.world.trace().pushed();
        self.changed |= self.over != was_over;
        self.stops.len() != before
    }

    fn stop(&mut self, world: &World, stop: Stop) {
        self.stops.push(StopView { at: world.now().as_micros(), stop });
        if self.stops.len() > KEPT {
            self.stops.remove(0);
        }
        // Those of one event are read one after the other.
        (self.still, self.waited, self.changed) = (self.still + READ, Duration::ZERO, true);
    }

    // ---- a record

    fn look_at_record(&mut self, run: &Run) {
        // In the order of cause and effect: an append, the high watermark and the answer can be of one event.
        self.look_at_appends(run);
        self.look_at_replicas(run);
        if !self.acknowledged {
            self.look_at_producer(run);
        }
        if let Some(node) = run.world.acted() {
            self.look_at_reader(run, node);
        }
        self.look_at_commits(run);
        self.over |= self.is_done(run);
    }

    /// What its producer does with it.
    fn look_at_producer(&mut self, run: &Run) {
        let (world, Some(process)) = (&run.world, self.process) else { return };
        if self.request.is_some() {
            return self.look_at_request(run);
        }
        let all = world.in_flight();
        let own = || all.iter().filter(|one| one.client == process && !one.answer);
        self.way = None;
        for one in own() {
            let api = blumfeld_sim::api_name(one.api_key);
            let key = (one.connection.0, one.correlation_id);
            if matches!(api.as_str(), "Metadata" | "InitProducerId") && self.asked.insert(key) {
                self.stop(world, Stop::Asks { api, broker: one.broker.0 });
            } else if one.api_key == ApiKey::Produce as i16
                && let Some((topic, number, crc)) = first_batch(world, one)
            {
                // One that goes again is the same batch.
                if self.crc.is_none() {
                    self.partition = Some(named(topic, number));
                    self.crc = Some(crc);
                }
                self.request = Some((one.key(), api.clone(), false));
                (self.acks, self.waits) = (acks_of(one), false);
                self.stop(world, Stop::Sent { api, broker: one.broker.0 });
                self.look_at_request(run);
                return;
            }
        }
        let client = world.process(process).and_then(|process| blumfeld_shell::client(process, world.now()));
        match client {
            Some(Client::Producer(view)) => {
                let waiting = view.waiting.iter().find(|queue| queue.records > 0);
                if let Some(queue) = waiting.filter(|_| !self.accumulates) {
                    self.accumulates = true;
                    let (bytes, batch_size) = (queue.open_bytes as u64, view.batch_size as u64);
                    self.stop(world, Stop::Accumulates { bytes, batch_size, linger_ms: view.linger_ms });
                }
            }
            _ if world.process(process).is_none() && self.crc.is_none() => {
                self.stop(world, Stop::Nothing);
                self.over = true;
            }
            _ => {}
        }
    }

    /// How its request and the answer stand.
    fn look_at_request(&mut self, run: &Run) {
        let world = &run.world;
        let Some((key, api, answered)) = self.request.clone() else { return };
        let all = world.in_flight();
        let find = |answer| all.iter().find(|one| one.key() == TokenKey { answer, ..key });
        let follows_record = !matches!(self.what, FollowWhat::Message(_));
        self.way = None;
        if let Some(answer) = find(true) {
            if let Standing::Travels(at) = answer.standing {
                self.way = Some((answer.sent.as_micros(), at.as_micros()));
            }
            if !answered {
                let error = world.token_view(answer).error;
                self.stop(world, Stop::Answered { api: api.clone(), broker: answer.broker.0, error });
                self.request = Some((key, api, true));
            }
            return;
        }
        if answered {
            let error = self.stops.iter().rev().find_map(|one| match &one.stop {
                Stop::Answered { error, .. } => Some(error.clone()),
                _ => None,
            });
            let error = error.unwrap_or_default();
            let again = follows_record && !error.is_empty();
            self.stop(world, Stop::Acknowledged { api, error });
            self.request = None;
            self.acknowledged = !again;
            self.over |= !follows_record;
            return;
        }
        match find(false) {
            Some(request) => match request.standing {
                Standing::Travels(at) => self.way = Some((request.sent.as_micros(), at.as_micros())),
                Standing::Waits(_) if !self.waits => {
                    self.waits = true;
                    let broker = request.broker.0;
                    if !follows_record {
                        self.stop(world, Stop::Arrives { api: api.clone(), broker });
                    }
                    // Where nothing is waited for, the answer comes at once.
                    if !follows_record || self.acks == "all" {
                        self.stop(world, Stop::Waits { api, broker, acks: self.acks.clone() });
                    }
                }
                Standing::Waits(_) | Standing::Stalls => {}
                Standing::Lost(_) => {
                    self.stop(world, Stop::Lost);
                    self.request = None;
                    self.over |= !follows_record;
                }
            },
            // Nobody answers a Produce with acks=0.
            None if self.acks == "0" => {
                self.request = None;
                self.acknowledged = true;
                self.over |= !follows_record;
            }
            None => {
                self.stop(world, Stop::Lost);
                self.request = None;
                self.over |= !follows_record;
            }
        }
    }

    /// Where the batch was appended: the first time at its leader, and then at followers.
    fn look_at_appends(&mut self, run: &Run) {
        let world = &run.world;
        let (Some((topic, number, name)), Some(crc)) = (self.partition.clone(), self.crc) else { return };
        if self.appended {
            return;
        }
        let appends: Vec<(NodeId, i64)> = (world.trace().after(self.seen))
            .filter_map(|line| match &line.event {
                TraceEvent::Appended { partition, base_offset, .. } if **partition == *name => {
                    Some((line.node, *base_offset))
                }
                _ => None,
            })
            .collect();
        for (node, base_offset) in appends {
            let replica = world.broker(node).and_then(|broker| broker.replicas().get(&topic, number));
            let batch = replica.and_then(|replica| replica.log().browse(base_offset).next());
            if batch.is_some_and(|(.., batch)| batch.crc() == crc) {
                (self.appended, self.offset) = (true, Some(base_offset));
                self.copied.insert(node.0);
                self.stop(world, Stop::Appended { broker: node.0, offset: base_offset });
                return;
            }
        }
    }

    /// Which replicas have it, and whether the high watermark has passed it.
    fn look_at_replicas(&mut self, run: &Run) {
        let world = &run.world;
        let (Some((topic, number, _)), Some(offset)) = (self.partition.clone(), self.offset) else { return };
        let Some(leader) = world.holder_of(&topic, number) else { return };
        let at = |node: NodeId| world.broker(node).and_then(|broker| broker.replicas().get(&topic, number));
        if self.copied.is_empty() {
            self.copied.insert(leader.0);
        }
        let new: Vec<i32> = world
            .nodes()
            .filter(|node| !self.copied.contains(&node.0))
            .filter(|node| at(*node).is_some_and(|replica| replica.log().log_end() > offset))
            .map(|node| node.0)
            .collect();
        for broker in new {
            self.copied.insert(broker);
            self.stop(world, Stop::Copied { broker });
        }
        let passed = at(leader).map(|replica| replica.high_watermark()).filter(|to| *to > offset);
        if let Some(to) = passed.filter(|_| !self.passed) {
            self.passed = true;
            self.stop(world, Stop::HighWatermark { to });
        }
    }

    /// Whether a consumer that did something has been given it.
    fn look_at_reader(&mut self, run: &Run, node: NodeId) {
        let world = &run.world;
        let (Some((topic, number, _)), Some(offset)) = (self.partition.clone(), self.offset) else { return };
        if self.read.contains(&node) {
            return;
        }
        let client = world.process(node).and_then(|process| blumfeld_shell::client(process, world.now()));
        let Some(Client::Consumer { view, .. }) = client else { return };
        let read = view.partitions.iter().any(|read| {
            *read.partition.topic == *topic
                && read.partition.partition == number
                && read.position.is_some_and(|position| position > offset)
        });
        if read {
            self.read.insert(node);
            let group = view.group.unwrap_or_default();
            self.stop(world, Stop::Read { client: view.client_id, group });
        }
    }

    /// Whether a group has committed past it.
    fn look_at_commits(&mut self, run: &Run) {
        let world = &run.world;
        let (Some((.., name)), Some(offset)) = (self.partition.clone(), self.offset) else { return };
        let commits: Vec<(String, i64)> = (world.trace().after(self.seen))
            .filter_map(|line| match &line.event {
                TraceEvent::OffsetsCommitted { group, offsets } => {
                    let found = offsets.iter().find(|(partition, at)| **partition == *name && *at > offset);
                    found.map(|(_, at)| (group.to_string(), *at))
                }
                _ => None,
            })
            .collect();
        for (group, offset) in commits {
            if self.committed.insert(group.clone()) {
                self.stop(world, Stop::Committed { group, offset });
            }
        }
    }

    /// Whether nothing more will come: it is acknowledged, below the high watermark, and committed by each group that
    /// reads its partition.
    fn is_done(&self, run: &Run) -> bool {
        let (Some((topic, number, _)), true) = (&self.partition, self.acknowledged && self.passed) else {
            return false;
        };
        let groups = run.world.group_views();
        let reads = |group: &&blumfeld_view::GroupView| {
            group
                .members
                .iter()
                .any(|member| member.partitions.iter().any(|one| one.0 == *topic && one.1 == *number))
        };
        groups.iter().filter(reads).all(|group| self.committed.contains(&group.id))
    }

    // ---- a member, a partition

    fn look_at_trace(&mut self, run: &Run) {
        let world = &run.world;
        let lines: Vec<_> = world.trace().after(self.seen).cloned().collect();
        for line in lines {
            let is_about = match (&self.what, &line.event) {
                (FollowWhat::Partition { .. }, event) => {
                    let name = self.partition.as_ref().map(|(.., name)| name.as_str());
                    partition_of(event).is_some() && partition_of(event) == name
                }
                (FollowWhat::Member { group, member }, event) => is_of_member(event, group, member),
                _ => false,
            };
            if is_about {
                let view = event_view(&line);
                self.stop(world, Stop::Event { node: view.node, text: view.text, korean: view.korean });
                if line.is_frequent() {
                    self.still = self.still.saturating_sub(READ * 2 / 3);
                }
            }
        }
    }
}

/// A partition, and how lines of the trace name it.
fn named(topic: String, number: i32) -> (String, i32, String) {
    let name = format!("{topic}-{number}");
    (topic, number, name)
}

/// `acks` of a Produce.
fn acks_of(one: &InFlight<'_>) -> String {
    let acks = produce_request(one).map(|request| request.acks);
    match acks {
        Some(0) => "0",
        Some(1) => "1",
        Some(_) => "all",
        None => "",
    }
    .to_owned()
}

fn produce_request(one: &InFlight<'_>) -> Option<ProduceRequest> {
    if one.answer || one.api_key != ApiKey::Produce as i16 {
        return None;
    }
    let (header, body) = decode_header(&one.frame.clone().into_bytes()).ok()?;
    decode_body(&header, body).ok()
}

/// The partition of the first batch in a Produce, and its CRC.
fn first_batch(world: &World, one: &InFlight<'_>) -> Option<(String, i32, u32)> {
    let request = produce_request(one)?;
    let topic = request.topic_data.first()?;
    let data = topic.partition_data.first()?;
    let batch = Batch::parse(data.records.as_ref()?).ok()?;
    let name = match topic.name.as_str() {
        "" => {
            let id = uuid_text::to_text(topic.topic_id);
            world.topic_views().into_iter().find(|topic| topic.id == id)?.name
        }
        name => name.to_owned(),
    };
    Some((name, data.index, batch.crc()))
}

/// The partition that a line is about.
fn partition_of(event: &TraceEvent) -> Option<&str> {
    use TraceEvent as E;
    match event {
        E::LeaderElected { partition, .. }
        | E::ReplicasAssigned { partition, .. }
        | E::BecameFollower { partition, .. }
        | E::BecameLeader { partition, .. }
        | E::IsrChanged { partition, .. }
        | E::LogTruncated { partition, .. }
        | E::Appended { partition, .. }
        | E::DuplicateBatch { partition, .. }
        | E::HighWatermarkAdvanced { partition, .. }
        | E::SegmentRolled { partition, .. }
        | E::SegmentsDeleted { partition, .. }
        | E::LogStartAdvanced { partition, .. }
        | E::LogRecovered { partition, .. }
        | E::LogCleaningStarted { partition, .. }
        | E::LogCleaned { partition, .. }
        | E::LogCleaningStopped { partition, .. } => Some(partition),
        _ => None,
    }
}

/// Whether a line is about a member, or about what its group does with it.
fn is_of_member(event: &TraceEvent, group: &str, member: &str) -> bool {
    use TraceEvent as E;
    match event {
        E::GroupMemberJoined { group: of, member: who, .. }
        | E::GroupMemberRejoined { group: of, member: who }
        | E::GroupMemberLeft { group: of, member: who, .. } => **of == *group && **who == *member,
        E::GroupRebalancing { group: of, .. }
        | E::GroupStateChanged { group: of, .. }
        | E::OffsetsCommitted { group: of, .. } => **of == *group,
        _ => false,
    }
}
