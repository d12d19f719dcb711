//! What members tell each other through the coordinator, which does not read it
//! (org.apache.kafka.clients.consumer.internals.ConsumerProtocol, versions 0 to 3).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::assignor::MemberSubscription;
use crate::TopicPartition;

/// The newest version of both messages.
pub const HIGHEST_VERSION: i16 = 3;

fn put_text(out: &mut BytesMut, text: &str) {
    out.put_i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
    out.put_slice(text.as_bytes());
}

fn put_bytes(out: &mut BytesMut, bytes: Option<&Bytes>) {
    match bytes {
        None => out.put_i32(-1),
        Some(bytes) => {
            out.put_i32(length(bytes.len()));
            out.put_slice(bytes);
        }
    }
}

fn length(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// Partitions by topic, topics in the order in which they first come.
fn put_partitions<'a>(out: &mut BytesMut, partitions: impl Iterator<Item = &'a TopicPartition>) {
    let mut topics: Vec<(&str, Vec<i32>)> = Vec::new();
    for partition in partitions {
        match topics.iter_mut().find(|(topic, _)| *topic == &*partition.topic) {
            Some((_, numbers)) => numbers.push(partition.partition),
            None => topics.push((&partition.topic, vec![partition.partition])),
        }
    }
    out.put_i32(length(topics.len()));
    for (topic, numbers) in topics {
        put_text(out, topic);
        out.put_i32(length(numbers.len()));
        numbers.into_iter().for_each(|number| out.put_i32(number));
    }
}

/// A subscription in a version. Topics and owned partitions are sorted, as Java does.
pub fn encode_subscription(subscription: &MemberSubscription, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(version);
    let mut topics: Vec<&str> = subscription.topics.iter().map(|topic| &**topic).collect();
    topics.sort_unstable();
    out.put_i32(length(topics.len()));
    topics.into_iter().for_each(|topic| put_text(&mut out, topic));
    put_bytes(&mut out, subscription.user_data.as_ref());
    if version >= 1 {
        let mut owned = subscription.owned.clone();
        owned.sort();
        put_partitions(&mut out, owned.iter());
    }
    if version >= 2 {
        out.put_i32(subscription.generation.unwrap_or(-1));
    }
    if version >= 3 {
        match &subscription.rack {
            None => out.put_i16(-1),
            Some(rack) => put_text(&mut out, rack),
        }
    }
    out.freeze()
}

/// An assignment in a version.
pub fn encode_assignment(partitions: &[TopicPartition], user_data: Option<&Bytes>, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(version);
    put_partitions(&mut out, partitions.iter());
    put_bytes(&mut out, user_data);
    out.freeze()
}

/// Reads what others wrote: nothing is reserved by a length that is not there.
struct Reader(Bytes);

impl Reader {
    fn i16(&mut self) -> Option<i16> {
        (self.0.remaining() >= 2).then(|| self.0.get_i16())
    }

    fn i32(&mut self) -> Option<i32> {
        (self.0.remaining() >= 4).then(|| self.0.get_i32())
    }

    fn take(&mut self, length: usize) -> Option<Bytes> {
        (self.0.remaining() >= length).then(|| self.0.split_to(length))
    }

    fn nullable_text(&mut self) -> Option<Option<String>> {
        let Ok(length) = usize::try_from(self.i16()?) else { return Some(None) };
        let bytes = self.take(length)?;
        std::str::from_utf8(&bytes).ok().map(|text| Some(text.to_owned()))
    }

    fn text(&mut self) -> Option<String> {
        self.nullable_text()?
    }

    fn bytes(&mut self) -> Option<Option<Bytes>> {
        match usize::try_from(self.i32()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Some(None),
        }
    }

    fn partitions(&mut self) -> Option<Vec<TopicPartition>> {
        let mut partitions = Vec::new();
        for _ in 0..self.i32()? {
            let topic: std::sync::Arc<str> = self.text()?.into();
            for _ in 0..self.i32()? {
                partitions.push(TopicPartition { topic: topic.clone(), partition: self.i32()? });
            }
        }
        Some(partitions)
    }
}

