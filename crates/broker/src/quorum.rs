//! What a controller's handlers get: the node's part in the quorum, and what it holds while it is the active
//! controller.
//!
//! A handler computes records and a response. The records are appended and replayed into the active controller's own
//! image at once, so that the next decision stands on them; the response waits until they are committed.

use std::collections::VecDeque;

use blumfeld_kernel::{ConnectionId, Context, DiskOp, FilePath, Instant, TraceEvent};
use blumfeld_protocol::Uuid;
use blumfeld_protocol::frame::FrameError;
use blumfeld_protocol::wire::Encodable;

use crate::call::Call;
use crate::config::{BrokerConfig, SEGMENT_DELETE_DELAY_MS};
use crate::controller::{self, Active, ControllerResult, Waiting};
use crate::metadata::{MetadataImage, MetadataRecord};
use crate::raft::{EpochState, RaftClient};
use crate::reply::{Body, Reply, encode};
use crate::timers::Timers;

/// A controller's half of a node. A broker has one too: it observes the quorum, and is never active.
#[derive(Clone, Debug)]
pub struct Quorum {
    /// What the node was started with.
    pub config: BrokerConfig,
    /// Which cluster brokers have to belong to.
    pub cluster_id: Uuid,
    /// The log of the metadata, its leader and its voters.
    pub raft: RaftClient,
    /// What this node holds as the active controller.
    pub active: Option<Active>,
    snapshot: SnapshotProgress,
    /// Files of the metadata log that a snapshot replaces, until they are deleted.
    condemned: Timers<FilePath>,
}

/// How far the last snapshot is behind.
#[derive(Clone, Copy, Debug)]
struct SnapshotProgress {
    at: Instant,
    end_offset: i64,
    bytes: u64,
}

impl Quorum {
    /// A node that has begun to take part in the quorum.
    pub fn new(cx: &Context<'_>, config: &BrokerConfig, (cluster_id, raft): (Uuid, RaftClient)) -> Quorum {
        let snapshot = SnapshotProgress { at: cx.now, end_offset: 0, bytes: 0 };
        let condemned = Timers::default();
        Quorum { config: config.clone(), cluster_id, raft, active: None, snapshot, condemned }
    }

    /// This answer, once what it promises of elections is durable.
    pub fn durable(&self, body: impl Into<Body>) -> Result<Reply, FrameError> {
        Ok(match self.raft.pending_write() {
            Some(operation) => Reply::After(operation, body.into()),
            None => Reply::Now(body.into()),
        })
    }

    /// The answer to `call`, once its records are committed.
    pub fn committed<M: Encodable>(
        &mut self,
        cx: &mut Context<'_>,
        call: &Call,
        result: ControllerResult<M>,
    ) -> Result<Reply, FrameError> {
        let frame = encode(&call.header, &result.response)?;
        Ok(match self.write(cx, result.records) {
            Some(offset) => Reply::Committed(offset, frame),
            None => Reply::NotController,
        })
    }

    /// Appends records as the active controller; gives the offset to wait for, or `None` if this node is not the active
    /// controller any more.
    pub fn write(&mut self, cx: &mut Context<'_>, records: Vec<MetadataRecord>) -> Option<i64> {
        let active = self.active.as_mut()?;
        if records.is_empty() {
            // What was decided on may not be committed yet.
            return Some(self.raft.log().end());
        }
        let values: Vec<Vec<u8>> = records.iter().map(MetadataRecord::encode).collect();
        let end = self.raft.append(cx, &values)?;
        for record in &records {
            active.image.replay(record);
        }
        active.wrote(cx, &self.config);
        Some(end)
    }

    /// Becomes the active controller, once everything of earlier epochs is committed and replayed: `image` is the
    /// metadata below the offset `applied`.
    pub fn claim(&mut self, cx: &mut Context<'_>, (image, applied): (&MetadataImage, i64)) {
        let Some(epoch_start) = self.raft.epoch_start() else { return };
        // It decides on nothing before everything of earlier epochs is committed and replayed.
        if self.active.is_some() || applied <= epoch_start || !self.config.roles.controller {
            return;
        }
        let epoch = self.raft.epoch();
        self.active = Some(Active::new(cx, &self.config, epoch, image.clone()));
        cx.out.trace(TraceEvent::ControllerElected { epoch });
        if image.features().is_empty() {
            self.write(cx, controller::bootstrap(self.config.min_insync_replicas));
        }
    }

