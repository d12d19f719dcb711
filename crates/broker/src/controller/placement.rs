//! Where the replicas of new partitions go (org.apache.kafka.metadata.placement.StripedReplicaPlacer): spread over
//! racks first and brokers second, each partition further on, brokers that are fenced last and never first.

use std::collections::BTreeMap;

use blumfeld_protocol::ErrorCode;

use crate::metadata::MetadataImage;
use crate::reply::ApiError;

/// A list that is gone through from a random place on, one further on with each round
/// (StripedReplicaPlacer.BrokerList).
#[derive(Clone, Debug, Default)]
struct BrokerList {
    brokers: Vec<i32>,
    epoch: u64,
    index: usize,
    offset: usize,
}

impl BrokerList {
    fn initialize(&mut self, random: &mut dyn FnMut(u64) -> u64) {
        if !self.brokers.is_empty() {
            self.brokers.sort_unstable();
            self.offset = usize::try_from(random(self.brokers.len() as u64)).unwrap_or(0);
        }
    }

    /// The next broker of this round, or none when all had their turn in it.
    fn next(&mut self, epoch: u64) -> Option<i32> {
        if self.brokers.is_empty() {
            return None;
        }
        if self.epoch != epoch {
            self.epoch = epoch;
            self.index = 0;
            self.offset = (self.offset + 1) % self.brokers.len();
        }
        if self.index >= self.brokers.len() {
            return None;
        }
        let broker = self.brokers[(self.index + self.offset) % self.brokers.len()];
        self.index += 1;
        Some(broker)
    }
}

#[derive(Clone, Debug, Default)]
struct Rack {
    fenced: BrokerList,
    unfenced: BrokerList,
}

/// Spreads `factor` replicas of each of `partitions` partitions over the brokers of the image.
///
/// # Errors
/// There are too few brokers, or all are fenced.
pub fn place(
    image: &MetadataImage,
    partitions: i32,
    factor: i16,
    random: &mut dyn FnMut(u64) -> u64,
) -> Result<Vec<Vec<i32>>, ApiError> {
    let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
    let (mut total, mut unfenced) = (0, 0);
    for broker in image.brokers().values().filter(|broker| !broker.in_controlled_shutdown) {
        let rack = racks.entry(broker.rack.as_deref()).or_default();
        total += 1;
        if broker.fenced {
            rack.fenced.brokers.push(broker.id);
        } else {
            unfenced += 1;
            rack.unfenced.brokers.push(broker.id);
        }
    }
    let replicas = usize::try_from(factor).unwrap_or(0);
    let refuse = |why: &str| {
        let message = format!("Unable to replicate the partition {replicas} time(s): {why}");
        Err(ApiError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message))
    };
    if unfenced == 0 {
        return refuse("All brokers are currently fenced or have all their log directories cordoned.");
    }
    if replicas > total {
        return refuse(&format!(
            "The target replication factor of {factor} cannot be reached because only {total} broker(s) are registered \
             or some brokers have all their log directories cordoned."
        ));
    }
    let mut racks: Vec<Rack> = racks.into_values().collect();
    for rack in &mut racks {
        rack.fenced.initialize(random);
        rack.unfenced.initialize(random);
    }
    let mut offset = usize::try_from(random(racks.len() as u64)).unwrap_or(0);
    let mut placed = Vec::new();
    for round in 1..=u64::try_from(partitions).unwrap_or(0) {
        placed.push(place_one(&mut racks, offset, round, replicas));
        offset = (offset + 1) % racks.len();
    }
    Ok(placed)
}

fn place_one(racks: &mut [Rack], offset: usize, round: u64, replicas: usize) -> Vec<i32> {
    let (count, mut chosen) = (racks.len(), Vec::with_capacity(replicas));
    // The leader comes from the first rack that has a broker which is up.
    let mut index = offset;
    for _ in 0..count {
        let leader = racks[index].unfenced.next(round);
        index = (index + 1) % count;
        if let Some(leader) = leader {
            chosen.push(leader);
            break;
        }
    }
    let mut fruitless = 0;
    while chosen.len() < replicas && fruitless < count {
        let rack = &mut racks[index];
        let next = rack.unfenced.next(round).or_else(|| rack.fenced.next(round));
        index = (index + 1) % count;
        match next {
            Some(broker) => {
                chosen.push(broker);
                fruitless = 0;
            }
            None => fruitless += 1,
        }
    }
    chosen
}