/// A subscription; newer versions than ours are read as the newest.
pub fn decode_subscription(bytes: &Bytes) -> Option<MemberSubscription> {
    let mut reader = Reader(bytes.clone());
    let version = reader.i16().filter(|version| *version >= 0)?;
    let mut topics = Vec::new();
    for _ in 0..reader.i32()? {
        topics.push(reader.text()?.into());
    }
    let mut subscription = MemberSubscription { topics, ..MemberSubscription::default() };
    subscription.user_data = reader.bytes()?;
    if version >= 1 {
        subscription.owned = reader.partitions()?;
    }
    if version >= 2 {
        subscription.generation = Some(reader.i32()?).filter(|generation| *generation >= 0);
    }
    if version >= 3 {
        subscription.rack = reader.nullable_text()?.filter(|rack| !rack.is_empty());
    }
    Some(subscription)
}

/// An assignment with its user data.
pub fn decode_assignment(bytes: &Bytes) -> Option<(Vec<TopicPartition>, Option<Bytes>)> {
    let mut reader = Reader(bytes.clone());
    reader.i16().filter(|version| *version >= 0)?;
    let partitions = reader.partitions()?;
    Some((partitions, reader.bytes()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Java's ConsumerProtocol writes.
    const VECTORS: &str = include_str!("../../tests/vectors/protocol.txt");

    fn given(text: &str) -> Option<&str> {
        (text != "-").then_some(text)
    }

    fn unhex(text: &str) -> Option<Bytes> {
        let byte = |at: usize| u8::from_str_radix(&text[2 * at + 1..2 * at + 3], 16).unwrap();
        given(text).map(|text| (0..text.len() / 2).map(byte).collect())
    }

    fn partitions(text: &str) -> Vec<TopicPartition> {
        let one = |text: &str| {
            let (topic, number) = text.split_once(':').unwrap();
            TopicPartition::new(topic, number.parse().unwrap())
        };
        given(text).into_iter().flat_map(|text| text.split(';')).map(one).collect()
    }

    #[test]
    fn members_write_and_read_what_javas_do() {
        let mut count = 0;
        for line in VECTORS.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["subscription", version, topics, owned, generation, rack, data, bytes] => {
                    let version = version.parse().unwrap();
                    let mut want = MemberSubscription {
                        topics: given(topics)
                            .into_iter()
                            .flat_map(|all| all.split(','))
                            .map(Into::into)
                            .collect(),
                        user_data: unhex(data),
                        owned: partitions(owned),
                        generation: Some(generation.parse().unwrap()).filter(|of| *of >= 0),
                        rack: given(rack).map(str::to_owned),
                        instance_id: None,
                    };
                    let bytes = unhex(bytes).unwrap();
                    assert_eq!(encode_subscription(&want, version), bytes, "{line}");
                    want.topics.sort();
                    want.owned.sort();
                    if version < 1 {
                        want.owned.clear();
                    }
                    want.generation = want.generation.filter(|_| version >= 2);
                    want.rack = want.rack.filter(|_| version >= 3);
                    assert_eq!(decode_subscription(&bytes), Some(want), "{line}");
                    for end in 0..bytes.len() {
                        assert_eq!(decode_subscription(&bytes.slice(..end)), None, "{line}, cut at {end}");
                    }
                }
                ["assignment", version, assigned, data, bytes] => {
                    let (assigned, data) = (partitions(assigned), unhex(data));
                    let bytes = unhex(bytes).unwrap();
                    let version = version.parse().unwrap();
                    assert_eq!(encode_assignment(&assigned, data.as_ref(), version), bytes, "{line}");
                    let (mut got, got_data) = decode_assignment(&bytes).unwrap();
                    got.sort();
                    let mut want = assigned;
                    want.sort();
                    assert_eq!((got, got_data), (want, data), "{line}");
                    for end in 0..bytes.len() {
                        assert_eq!(decode_assignment(&bytes.slice(..end)), None, "{line}, cut at {end}");
                    }
                }
                _ => continue,
            }
            count += 1;
        }
        assert!(count >= 800, "{count} messages");
    }
}
