//! Records: those that are to be written, and those that stand in a topic.

use bytes::Bytes;

/// A record that is to be written (org.apache.kafka.clients.producer.ProducerRecord).
///
/// Whatever has bytes is a value: `&str`, `String`, `Vec<u8>`, `&[u8]`, [`Bytes`]. The rest is said after it:
///
/// ```
/// use blumfeld::ProducerRecord;
///
/// let record = ProducerRecord::new([0xca, 0xfe]).key("customer-7").header("trace", "42").partition(2);
/// assert_eq!(record.key.as_deref(), Some(b"customer-7".as_slice()));
/// assert_eq!(ProducerRecord::from("one"), ProducerRecord::new("one"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerRecord {
    /// Its partition, from 0. `None`: the key's hash says it, and without a key Kafka's sticky partitioner does.
    pub partition: Option<i32>,
    /// Milliseconds since 1970-01-01 UTC. `None`: the cluster's clock, when it is sent.
    pub timestamp: Option<i64>,
    /// Its key, if it has one. An empty one is a key as well.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers in order: names, which may repeat, and values where there are any.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl ProducerRecord {
    /// A record with this value and nothing else.
    pub fn new(value: impl AsRef<[u8]>) -> ProducerRecord {
        ProducerRecord { value: Some(copy(value)), ..ProducerRecord::default() }
    }

    /// A record with this key and no value, which deletes what has the same key in a compacted topic.
    pub fn tombstone(key: impl AsRef<[u8]>) -> ProducerRecord {
        ProducerRecord::default().key(key)
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: impl AsRef<[u8]>) -> ProducerRecord {
        self.key = Some(copy(key));
        self
    }

    /// With this header behind those that it has.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> ProducerRecord {
        self.headers.push((name.to_owned(), Some(copy(value))));
        self
    }

    /// To this partition, from 0, whatever its key.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> ProducerRecord {
        self.partition = Some(partition);
        self
    }

    /// With this timestamp, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn timestamp(mut self, timestamp: i64) -> ProducerRecord {
        self.timestamp = Some(timestamp);
        self
    }
}

fn copy(bytes: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(bytes.as_ref())
}

impl<V: AsRef<[u8]>> From<V> for ProducerRecord {
    fn from(value: V) -> ProducerRecord {
        ProducerRecord::new(value)
    }
}

/// Where a record came to stand (org.apache.kafka.clients.producer.RecordMetadata).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordMetadata {
    /// Its partition, from 0.
    pub partition: i32,
    /// Its offset there, from 0.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
}

/// A record that stands in a topic, below its partition's high watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its partition, from 0.
    pub partition: i32,
    /// Its offset there, from 0.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers in order: names, and values where there are any.
    pub headers: Vec<(String, Option<Bytes>)>,
}

impl Record {
    /// Its value as text, if it has one. What is not UTF-8 is replaced, by U+FFFD.
    pub fn value_text(&self) -> Option<String> {
        text(&self.value)
    }

    /// Its key as text, if it has one, the same way.
    pub fn key_text(&self) -> Option<String> {
        text(&self.key)
    }
}

fn text(bytes: &Option<Bytes>) -> Option<String> {
    bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}
