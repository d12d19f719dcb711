//! How a cluster begins, and how brokers come to it, stay and go (ClusterControlManager, BrokerHeartbeatManager).

use std::collections::BTreeMap;
use std::time::Duration;

use blumfeld_kernel::Instant;
use blumfeld_protocol::messages::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
};
use blumfeld_protocol::{ErrorCode, Uuid, uuid_text};

use super::ControllerResult;
use super::replication::{BrokerEvent, leader_and_isr_updates};
use crate::metadata::{Listener, MetadataImage, MetadataRecord, ResourceType, TRANSACTION_VERSION};
use crate::reply::ApiError;

/// The feature levels of a new cluster: those that this node serves.
const FEATURES: [(&str, i16); 3] = [
    ("metadata.version", METADATA_VERSION),
    ("eligible.leader.replicas.version", 1),
    (TRANSACTION_VERSION, 2),
];
/// 4.0-IV3 (org.apache.kafka.server.common.MetadataVersion).
pub const METADATA_VERSION: i16 = 25;

/// The first records of a new cluster's log (org.apache.kafka.metadata.bootstrap.BootstrapMetadata). With eligible
/// leader replicas on, min.insync.replicas is set for the whole cluster, to what the controller's own config says
/// (KIP-966).
pub fn bootstrap(min_insync_replicas: i32) -> Vec<MetadataRecord> {
    let mut records: Vec<MetadataRecord> = (FEATURES.iter())
        .map(|(name, level)| MetadataRecord::FeatureLevel { name: (*name).to_owned(), level: *level })
        .collect();
    records.push(MetadataRecord::Config {
        resource_type: ResourceType::Broker,
        resource_name: String::new(),
        name: "min.insync.replicas".to_owned(),
        value: Some(min_insync_replicas.to_string()),
    });
    records
}

/// What the active controller knows of a broker's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Session {
    epoch: i64,
    last_contact: Instant,
    metadata_offset: i64,
    /// Offset of the records that took its leaderships, once it asked to go.
    controlled_shutdown_offset: Option<i64>,
}

/// The heartbeats of all brokers since this controller became active.
#[derive(Clone, Debug)]
pub struct Heartbeats {
    sessions: BTreeMap<i32, Session>,
    timeout: Duration,
}

impl Heartbeats {
    /// Every broker that is not fenced counts as heard of just now.
    pub fn new(image: &MetadataImage, now: Instant, timeout_ms: i64) -> Heartbeats {
        let sessions = (image.brokers().values())
            .filter(|broker| !broker.fenced)
            .map(|broker| (broker.id, Session::new(broker.epoch, now)))
            .collect();
        Heartbeats { sessions, timeout: Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)) }
    }

    fn is_valid(&self, broker: i32, epoch: i64, now: Instant) -> bool {
        let session = self.sessions.get(&broker).filter(|session| session.epoch == epoch);
        session.is_some_and(|session| session.last_contact + self.timeout > now)
    }

    /// When the first session of a broker that is not fenced ends.
    pub fn next_expiry(&self, image: &MetadataImage) -> Option<Instant> {
        let live = self.sessions.iter().filter(|(id, _)| image.brokers().get(id).is_some_and(|b| !b.fenced));
        live.map(|(_, session)| session.last_contact + self.timeout).min()
    }

    /// The brokers that were not heard of for too long.
    pub fn expired(&self, image: &MetadataImage, now: Instant) -> Vec<i32> {
        (image.brokers().values())
            .filter(|broker| !broker.fenced && !self.is_valid(broker.id, broker.epoch, now))
            .map(|broker| broker.id)
            .collect()
    }

    /// Forgets a broker.
    pub fn remove(&mut self, broker: i32) {
        self.sessions.remove(&broker);
    }

    /// When the broker was last heard of; how far it has come in the metadata log.
    pub fn metadata_offset(&self, broker: i32) -> Option<i64> {
        self.sessions.get(&broker).map(|session| session.metadata_offset)
    }
}

impl Session {
    fn new(epoch: i64, now: Instant) -> Session {
        Session { epoch, last_contact: now, metadata_offset: -1, controlled_shutdown_offset: None }
    }
}

