//! The shape of each served request, to walk a frame before it is decoded.
//!
//! The message decoder reserves memory for as many elements as an array's length field claims. A frame of ten bytes can
//! claim two billion, so the length fields are checked here first: every element must really be in the frame. One entry
//! an API key, from Kafka's message definitions.

use kafka_protocol::messages::ApiKey;

use crate::varint::Reader;

/// A field's type.
#[derive(Clone, Copy)]
enum T {
    /// So many bytes.
    Fixed(usize),
    /// A string, nullable or not.
    Str,
    /// Bytes or records, nullable or not.
    Bytes,
    /// An array of structs, nullable or not.
    Array(&'static [F]),
    /// An array of values of so many bytes each.
    Values(usize),
    /// An array of strings.
    Strings,
    /// A struct that may be null: a byte below zero where it is.
    Nullable(&'static [F]),
    /// A struct.
    Struct(&'static [F]),
    /// A tagged field with its tag: among the tagged fields at the struct's end, and not in its place in the list.
    Tagged(u32, &'static T),
}

/// A field: its type, the first version that has it and the last.
#[derive(Clone, Copy)]
struct F(T, i16, i16);

/// A request: the first version with compact lengths and tagged fields, and its fields.
struct Schema(i16, &'static [F]);

// Macros and not functions: a constructor's arguments become statics, those of a function do not.
macro_rules! all {
    ($of:expr) => {
        F($of, 0, i16::MAX)
    };
}

macro_rules! since {
    ($version:literal, $of:expr) => {
        F($of, $version, i16::MAX)
    };
}

macro_rules! until {
    ($version:literal, $of:expr) => {
        F($of, 0, $version)
    };
}

const BYTE: T = T::Fixed(1);
const I16: T = T::Fixed(2);
const I32: T = T::Fixed(4);
const I64: T = T::Fixed(8);
const UUID: T = T::Fixed(16);

const NAME_AND_VALUE: T = T::Array(&[all!(T::Str), all!(T::Str)]);
const TOPICS_OF_VALUES: T = T::Array(&[all!(T::Str), all!(T::Values(4))]);
const ENDPOINTS: T = T::Array(&[all!(T::Str), all!(T::Str), all!(I16)]);

fn schema(key: ApiKey) -> Option<Schema> {
    Some(match key {
        ApiKey::Produce => Schema(
            9,
            &[
                all!(T::Str),
                all!(I16),
                all!(I32),
                all!(T::Array(&[
                    until!(12, T::Str),
                    since!(13, UUID),
                    all!(T::Array(&[all!(I32), all!(T::Bytes)]))
                ])),
            ],
        ),
        ApiKey::Fetch => Schema(
            12,
            &[
                until!(14, I32),
                all!(I32),
                all!(I32),
                all!(I32),
                all!(BYTE),
                since!(7, I32),
                since!(7, I32),
                all!(T::Array(&[
                    until!(12, T::Str),
                    since!(13, UUID),
                    all!(T::Array(&[
                        all!(I32),
                        since!(9, I32),
                        all!(I64),
                        since!(12, I32),
                        since!(5, I64),
                        all!(I32),
                        since!(17, T::Tagged(0, &UUID)),
                        since!(18, T::Tagged(1, &I64)),
                    ])),
                ])),
                since!(7, T::Array(&[until!(12, T::Str), since!(13, UUID), all!(T::Values(4))])),
                since!(11, T::Str),
                since!(12, T::Tagged(0, &T::Str)),
                since!(15, T::Tagged(1, &T::Struct(&[all!(I32), all!(I64)]))),
            ],
        ),
        ApiKey::ListOffsets => Schema(
            6,
            &[
                all!(I32),
                since!(2, BYTE),
                all!(T::Array(&[all!(T::Str), all!(T::Array(&[all!(I32), since!(4, I32), all!(I64)]))])),
                since!(10, I32),
            ],
        ),
        ApiKey::Metadata => Schema(
            9,
            &[
                all!(T::Array(&[since!(10, UUID), all!(T::Str)])),
                since!(4, BYTE),
                F(BYTE, 8, 10),
                since!(8, BYTE),
            ],
        ),
        ApiKey::OffsetCommit => Schema(
            8,
            &[
                all!(T::Str),
                all!(I32),
                all!(T::Str),
                since!(7, T::Str),
                F(I64, 2, 4),
                all!(T::Array(&[
                    until!(9, T::Str),
                    since!(10, UUID),
                    all!(T::Array(&[all!(I32), all!(I64), since!(6, I32), all!(T::Str)])),
                ])),
            ],
        ),
        ApiKey::OffsetFetch => Schema(
            6,
            &[
                until!(7, T::Str),
                until!(7, TOPICS_OF_VALUES),
                since!(
                    8,
                    T::Array(&[
                        all!(T::Str),
                        since!(9, T::Str),
                        since!(9, I32),
                        all!(T::Array(&[until!(9, T::Str), since!(10, UUID), all!(T::Values(4))])),
                    ])
                ),
                since!(7, BYTE),
            ],
        ),
        ApiKey::FindCoordinator => Schema(3, &[until!(3, T::Str), since!(1, BYTE), since!(4, T::Strings)]),
        ApiKey::JoinGroup => Schema(
            6,
            &[
                all!(T::Str),
                all!(I32),
                since!(1, I32),
                all!(T::Str),
                since!(5, T::Str),
                all!(T::Str),
                all!(T::Array(&[all!(T::Str), all!(T::Bytes)])),
                since!(8, T::Str),
            ],
        ),
        ApiKey::Heartbeat => Schema(4, &[all!(T::Str), all!(I32), all!(T::Str), since!(3, T::Str)]),
        ApiKey::LeaveGroup => Schema(
            4,
            &[
                all!(T::Str),
                until!(2, T::Str),
                since!(3, T::Array(&[all!(T::Str), all!(T::Str), since!(5, T::Str)])),
            ],
        ),
        ApiKey::SyncGroup => Schema(
            4,
            &[
                all!(T::Str),
                all!(I32),
                all!(T::Str),
                since!(3, T::Str),
                since!(5, T::Str),
                since!(5, T::Str),
                all!(T::Array(&[all!(T::Str), all!(T::Bytes)])),
            ],
        ),
        ApiKey::DescribeGroups => Schema(5, &[all!(T::Strings), since!(3, BYTE)]),
        ApiKey::ListGroups => Schema(3, &[since!(4, T::Strings), since!(5, T::Strings)]),
        ApiKey::DeleteGroups => Schema(2, &[all!(T::Strings)]),
        ApiKey::OffsetDelete => {
            Schema(i16::MAX, &[all!(T::Str), all!(T::Array(&[all!(T::Str), all!(T::Array(&[all!(I32)]))]))])
        }
        ApiKey::ApiVersions => Schema(3, &[since!(3, T::Str), since!(3, T::Str)]),
        ApiKey::CreateTopics => Schema(
            5,
            &[
                all!(T::Array(&[
                    all!(T::Str),
                    all!(I32),
                    all!(I16),
                    all!(T::Array(&[all!(I32), all!(T::Values(4))])),
                    all!(NAME_AND_VALUE),
                ])),
                all!(I32),
                since!(1, BYTE),
            ],
        ),
        ApiKey::DeleteTopics => {
            Schema(4, &[since!(6, T::Array(&[all!(T::Str), all!(UUID)])), until!(5, T::Strings), all!(I32)])
        }
        ApiKey::DeleteRecords => {
            Schema(2, &[all!(T::Array(&[all!(T::Str), all!(T::Array(&[all!(I32), all!(I64)]))])), all!(I32)])
        }
        ApiKey::CreatePartitions => Schema(
            2,
            &[
                all!(T::Array(&[all!(T::Str), all!(I32), all!(T::Array(&[all!(T::Values(4))]))])),
                all!(I32),
                all!(BYTE),
            ],
        ),
        ApiKey::DescribeCluster => Schema(0, &[all!(BYTE), since!(1, BYTE), since!(2, BYTE)]),
        ApiKey::DescribeConfigs => Schema(
            4,
            &[all!(T::Array(&[all!(BYTE), all!(T::Str), all!(T::Strings)])), all!(BYTE), since!(3, BYTE)],
        ),
        ApiKey::IncrementalAlterConfigs => Schema(
            1,
            &[
                all!(T::Array(&[
                    all!(BYTE),
                    all!(T::Str),
                    all!(T::Array(&[all!(T::Str), all!(BYTE), all!(T::Str)]))
                ])),
                all!(BYTE),
            ],
        ),
        ApiKey::DescribeTopicPartitions => Schema(
            0,
            &[all!(T::Array(&[all!(T::Str)])), all!(I32), all!(T::Nullable(&[all!(T::Str), all!(I32)]))],
        ),
        ApiKey::OffsetForLeaderEpoch => Schema(
            4,
            &[
                since!(3, I32),
                all!(T::Array(&[all!(T::Str), all!(T::Array(&[all!(I32), all!(I32), all!(I32)]))])),
            ],
        ),
        ApiKey::DescribeLogDirs => Schema(2, &[all!(TOPICS_OF_VALUES)]),
        ApiKey::ElectLeaders => Schema(2, &[since!(1, BYTE), all!(TOPICS_OF_VALUES), all!(I32)]),
        ApiKey::AlterPartitionReassignments => Schema(
            0,
            &[
                all!(I32),
                since!(1, BYTE),
                all!(T::Array(&[all!(T::Str), all!(T::Array(&[all!(I32), all!(T::Values(4))]))])),
            ],
        ),
        ApiKey::ListPartitionReassignments => Schema(0, &[all!(I32), all!(TOPICS_OF_VALUES)]),
        ApiKey::UnregisterBroker => Schema(0, &[all!(I32)]),
        ApiKey::InitProducerId => Schema(
            2,
            &[all!(T::Str), all!(I32), since!(3, I64), since!(3, I16), since!(6, BYTE), since!(6, BYTE)],
        ),
        ApiKey::AllocateProducerIds => Schema(0, &[all!(I32), all!(I64)]),
        ApiKey::Envelope => Schema(0, &[all!(T::Bytes), all!(T::Bytes), all!(T::Bytes)]),
        ApiKey::Vote => Schema(
            0,
            &[
                all!(T::Str),
                since!(1, I32),
                all!(T::Array(&[
                    all!(T::Str),
                    all!(T::Array(&[
                        all!(I32),
                        all!(I32),
                        all!(I32),
                        since!(1, UUID),
                        since!(1, UUID),
                        all!(I32),
                        all!(I64),
                        since!(2, BYTE),
                    ])),
                ])),
            ],
        ),
        ApiKey::BeginQuorumEpoch => Schema(
            1,
            &[
                all!(T::Str),
                since!(1, I32),
                all!(T::Array(&[
                    all!(T::Str),
                    all!(T::Array(&[all!(I32), since!(1, UUID), all!(I32), all!(I32)])),
                ])),
                since!(1, ENDPOINTS),
            ],
        ),
        ApiKey::EndQuorumEpoch => Schema(
            1,
            &[
                all!(T::Str),
                all!(T::Array(&[
                    all!(T::Str),
                    all!(T::Array(&[
                        all!(I32),
                        all!(I32),
                        all!(I32),
                        until!(0, T::Values(4)),
                        since!(1, T::Array(&[all!(I32), all!(UUID)])),
                    ])),
                ])),
                since!(1, ENDPOINTS),
            ],
        ),
        ApiKey::DescribeQuorum => Schema(0, &[all!(T::Array(&[all!(T::Str), all!(T::Array(&[all!(I32)]))]))]),
        ApiKey::FetchSnapshot => Schema(
            0,
            &[
                all!(I32),
                all!(I32),
                all!(T::Array(&[
                    all!(T::Str),
                    all!(T::Array(&[
                        all!(I32),
                        all!(I32),
                        all!(T::Struct(&[all!(I64), all!(I32)])),
                        all!(I64),
                        since!(1, T::Tagged(0, &UUID)),
                    ])),
                ])),
                all!(T::Tagged(0, &T::Str)),
            ],
        ),
        ApiKey::AlterPartition => Schema(
            0,
            &[
                all!(I32),
                all!(I64),
                all!(T::Array(&[
                    all!(UUID),
                    all!(T::Array(&[
                        all!(I32),
                        all!(I32),
                        until!(2, T::Values(4)),
                        since!(3, T::Array(&[all!(I32), all!(I64)])),
                        all!(BYTE),
                        all!(I32),
                    ])),
                ])),
            ],
        ),
        ApiKey::BrokerRegistration => Schema(
            0,
            &[
                all!(I32),
                all!(T::Str),
                all!(UUID),
                all!(T::Array(&[all!(T::Str), all!(T::Str), all!(I16), all!(I16)])),
                all!(T::Array(&[all!(T::Str), all!(I16), all!(I16)])),
                all!(T::Str),
                since!(1, BYTE),
                since!(2, T::Values(16)),
                since!(3, I64),
            ],
        ),
        ApiKey::BrokerHeartbeat => Schema(
            0,
            &[
                all!(I32),
                all!(I64),
                all!(I64),
                all!(BYTE),
                all!(BYTE),
                since!(1, T::Tagged(0, &T::Values(16))),
            ],
        ),
        ApiKey::SaslHandshake => Schema(i16::MAX, &[all!(T::Str)]),
        ApiKey::SaslAuthenticate => Schema(2, &[all!(T::Bytes)]),
        ApiKey::DescribeAcls => Schema(
            2,
            &[all!(BYTE), all!(T::Str), since!(1, BYTE), all!(T::Str), all!(T::Str), all!(BYTE), all!(BYTE)],
        ),
        ApiKey::CreateAcls => Schema(
            2,
            &[all!(T::Array(&[
                all!(BYTE),
                all!(T::Str),
                since!(1, BYTE),
                all!(T::Str),
                all!(T::Str),
                all!(BYTE),
                all!(BYTE)
            ]))],
        ),
        ApiKey::DeleteAcls => Schema(
            2,
            &[all!(T::Array(&[
                all!(BYTE),
                all!(T::Str),
                since!(1, BYTE),
                all!(T::Str),
                all!(T::Str),
                all!(BYTE),
                all!(BYTE)
            ]))],
        ),
        ApiKey::AlterConfigs => {
            Schema(2, &[all!(T::Array(&[all!(BYTE), all!(T::Str), all!(NAME_AND_VALUE)])), all!(BYTE)])
        }
        ApiKey::AlterReplicaLogDirs => Schema(2, &[all!(T::Array(&[all!(T::Str), all!(TOPICS_OF_VALUES)]))]),
        ApiKey::CreateDelegationToken => {
            Schema(2, &[since!(3, T::Str), since!(3, T::Str), all!(NAME_AND_VALUE), all!(I64)])
        }
        ApiKey::RenewDelegationToken | ApiKey::ExpireDelegationToken => {
            Schema(2, &[all!(T::Bytes), all!(I64)])
        }
        ApiKey::DescribeDelegationToken => Schema(2, &[all!(NAME_AND_VALUE)]),
        ApiKey::DescribeClientQuotas => {
            Schema(1, &[all!(T::Array(&[all!(T::Str), all!(BYTE), all!(T::Str)])), all!(BYTE)])
        }
        ApiKey::AlterClientQuotas => Schema(
            1,
            &[
                all!(T::Array(&[
                    all!(NAME_AND_VALUE),
                    all!(T::Array(&[all!(T::Str), all!(I64), all!(BYTE)]))
                ])),
                all!(BYTE),
            ],
        ),
        ApiKey::DescribeUserScramCredentials => Schema(0, &[all!(T::Array(&[all!(T::Str)]))]),
        ApiKey::AlterUserScramCredentials => Schema(
            0,
            &[
                all!(T::Array(&[all!(T::Str), all!(BYTE)])),
                all!(T::Array(&[all!(T::Str), all!(BYTE), all!(I32), all!(T::Bytes), all!(T::Bytes)])),
            ],
        ),
        ApiKey::UpdateFeatures => Schema(
            0,
            &[
                all!(I32),
                all!(T::Array(&[all!(T::Str), all!(I16), until!(0, BYTE), since!(1, BYTE)])),
                since!(1, BYTE),
            ],
        ),
        ApiKey::DescribeProducers => Schema(0, &[all!(TOPICS_OF_VALUES)]),
        ApiKey::DescribeTransactions => Schema(0, &[all!(T::Strings)]),
        ApiKey::ListTransactions => {
            Schema(0, &[all!(T::Strings), all!(T::Values(8)), since!(1, I64), since!(2, T::Str)])
        }
        ApiKey::ListConfigResources => Schema(0, &[since!(1, T::Values(1))]),
        _ => return None,
    })
}

/// Whether requests of this API are served, and so have an entry.
#[cfg(test)]
pub(crate) fn knows(key: ApiKey) -> bool {
    schema(key).is_some()
}

/// Walks the body of a request. `Some(n)`: it is well-formed and `n` bytes long. `None`: it is cut short, or a length
/// in it is not one, or the API key has no schema.
pub(crate) fn walk(key: ApiKey, version: i16, body: &[u8]) -> Option<usize> {
    let Schema(flexible_from, fields) = schema(key)?;
    let mut walker = Walker { reader: Reader::new(body), version, flexible: version >= flexible_from };
    walker.fields(fields)?;
    Some(walker.reader.position())
}

struct Walker<'a> {
    reader: Reader<'a>,
    version: i16,
    flexible: bool,
}

impl Walker<'_> {
    fn fields(&mut self, fields: &[F]) -> Option<()> {
        for &F(of, first, last) in fields {
            if (first..=last).contains(&self.version) && !matches!(of, T::Tagged(..)) {
                self.value(of)?;
            }
        }
        if self.flexible {
            for _ in 0..self.reader.varint_unsigned()? {
                self.tagged(fields)?;
            }
        }
        Some(())
    }

    /// A tagged field. The decoder reads a known one by its type and does not look at its size: were they not the same,
    /// it would read all that follows from another place than this walk.
    fn tagged(&mut self, fields: &[F]) -> Option<()> {
        let tag = self.reader.varint_unsigned()?;
        let size = usize::try_from(self.reader.varint_unsigned()?).ok()?;
        let known = fields.iter().find_map(|&F(of, first, last)| match of {
            T::Tagged(its, of) if its == tag && (first..=last).contains(&self.version) => Some(*of),
            _ => None,
        });
        let Some(of) = known else { return self.reader.take(size).map(drop) };
        let from = self.reader.position();
        self.value(of)?;
        (self.reader.position() - from == size).then_some(())
    }

    fn value(&mut self, of: T) -> Option<()> {
        match of {
            T::Fixed(size) => self.reader.take(size).map(drop),
            T::Str => {
                let len = if self.flexible { self.compact()? } else { i64::from(self.reader.i16()?) };
                self.skip(len)
            }
            T::Bytes => {
                let len = if self.flexible { self.compact()? } else { i64::from(self.reader.i32()?) };
                self.skip(len)
            }
            T::Array(fields) => self.each(|walker| walker.fields(fields)),
            T::Values(size) => self.each(|walker| walker.reader.take(size).map(drop)),
            T::Nullable(fields) => {
                if self.reader.u8()?.cast_signed() < 0 {
                    return Some(());
                }
                self.fields(fields)
            }
            T::Strings => self.each(|walker| walker.value(T::Str)),
            T::Struct(fields) => self.fields(fields),
            // Among the tagged fields, see there.
            T::Tagged(..) => Some(()),
        }
    }

    fn each(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let count = if self.flexible { self.compact()? } else { i64::from(self.reader.i32()?) };
        // Every element is at least one byte, so this ends with the frame.
        for _ in 0..count.max(0) {
            element(self)?;
        }
        (count >= -1).then_some(())
    }

    /// A compact length: one more than the length, 0 for null.
    fn compact(&mut self) -> Option<i64> {
        Some(i64::from(self.reader.varint_unsigned()?) - 1)
    }

    fn skip(&mut self, len: i64) -> Option<()> {
        match len {
            -1 => Some(()),
            len => self.reader.take(usize::try_from(len).ok()?).map(drop),
        }
    }
}
