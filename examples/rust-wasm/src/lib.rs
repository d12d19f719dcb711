//! How long a partition is without a leader, found in virtual time.

use std::time::Duration;

use blumfeld::{Builder, Error};

/// How long writing stands still when a partition's leader loses its power, with brokers that count as dead after
/// `session_ms` milliseconds of silence.
pub fn without_leader(seed: u64, session_ms: u64) -> Result<Duration, Error> {
    let mut cluster = Builder::new()
        .brokers(3)
        .seed(seed)
        .config("broker.session.timeout.ms", &session_ms.to_string())
        .simulate()?;
    cluster.create_topic("orders", 1, 3)?;
    let began = cluster.view();
    let leader = began.leader("orders", 0);
    if let Some(leader) = leader {
        cluster.fault(&format!("power-cut {leader}"))?;
    }
    let another = |view: &blumfeld::View| view.leader("orders", 0).is_some_and(|now| Some(now) != leader);
    let ended = cluster.until("orders-0 has another leader", another)?;
    Ok(ended.now - began.now)
}
