//! What the active controller holds beyond the committed metadata, and what it does by time
//! (org.apache.kafka.controller.QuorumController and its periodic tasks).

use std::collections::VecDeque;

use blumfeld_kernel::{Context, Instant};
use bytes::Bytes;

use super::cluster::{Heartbeats, fence};
use super::replication::{balance_leaders, unclean_elections};
use crate::call::Call;
use crate::config::BrokerConfig;
use crate::metadata::{MetadataImage, MetadataRecord};

/// An answer that waits until its records are committed.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The log must be committed up to here.
    pub offset: i64,
    /// The request that waits.
    pub call: Call,
    /// The answer.
    pub frame: Bytes,
}

/// A controller that is active.
#[derive(Clone, Debug)]
pub struct Active {
    /// The epoch that it leads.
    pub epoch: i32,
    /// Metadata up to the end of the log, which it decides on.
    pub image: MetadataImage,
    /// The brokers' sessions.
    pub heartbeats: Heartbeats,
    /// Answers that wait.
    pub waiting: VecDeque<Waiting>,
    idle_at: Option<Instant>,
    balance_at: Option<Instant>,
    unclean_at: Instant,
}

impl Active {
    /// Becomes active in `epoch` over the metadata `image`.
    pub fn new(cx: &Context<'_>, config: &BrokerConfig, epoch: i32, image: MetadataImage) -> Active {
        Active {
            epoch,
            heartbeats: Heartbeats::new(&image, cx.now, config.session_timeout_ms),
            image,
            waiting: VecDeque::new(),
            idle_at: idle_at(cx, config),
            balance_at: config
                .auto_leader_rebalance
                .then(|| cx.after_ms(config.leader_imbalance_check_interval_ms)),
            unclean_at: cx.after_ms(config.unclean_election_interval_ms),
        }
    }

    /// Notes that something was written.
    pub fn wrote(&mut self, cx: &Context<'_>, config: &BrokerConfig) {
        self.idle_at = idle_at(cx, config);
    }

    /// The next batch of records that time brings; `None` if there is none. Each is to be written before the next is
    /// asked for.
    pub fn due(&mut self, cx: &Context<'_>, config: &BrokerConfig) -> Option<Vec<MetadataRecord>> {
        if let Some(broker) = self.heartbeats.expired(&self.image, cx.now).first() {
            return Some(fence(&self.image, *broker));
        }
        if self.unclean_at <= cx.now {
            self.unclean_at = cx.after_ms(config.unclean_election_interval_ms);
            let records = unclean_elections(&self.image);
            if !records.is_empty() {
                return Some(records);
            }
        }
        if self.balance_at.is_some_and(|at| at <= cx.now) {
            self.balance_at = Some(cx.after_ms(config.leader_imbalance_check_interval_ms));
            let records = balance_leaders(&self.image, config.leader_imbalance_percentage);
            if !records.is_empty() {
                return Some(records);
            }
        }
        if self.idle_at.is_some_and(|at| at <= cx.now) {
            self.idle_at = idle_at(cx, config);
            return Some(vec![MetadataRecord::NoOp]);
        }
        None
    }

    /// When [`due`](Self::due) next has something.
    pub fn next_timeout(&self) -> Option<Instant> {
        let expiry = self.heartbeats.next_expiry(&self.image);
        expiry.into_iter().chain(self.idle_at).chain(self.balance_at).chain([self.unclean_at]).min()
    }
}

fn idle_at(cx: &Context<'_>, config: &BrokerConfig) -> Option<Instant> {
    let ms = config.metadata_max_idle_interval_ms;
    (ms > 0).then(|| cx.after_ms(ms))
}
