//! The fetch session of a consumer with one broker (org.apache.kafka.clients.FetchSessionHandler, KIP-227): what the
//! broker knows of it already is not said again.

use std::collections::BTreeMap;

use blumfeld_protocol::messages::FetchResponse;
use blumfeld_protocol::{ErrorCode, Uuid};

use crate::TopicPartition;

/// What a broker is asked of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// The topic's id.
    pub topic_id: Uuid,
    /// From which offset.
    pub offset: i64,
    /// The leader's epoch, as the metadata says.
    pub leader_epoch: i32,
}

/// The epoch of a request after which its session is over.
const FINAL_EPOCH: i32 = -1;

/// A session with one broker.
#[derive(Clone, Debug, Default)]
pub(super) struct FetchSession {
    id: i32,
    /// 0 asks for a new session.
    epoch: i32,
    partitions: BTreeMap<TopicPartition, Asked>,
}

/// The next request of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Next {
    pub session_id: i32,
    pub session_epoch: i32,
    /// What the broker does not know yet.
    pub tell: Vec<(TopicPartition, Asked)>,
    /// What it is not asked for any more.
    pub forget: Vec<(TopicPartition, Asked)>,
}

impl FetchSession {
    /// Whether the next request is a full one.
    pub fn is_full(&self) -> bool {
        self.epoch == 0
    }

    /// The next request, for these partitions and no others.
    pub fn next(&mut self, wanted: BTreeMap<TopicPartition, Asked>) -> Next {
        let before = std::mem::replace(&mut self.partitions, wanted);
        let known = |of: &TopicPartition, asked: &Asked| !self.is_full() && before.get(of) == Some(asked);
        let tell = self.partitions.iter().filter(|(of, asked)| !known(of, asked));
        let tell = tell.map(|(of, asked)| (of.clone(), *asked)).collect();
        // A topic that was made again under its name is another one to the broker.
        let same = |of: &TopicPartition, asked: &Asked| {
            self.partitions.get(of).is_some_and(|now| now.topic_id == asked.topic_id)
        };
        let gone = before.iter().filter(|(of, asked)| !self.is_full() && !same(of, asked));
        let forget = gone.map(|(of, asked)| (of.clone(), *asked)).collect();
        Next { session_id: self.id, session_epoch: self.epoch, tell, forget }
    }

    /// The request that ends the session at the broker (FetchMetadata.FINAL_EPOCH), unless there is none.
    pub fn close(self) -> Option<Next> {
        let (tell, forget) = (Vec::new(), Vec::new());
        (self.id != 0).then_some(Next { session_id: self.id, session_epoch: FINAL_EPOCH, tell, forget })
    }

    /// Takes what an answer says of the session. Gives whether its partitions can be read.
    pub fn answered(&mut self, response: &FetchResponse) -> bool {
        if response.error_code != 0 {
            if ErrorCode(response.error_code) == ErrorCode::FETCH_SESSION_ID_NOT_FOUND {
                self.id = 0;
            }
            self.failed();
            return false;
        }
        if response.session_id == 0 {
            // The broker has no room for one: each request is a full one.
            (self.id, self.epoch) = (0, 0);
        } else {
            let begun = self.is_full() || self.epoch == i32::MAX;
            (self.id, self.epoch) = (response.session_id, if begun { 1 } else { self.epoch + 1 });
        }
        true
    }

    /// A request got no answer: the session is closed with the next one, which asks for a new one.
    pub fn failed(&mut self) {
        self.epoch = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(offset: i64) -> Asked {
        Asked { topic_id: Uuid::from_u128(1), offset, leader_epoch: 0 }
    }

    fn wanted(list: &[(i32, i64)]) -> BTreeMap<TopicPartition, Asked> {
        list.iter()
            .map(|(partition, offset)| (TopicPartition::new("t", *partition), asked(*offset)))
            .collect()
    }

    fn told(next: &Next) -> (i32, i32, Vec<i32>, Vec<i32>) {
        let numbers = |list: &[(TopicPartition, Asked)]| list.iter().map(|(of, _)| of.partition).collect();
        (next.session_id, next.session_epoch, numbers(&next.tell), numbers(&next.forget))
    }

    fn answer(session_id: i32, code: ErrorCode) -> FetchResponse {
        FetchResponse::default().with_session_id(session_id).with_error_code(code.0)
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut session = FetchSession::default();
        assert_eq!(told(&session.next(wanted(&[(0, 5), (1, 7)]))), (0, 0, vec![0, 1], vec![]));
        assert!(session.answered(&answer(9, ErrorCode::NONE)));
        assert_eq!(told(&session.next(wanted(&[(0, 5), (1, 8), (2, 0)]))), (9, 1, vec![1, 2], vec![]));
        assert!(session.answered(&answer(9, ErrorCode::NONE)));
        assert_eq!(told(&session.next(wanted(&[(2, 0)]))), (9, 2, vec![], vec![0, 1]));
        assert!(!session.answered(&answer(0, ErrorCode::INVALID_FETCH_SESSION_EPOCH)));
        assert_eq!(told(&session.next(wanted(&[(2, 0)]))), (9, 0, vec![2], vec![]));
        assert!(!session.answered(&answer(0, ErrorCode::FETCH_SESSION_ID_NOT_FOUND)));
        assert_eq!(told(&session.next(wanted(&[(2, 0)]))), (0, 0, vec![2], vec![]));
        assert!(session.answered(&answer(0, ErrorCode::NONE)));
        assert!(session.is_full(), "the broker had no room");
        session.answered(&answer(4, ErrorCode::NONE));
        session.failed();
        assert_eq!(told(&session.next(wanted(&[]))), (4, 0, vec![], vec![]));
        assert_eq!(session.close().map(|next| told(&next)), Some((4, -1, vec![], vec![])));
        assert_eq!(FetchSession::default().close(), None);
    }

    #[test]
    fn a_topic_made_anew_is_told_and_the_old_one_forgotten() {
        let mut session = FetchSession::default();
        session.next(wanted(&[(0, 5)]));
        session.answered(&answer(9, ErrorCode::NONE));
        let anew = Asked { topic_id: Uuid::from_u128(2), offset: 0, leader_epoch: 0 };
        let next = session.next([(TopicPartition::new("t", 0), anew)].into());
        assert_eq!(next.tell[0].1.topic_id, Uuid::from_u128(2));
        assert_eq!(next.forget[0].1.topic_id, Uuid::from_u128(1));
    }
}