    /// Gives up what an active controller holds, once another epoch has begun: gives those who wait, and are to ask
    /// another.
    pub fn resign(&mut self) -> VecDeque<Waiting> {
        let leads = matches!(self.raft.state(), EpochState::Leader(_));
        if self.active.as_ref().is_none_or(|active| leads && active.epoch == self.raft.epoch()) {
            return VecDeque::new();
        }
        self.active.take().map(|active| active.waiting).unwrap_or_default()
    }

    /// The next answer whose records are committed, as those below the offset `upto` are.
    pub fn next_committed(&mut self, upto: i64) -> Option<Waiting> {
        self.active.as_mut()?.waiting.pop_front_if(|waiting| waiting.offset <= upto)
    }

    /// Writes what time brings, as the active controller: brokers that are not heard of are fenced, leaders go back to
    /// where they belong.
    pub fn poll(&mut self, cx: &mut Context<'_>) {
        loop {
            let Some(records) = self.active.as_mut().and_then(|active| active.due(cx, &self.config)) else {
                return;
            };
            if self.write(cx, records).is_none() {
                return;
            }
        }
    }

    // ---- snapshots

    /// The metadata up to `end_offset` is in a snapshot.
    pub fn note_snapshot(&mut self, end_offset: i64) {
        self.snapshot.end_offset = end_offset;
    }

    /// Writes a snapshot when enough has come since the last one (SnapshotGenerator).
    pub fn maybe_snapshot(&mut self, cx: &mut Context<'_>, (image, applied): (&MetadataImage, i64)) {
        let bytes = self.raft.log().log().size();
        let since = cx.now.since(self.snapshot.at).as_millis();
        let much = bytes.saturating_sub(self.snapshot.bytes) >= self.config.metadata_bytes_between_snapshots;
        let long = i64::try_from(since).unwrap_or(i64::MAX) >= self.config.metadata_snapshot_interval_ms;
        if !(much || long) || applied <= self.snapshot.end_offset {
            return;
        }
        let values: Vec<Vec<u8>> = image.records().iter().map(MetadataRecord::encode).collect();
        self.raft.write_snapshot(cx, applied, &values);
        let files = self.raft.clean(cx, self.config.metadata_max_retention_bytes);
        for file in files {
            self.condemned.set(cx.after_ms(SEGMENT_DELETE_DELAY_MS), file);
        }
        let bytes = self.raft.log().log().size();
        self.snapshot = SnapshotProgress { at: cx.now, end_offset: applied, bytes };
        cx.out.trace(TraceEvent::SnapshotWritten { end_offset: applied });
    }

    /// Deletes the files whose time is over.
    pub fn poll_files(&mut self, cx: &mut Context<'_>) {
        while let Some(path) = self.condemned.pop_due(cx.now) {
            cx.out.disk(DiskOp::Delete { path });
        }
    }

    /// When the quorum, the active controller or [`poll_files`](Self::poll_files) next has something to do.
    pub fn next_timeout(&self) -> Option<Instant> {
        let active = self.active.as_ref().and_then(Active::next_timeout);
        [self.raft.next_timeout(), active, self.condemned.next_timeout()].into_iter().flatten().min()
    }

    /// The connections whose requests wait for the quorum.
    pub fn owed(&self) -> impl Iterator<Item = ConnectionId> {
        let active = self.active.iter().flat_map(|active| &active.waiting);
        self.raft.owed().chain(active.map(|waiting| waiting.call.conn))
    }

    /// What must always be true.
    pub fn invariants(&self) -> Result<(), String> {
        self.raft.invariants()?;
        if self.active.is_some() && !matches!(self.raft.state(), EpochState::Leader(_)) {
            return Err("active controller without leading the quorum".to_owned());
        }
        Ok(())
    }
}