/// Fences a broker: it loses its leaderships and its place in every ISR (handleBrokerFenced).
pub fn fence(image: &MetadataImage, broker: i32) -> Vec<MetadataRecord> {
    let Some(registration) = image.brokers().get(&broker) else { return Vec::new() };
    let mut records = vec![MetadataRecord::BrokerRegistrationChange {
        broker_id: broker,
        broker_epoch: registration.epoch,
        fenced: 1,
        in_controlled_shutdown: 0,
    }];
    records.extend(leader_and_isr_updates(
        image,
        BrokerEvent { removed: Some(broker), ..BrokerEvent::default() },
    ));
    records
}

/// Registers a broker's start. Its epoch is the offset that the record gets, so it is above every earlier one.
pub fn register_broker(
    image: &MetadataImage,
    heartbeats: &mut Heartbeats,
    cluster_id: Uuid,
    request: &BrokerRegistrationRequest,
    (now, next_offset): (Instant, i64),
) -> Result<ControllerResult<BrokerRegistrationResponse>, ApiError> {
    if request.cluster_id.as_str() != uuid_text::to_text(cluster_id) {
        let message = format!(
            "Expected cluster ID {}, but got cluster ID {}",
            uuid_text::to_text(cluster_id),
            request.cluster_id
        );
        return Err(ApiError::new(ErrorCode::INCONSISTENT_CLUSTER_ID, message));
    }
    let id = request.broker_id.0;
    let known = image.brokers().get(&id);
    if let Some(known) = known
        && heartbeats.is_valid(id, known.epoch, now)
        && known.incarnation_id != request.incarnation_id
        // One that went in order may be back at once.
        && !known.in_controlled_shutdown
    {
        return Err(ApiError::code(ErrorCode::DUPLICATE_BROKER_REGISTRATION));
    }
    if request.log_dirs.is_empty() {
        return Err(ApiError::code(ErrorCode::INVALID_REGISTRATION));
    }
    let mut records = Vec::new();
    // A broker that says it knows its last epoch was shut down in order: it has what it had (KIP-966).
    let clean = known.is_none_or(|known| known.epoch == request.previous_broker_epoch);
    // The same process asks again, as the answer was lost: it stays what it is.
    let same = known.filter(|known| known.incarnation_id == request.incarnation_id);
    if !clean && same.is_none() {
        let event = BrokerEvent { unclean_shutdown: Some(id), ..BrokerEvent::default() };
        records.extend(leader_and_isr_updates(image, event));
    }
    let epoch =
        same.map_or_else(|| next_offset + i64::try_from(records.len()).unwrap_or(0), |same| same.epoch);
    let listeners = request.listeners.iter().map(|listener| Listener {
        name: listener.name.to_string(),
        host: listener.host.to_string(),
        port: listener.port,
    });
    records.push(MetadataRecord::RegisterBroker {
        broker_id: id,
        incarnation_id: request.incarnation_id,
        broker_epoch: epoch,
        listeners: listeners.collect(),
        rack: request.rack.as_ref().map(ToString::to_string),
        fenced: same.is_none_or(|same| same.fenced),
        log_dirs: request.log_dirs.clone(),
    });
    if same.is_some_and(|same| same.in_controlled_shutdown) {
        records.push(MetadataRecord::BrokerRegistrationChange {
            broker_id: id,
            broker_epoch: epoch,
            fenced: 0,
            in_controlled_shutdown: 1,
        });
    }
    heartbeats.sessions.insert(id, Session::new(epoch, now));
    Ok(ControllerResult { records, response: BrokerRegistrationResponse::default().with_broker_epoch(epoch) })
}

/// What a broker is to be after a heartbeat (BrokerControlState).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutdownNow,
}

