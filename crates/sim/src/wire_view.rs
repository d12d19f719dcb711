//! An exchange as it is drawn: what it was about is read from its bytes.

use blumfeld_kernel::{DisconnectReason, Frame, Instant};
use blumfeld_protocol::error::ErrorCode;
use blumfeld_protocol::frame::decode_header;
use blumfeld_protocol::messages::ApiKey;
use blumfeld_view::{EndingView, ExchangeDetail, ExchangeView, LatencyView, LossView, SideView};

use crate::token_view::{Found, api_name, fields, find};
use crate::wire::{Ending, Exchange, Loss, Sort};
use crate::world::World;

/// Of each side so many bytes are shown.
const SHOWN_BYTES: usize = 2_048;

impl World {
    /// How long the requests took whose latency is drawn: what producers write, what consumers fetch, and what
    /// followers do. Nothing where what goes over the network is not kept.
    pub fn latency_views(&self) -> Vec<LatencyView> {
        let shown = [(ApiKey::Produce, true), (ApiKey::Fetch, true), (ApiKey::Fetch, false)];
        let all = self.wire().into_iter().flat_map(crate::wire::Wire::latencies);
        let found = all.filter(|(key, of_client, _)| {
            shown.iter().any(|(api, client)| *api as i16 == *key && client == of_client)
        });
        found
            .map(|(key, of_client, latency)| LatencyView {
                api: api_name(key),
                of_client,
                answers: latency.answers,
                micros: latency.micros,
            })
            .collect()
    }

    /// An exchange as it is drawn.
    pub fn exchange_view(&self, one: &Exchange) -> ExchangeView {
        let side = |frame: &Option<Frame>, answer| match frame {
            Some(frame) => find(one.api_key, one.version, answer, frame),
            None => Found::default(),
        };
        let (asked, said) = (side(&one.request, false), side(&one.answer, true));
        // An answer names more than a fetch session's request, and a request more than an answer without fields.
        let about = if asked.partitions.is_empty() { &said } else { &asked };
        let at = |moment: Option<Instant>| moment.map(Instant::as_micros);
        let client_id = one.request.as_ref().and_then(|frame| decode_header(frame.head()).ok());
        let error = said.error.map_or_else(String::new, |code| ErrorCode(code).name().to_owned());
        ExchangeView {
            number: one.number,
            connection: one.connection.0,
            correlation_id: one.correlation_id,
            client: one.client.0,
            broker: one.broker.0,
            quorum: one.quorum,
            api: api_name(one.api_key),
            version: one.version,
            client_id: client_id
                .and_then(|(header, _)| header.client_id)
                .map_or_else(String::new, |id| id.to_string()),
            sent: one.sent.as_micros(),
            landed: at(one.landed),
            taken: at(one.taken),
            ready: at(one.ready),
            answered: at(one.answered),
            received: at(one.received),
            ended_at: at(one.ended_at),
            ending: ending(&one.ending),
            request_bytes: one.request_bytes,
            answer_bytes: one.answer_bytes,
            records: asked.records || said.records,
            idle: one.sort == Sort::Idle && error.is_empty(),
            partitions: self.named(about.partitions.clone()),
            partitions_left_out: about.left_out,
            error,
        }
    }

    /// An exchange with what is in it; nothing if it is not kept.
    pub fn exchange_detail(&self, number: u64) -> Option<ExchangeDetail> {
        let one = self.wire()?.exchange(number)?;
        let side = |frame: Option<&Frame>, answer| {
            let Some(frame) = frame else { return SideView::default() };
            let bytes = frame.clone().into_bytes();
            SideView {
                fields: fields(one.api_key, one.version, answer, frame).unwrap_or_default(),
                head: bytes.slice(..bytes.len().min(SHOWN_BYTES)).to_vec(),
                kept: true,
            }
        };
        Some(ExchangeDetail {
            exchange: self.exchange_view(one),
            now: self.now().as_micros(),
            request: side(one.request.as_ref(), false),
            answer: one.answered.map(|_| side(one.answer.as_ref(), true)),
        })
    }
}

fn ending(ending: &Ending) -> EndingView {
    use DisconnectReason as Reason;
    EndingView::Lost(match ending {
        Ending::Open => return EndingView::Open,
        Ending::Answered => return EndingView::Answered,
        Ending::NoAnswer => return EndingView::NoAnswer,
        Ending::Lost(Loss::Dropped) => LossView::Dropped,
        Ending::Lost(Loss::PowerCut) => LossView::PowerCut,
        Ending::Lost(Loss::PassedOver) => LossView::PassedOver,
        Ending::Lost(Loss::Disconnected(reason)) => match reason {
            Reason::Closed | Reason::Halfway { .. } => LossView::Closed,
            Reason::Refused => LossView::Refused,
            Reason::PeerDown => LossView::PeerDown,
            Reason::Unreachable => LossView::Unreachable,
            Reason::Malformed(_) => LossView::Malformed,
            Reason::RequestTimedOut => LossView::TimedOut,
            Reason::Idle => LossView::Idle,
            Reason::Reset | Reason::Rewound => LossView::Reset,
        },
    })
}
