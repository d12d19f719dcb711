//! What sticky assignors add to subscriptions (StickyAssignorUserData, CooperativeStickyAssignor.memberData). Other
//! members wrote it: what cannot be read counts as nothing.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::MemberSubscription;
use super::java::{grown, order_by_hash, string_hash};
use super::sticky::MemberData;
use crate::TopicPartition;

/// Version 1: partitions by topic, then the generation.
pub fn sticky(owned: &[TopicPartition], generation: i32) -> Bytes {
    let mut topics: Vec<(&str, Vec<i32>)> = Vec::new();
    for partition in owned {
        match topics.iter_mut().find(|(topic, _)| *topic == &*partition.topic) {
            Some((_, numbers)) => numbers.push(partition.partition),
            None => topics.push((&partition.topic, vec![partition.partition])),
        }
    }
    let table = grown(topics.len());
    order_by_hash(&mut topics, table, |(topic, _)| string_hash(topic));
    let length = |of: usize| i32::try_from(of).unwrap_or(i32::MAX);
    let mut out = BytesMut::new();
    out.put_i32(length(topics.len()));
    for (topic, numbers) in topics {
        out.put_i16(i16::try_from(topic.len()).unwrap_or(i16::MAX));
        out.put_slice(topic.as_bytes());
        out.put_i32(length(numbers.len()));
        numbers.into_iter().for_each(|number| out.put_i32(number));
    }
    out.put_i32(generation);
    out.freeze()
}

/// Version 0: the generation.
pub fn cooperative(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

fn i32(from: &mut Bytes) -> Option<i32> {
    (from.remaining() >= 4).then(|| from.get_i32())
}

/// A length that is there: each element has a byte at least.
fn length(from: &mut Bytes) -> Option<usize> {
    usize::try_from(i32(from)?).ok().filter(|length| *length <= from.remaining())
}

fn partitions(from: &mut Bytes) -> Option<Vec<TopicPartition>> {
    let mut partitions = Vec::new();
    for _ in 0..length(from)? {
        let name = (from.remaining() >= 2).then(|| from.get_i16())?;
        let name = usize::try_from(name).ok().filter(|length| *length <= from.remaining())?;
        let topic: Arc<str> = String::from_utf8_lossy(&from.split_to(name)).into();
        for _ in 0..length(from)? {
            partitions.push(TopicPartition { topic: topic.clone(), partition: i32(from)? });
        }
    }
    Some(partitions)
}

/// What a member of a sticky group had: its data alone says that, version 0 without a generation.
pub fn of_sticky(member: &MemberSubscription) -> MemberData {
    let Some(data) = member.user_data.as_ref().filter(|data| !data.is_empty()) else {
        return MemberData::default();
    };
    let mut rest = data.clone();
    match partitions(&mut rest) {
        Some(partitions) => MemberData { partitions, generation: i32(&mut rest) },
        None => MemberData { partitions: Vec::new(), generation: Some(-1) },
    }
}

/// The same of a cooperative group: the data's generation counts where the subscription has none.
pub fn of_cooperative(member: &MemberSubscription) -> MemberData {
    let said = || member.user_data.as_ref().map(|data| i32(&mut data.clone()).unwrap_or(-1));
    MemberData { partitions: member.owned.clone(), generation: member.generation.or_else(said) }
}
