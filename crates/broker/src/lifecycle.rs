//! A broker's life as the controller sees it: registration, heartbeats, fencing, controlled shutdown
//! (org.apache.kafka.server.BrokerLifecycleManager).

use blumfeld_kernel::{Context, Endpoint, Instant, TraceEvent};
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::broker_registration_request::{Feature, Listener};
use blumfeld_protocol::messages::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
};
use blumfeld_protocol::wire::StrBytes;
use blumfeld_protocol::{ApiKey, ErrorCode, Uuid, uuid_text};
use bytes::Bytes;

use crate::channel::{Channels, InFlight, Purpose};
use crate::config::{BrokerConfig, CLIENT_LISTENER};

/// Where a broker is in its life (org.apache.kafka.metadata.BrokerState).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerState {
    /// It registers, and catches up with the metadata.
    Starting,
    /// It loads its logs.
    Recovery,
    /// It serves.
    Running,
    /// It asked to go, and still leads partitions.
    PendingControlledShutdown,
    /// It may go.
    ShuttingDown,
}

/// The broker's side of its registration.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    state: BrokerState,
    incarnation_id: Uuid,
    directory_id: Uuid,
    previous_broker_epoch: i64,
    /// -1 before it is registered.
    epoch: i64,
    registered: bool,
    ready_to_unfence: bool,
    next_at: Instant,
}

/// A request of the lifecycle is given up after so long, in milliseconds.
const TIMEOUT_MS: i64 = 4_500;

impl Lifecycle {
    /// A broker that begins.
    pub fn new(
        cx: &Context<'_>,
        incarnation_id: Uuid,
        directory_id: Uuid,
        previous_broker_epoch: i64,
    ) -> Lifecycle {
        Lifecycle {
            state: BrokerState::Starting,
            incarnation_id,
            directory_id,
            previous_broker_epoch,
            epoch: -1,
            registered: false,
            ready_to_unfence: false,
            next_at: cx.now,
        }
    }

    /// Where it is.
    pub fn state(&self) -> BrokerState {
        self.state
    }

    /// Its epoch, -1 before it is registered.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Its logs are loaded: it may be unfenced.
    pub fn ready(&mut self, now: Instant) {
        if self.state == BrokerState::Recovery {
            self.ready_to_unfence = true;
            self.next_at = now;
        }
    }

    /// It wants to go.
    pub fn begin_shutdown(&mut self, now: Instant) {
        self.state = match self.state {
            // Who is told twice goes on as it was.
            BrokerState::Running | BrokerState::PendingControlledShutdown => {
                BrokerState::PendingControlledShutdown
            }
            _ => BrokerState::ShuttingDown,
        };
        self.next_at = now;
    }

    fn can_send(&self, channels: &Channels, controller: Option<&Endpoint>) -> bool {
        controller.is_some() && self.state != BrokerState::ShuttingDown && channels.idle(Purpose::Heartbeat)
    }

    /// When it next has something to send.
    pub fn next_timeout(&self, channels: &Channels, controller: Option<&Endpoint>) -> Option<Instant> {
        self.can_send(channels, controller).then_some(self.next_at)
    }

    /// Sends what is due. `offset` is the last metadata record that this node has replayed.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        config: &BrokerConfig,
        cluster_id: Uuid,
        (controller, offset): (Option<&Endpoint>, i64),
    ) {
        let Some(endpoint) = controller.filter(|_| self.can_send(channels, controller)) else { return };
        if self.next_at > cx.now {
            return;
        }
        // A request that gets no answer is sent again after a while.
        self.next_at = cx.after_ms(config.heartbeat_interval_ms);
        if self.registered {
            let request = BrokerHeartbeatRequest::default()
                .with_broker_id(config.node_id.into())
                .with_broker_epoch(self.epoch)
                .with_current_metadata_offset(offset)
                .with_want_fence(!self.ready_to_unfence)
                .with_want_shut_down(self.state == BrokerState::PendingControlledShutdown);
            channels.send(
                cx,
                Purpose::Heartbeat,
                endpoint,
                (ApiKey::BrokerHeartbeat, 1),
                &request,
                TIMEOUT_MS,
                None,
            );
            return;
        }
        let listener = Listener::default()
            .with_name(StrBytes::from_static_str(CLIENT_LISTENER))
            .with_host(config.advertised.host.to_string().into())
            .with_port(config.advertised.port);
        let features = crate::metadata::FEATURES.iter().map(|(name, min, max)| {
            Feature::default()
                .with_name(StrBytes::from_static_str(name))
                .with_min_supported_version(*min)
                .with_max_supported_version(*max)
        });
        let request = BrokerRegistrationRequest::default()
            .with_broker_id(config.node_id.into())
            .with_cluster_id(uuid_text::to_text(cluster_id).into())
            .with_incarnation_id(self.incarnation_id)
            .with_listeners(vec![listener])
            .with_features(features.collect())
            .with_rack(config.rack.clone().map(Into::into))
            .with_log_dirs(vec![self.directory_id])
            .with_previous_broker_epoch(self.previous_broker_epoch);
        channels.send(
            cx,
            Purpose::Heartbeat,
            endpoint,
            (ApiKey::BrokerRegistration, 4),
            &request,
            TIMEOUT_MS,
            None,
        );
    }

    /// Takes the controller's answer; `None` for one that did not come.
    pub fn on_response(
        &mut self,
        cx: &mut Context<'_>,
        config: &BrokerConfig,
        answer: Option<(&InFlight, Bytes)>,
    ) {
        let Some((request, frame)) = answer else {
            // The controller may be another one by now.
            self.next_at = self.next_at.min(cx.after_ms(config.quorum.retry_backoff_ms));
            return;
        };
        if request.api_key == ApiKey::BrokerRegistration {
            let Ok(response) =
                decode_response::<BrokerRegistrationResponse>(request.api_key, request.version, frame)
            else {
                return;
            };
            match ErrorCode(response.error_code) {
                ErrorCode::NONE => {
                    self.epoch = response.broker_epoch;
                    self.registered = true;
                    self.next_at = cx.now;
                    cx.out.trace(TraceEvent::BrokerRegistered { epoch: self.epoch });
                }
                ErrorCode::NOT_CONTROLLER => self.next_at = cx.after_ms(50),
                // Another incarnation is still registered, or the cluster is another one: it is tried again.
                code => cx.out.trace(TraceEvent::RegistrationRefused { error: code.name() }),
            }
            return;
        }
        let Ok(response) =
            decode_response::<BrokerHeartbeatResponse>(request.api_key, request.version, frame)
        else {
            return;
        };
        match ErrorCode(response.error_code) {
            ErrorCode::NONE => {}
            ErrorCode::NOT_CONTROLLER => {
                self.next_at = cx.after_ms(50);
                return;
            }
            _ => return,
        }
        match self.state {
            BrokerState::Starting if response.is_caught_up => self.state = BrokerState::Recovery,
            // There may be nothing to recover, so it asks again soon.
            BrokerState::Starting => self.next_at = cx.after_ms(10),
            BrokerState::Recovery if self.ready_to_unfence && !response.is_fenced => {
                self.state = BrokerState::Running;
            }
            BrokerState::PendingControlledShutdown if response.should_shut_down => {
                self.state = BrokerState::ShuttingDown;
            }
            // It asks often while leaderships move (Kafka: 50 ms).
            BrokerState::PendingControlledShutdown => self.next_at = cx.after_ms(50),
            _ => {}
        }
    }
}
