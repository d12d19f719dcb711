//! The producer ids that this broker may give out (org.apache.kafka.coordinator.transaction.RPCProducerIdManager):
//! blocks from the controller, the next one asked for before the present one is used up.

use blumfeld_kernel::{Context, Endpoint};
use blumfeld_protocol::frame::decode_response;
use blumfeld_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};
use blumfeld_protocol::{ApiKey, ErrorCode};
use bytes::Bytes;

use crate::channel::{Channels, InFlight, Purpose};
use crate::config::BrokerConfig;

/// Of a block so many hundredths are used when the next one is asked for (PID_PREFETCH_THRESHOLD).
const PREFETCH_PERCENT: i64 = 90;
/// A request for a block is given up after so long, in milliseconds.
const TIMEOUT_MS: i64 = 30_000;
/// A block that was refused is asked for again after so long, in milliseconds (RETRY_BACKOFF_MS).
const RETRY_BACKOFF_MS: i64 = 50;

/// A block of ids.
#[derive(Clone, Copy, Debug)]
struct Block {
    next: i64,
    end: i64,
    prefetch_at: i64,
}

impl Block {
    fn new(start: i64, len: i32) -> Block {
        let len = i64::from(len);
        Block {
            next: start,
            end: start.saturating_add(len),
            prefetch_at: start + len * PREFETCH_PERCENT / 100,
        }
    }
}

/// The ids that are left.
#[derive(Clone, Debug, Default)]
pub struct ProducerIds {
    current: Option<Block>,
    next: Option<Block>,
    wanted: bool,
}

impl ProducerIds {
    fn claim(&mut self) -> Option<i64> {
        if self.current.is_none_or(|block| block.next == block.end) {
            self.current = self.next.take();
        }
        let Some(block) = &mut self.current else {
            self.wanted = true;
            return None;
        };
        let id = block.next;
        block.next += 1;
        self.wanted |= id >= block.prefetch_at && self.next.is_none();
        Some(id)
    }

    /// A producer id that nobody had. While there is none, a client is told to come again.
    pub fn next_id(&mut self) -> Result<i64, ErrorCode> {
        self.claim().ok_or(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)
    }

    /// Asks the controller for a block, if one is wanted.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        channels: &mut Channels,
        (config, broker_epoch): (&BrokerConfig, i64),
        controller: Option<&Endpoint>,
    ) {
        let Some(endpoint) = controller.filter(|_| self.wanted) else { return };
        if !channels.idle(Purpose::ProducerIds) || broker_epoch < 0 {
            return;
        }
        self.wanted = false;
        let request = AllocateProducerIdsRequest::default()
            .with_broker_id(config.node_id.into())
            .with_broker_epoch(broker_epoch);
        let api = (ApiKey::AllocateProducerIds, 0);
        channels.send(cx, Purpose::ProducerIds, endpoint, api, &request, TIMEOUT_MS, None);
    }

    /// Takes the controller's answer; `None` for one that did not come.
    pub fn on_response(
        &mut self,
        cx: &Context<'_>,
        channels: &mut Channels,
        answer: Option<(&InFlight, Bytes)>,
    ) {
        let block = answer.and_then(|(request, frame)| {
            decode_response::<AllocateProducerIdsResponse>(request.api_key, request.version, frame).ok()
        });
        match block.filter(|block| block.error_code == 0) {
            Some(block) => {
                self.next = Some(Block::new(block.producer_id_start.0, block.producer_id_len));
            }
            None => {
                self.wanted = true;
                channels.pause(Purpose::ProducerIds, cx.after_ms(RETRY_BACKOFF_MS));
            }
        }
    }
}
