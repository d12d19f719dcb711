//! What a handler is told of the request that it handles: from whom it came, and how it is to be answered.

use std::borrow::Cow;

use blumfeld_kernel::ConnectionId;
use blumfeld_protocol::frame::Header;

/// Which of a node's listeners a connection came in at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ListenerKind {
    /// The one for clients and followers.
    #[default]
    Broker,
    /// The one for nodes of the quorum and brokers that speak to the controller.
    Controller,
}

/// Who speaks on a connection (org.apache.kafka.common.security.auth.KafkaPrincipal).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// `User`.
    pub kind: Cow<'static, str>,
    /// Its name among those of its kind.
    pub name: Cow<'static, str>,
}

impl Default for Principal {
    /// `User:ANONYMOUS`, until somebody authenticates.
    fn default() -> Principal {
        Principal { kind: Cow::Borrowed("User"), name: Cow::Borrowed("ANONYMOUS") }
    }
}

/// A request as its handler sees it. One that waits keeps it, so that the answer finds its way.
#[derive(Clone, Debug)]
pub struct Call {
    /// The connection that the answer goes to.
    pub conn: ConnectionId,
    /// The listener that the connection came in at: it decides which APIs are served.
    pub listener: ListenerKind,
    /// API, version, correlation id and client id of the request.
    pub header: Header,
    /// Who asks. Nothing depends on it yet: ACLs and quotas will.
    pub principal: Principal,
}

impl Call {
    /// API and version, as the trace names a request.
    pub fn about(&self) -> (i16, i16) {
        (self.header.api_key as i16, self.header.version)
    }
}