/// Takes a heartbeat (BrokerHeartbeatManager.calculateNextBrokerState).
pub fn heartbeat(
    image: &MetadataImage,
    heartbeats: &mut Heartbeats,
    request: &BrokerHeartbeatRequest,
    (now, next_offset): (Instant, i64),
) -> Result<ControllerResult<BrokerHeartbeatResponse>, ApiError> {
    let id = request.broker_id.0;
    let Some(broker) = image.brokers().get(&id) else {
        return Err(ApiError::code(ErrorCode::BROKER_ID_NOT_REGISTERED));
    };
    if broker.epoch != request.broker_epoch {
        return Err(ApiError::code(ErrorCode::STALE_BROKER_EPOCH));
    }
    let caught_up = request.current_metadata_offset >= broker.epoch;
    let leads = || {
        let partitions = image.topics().values().flat_map(|topic| topic.partitions.values());
        partitions.into_iter().any(|partition| partition.leader == id)
    };
    let next = if broker.fenced {
        match (request.want_shut_down, request.want_fence, caught_up) {
            (true, ..) => Next::ShutdownNow,
            (false, false, true) => Next::Unfenced,
            _ => Next::Fenced,
        }
    } else if broker.in_controlled_shutdown {
        let active = (image.brokers().values().filter(|broker| broker.is_active()))
            .map(|broker| heartbeats.metadata_offset(broker.id).unwrap_or(-1))
            .min();
        let told = heartbeats.sessions.get(&id).and_then(|session| session.controlled_shutdown_offset);
        // Followers must know the new leaders before this one goes.
        let known = active.is_none_or(|lowest| told.is_none_or(|offset| lowest >= offset));
        if leads() || !known { Next::ControlledShutdown } else { Next::ShutdownNow }
    } else if request.want_fence {
        if request.want_shut_down { Next::ShutdownNow } else { Next::Fenced }
    } else if request.want_shut_down {
        if leads() { Next::ControlledShutdown } else { Next::ShutdownNow }
    } else {
        Next::Unfenced
    };
    let change = |fenced: i8, in_controlled_shutdown: i8| MetadataRecord::BrokerRegistrationChange {
        broker_id: id,
        broker_epoch: broker.epoch,
        fenced,
        in_controlled_shutdown,
    };
    let records = match next {
        Next::Fenced | Next::ShutdownNow if !broker.fenced => fence(image, id),
        Next::Unfenced if broker.fenced => {
            let mut records = vec![change(-1, 0)];
            let event = BrokerEvent { added: Some(id), ..BrokerEvent::default() };
            records.extend(leader_and_isr_updates(image, event));
            records
        }
        Next::ControlledShutdown if !broker.in_controlled_shutdown => {
            let mut records = vec![change(0, 1)];
            let event = BrokerEvent { removed: Some(id), ..BrokerEvent::default() };
            records.extend(leader_and_isr_updates(image, event));
            records
        }
        _ => Vec::new(),
    };
    let session = heartbeats.sessions.entry(id).or_insert_with(|| Session::new(broker.epoch, now));
    session.epoch = broker.epoch;
    session.last_contact = now;
    session.metadata_offset = request.current_metadata_offset;
    if next == Next::ControlledShutdown && !broker.in_controlled_shutdown {
        session.controlled_shutdown_offset =
            Some(next_offset + i64::try_from(records.len()).unwrap_or(0) - 1);
    }
    let response = BrokerHeartbeatResponse::default()
        .with_is_caught_up(caught_up)
        .with_is_fenced(matches!(next, Next::Fenced | Next::ShutdownNow))
        .with_should_shut_down(next == Next::ShutdownNow);
    Ok(ControllerResult { records, response })
}

/// Takes a broker out of the cluster for good (KIP-631: UnregisterBroker).
pub fn unregister_broker(image: &MetadataImage, broker: i32) -> Result<Vec<MetadataRecord>, ApiError> {
    let Some(registration) = image.brokers().get(&broker) else {
        return Err(ApiError::new(
            ErrorCode::BROKER_ID_NOT_REGISTERED,
            format!("Broker ID {broker} is not currently registered"),
        ));
    };
    let event = BrokerEvent { removed: Some(broker), ..BrokerEvent::default() };
    let mut records = leader_and_isr_updates(image, event);
    records.push(MetadataRecord::UnregisterBroker { broker_id: broker, broker_epoch: registration.epoch });
    Ok(records)
}
