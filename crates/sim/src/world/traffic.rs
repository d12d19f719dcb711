//! What the network has carried: requests and bytes by API.

use std::collections::BTreeMap;

use blumfeld_kernel::{Frame, NodeId};

use crate::network::Asked;
use crate::token_view::api_name;
use crate::world::World;

/// What was sent of an API.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Requests.
    pub requests: u64,
    /// Bytes of requests and answers, without the four of their lengths.
    pub bytes: u64,
}

impl World {
    /// What was sent since the world began, by Kafka's name of the API and by whether it is between brokers. What was
    /// lost on its way counts too.
    pub fn traffic(&self) -> BTreeMap<(String, bool), Traffic> {
        self.traffic.iter().map(|((api, between), traffic)| ((api_name(*api), *between), *traffic)).collect()
    }

    /// Counts a frame. `answers` is what an answer is to; a request says itself what it is.
    pub(super) fn count_traffic(
        &mut self,
        asks: NodeId,
        frame: &Frame,
        answers: Option<Asked>,
        request: bool,
    ) {
        let asked = if request { Asked::of(frame.head()) } else { answers };
        let Some(asked) = asked else { return };
        let between = self.machines.contains_key(&asks);
        let traffic = self.traffic.entry((asked.api_key, between)).or_default();
        traffic.requests += u64::from(request);
        traffic.bytes += frame.len() as u64;
    }
}
