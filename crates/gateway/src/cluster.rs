//! The cluster's configs, from the flags and the ports.

use std::time::Duration;

use blumfeld_kernel::Endpoint;
use blumfeld_sim::WorldConfig;

use crate::args::Serve;

/// The world's config for brokers that are found at `advertised`.
///
/// # Errors
/// A `--config` that is none, in words.
pub fn world_config(
    args: &Serve,
    advertised: &[Endpoint],
    seed: u64,
    epoch_ms: i64,
) -> Result<WorldConfig, String> {
    let mut settings = Vec::new();
    for setting in &args.config {
        let (key, value) = setting.split_once('=').ok_or_else(|| format!("'{setting}' is not KEY=VALUE"))?;
        settings.push((key.trim(), value.trim()));
    }
    let mut config = WorldConfig::reached_at(advertised, settings, seed, epoch_ms)?;
    config.network.latency = Duration::from_millis(args.network_latency);
    let latency = Duration::from_millis(args.disk_latency);
    (config.disk.flush_latency, config.disk.read_latency) = (latency, latency);
    Ok(config)
}
