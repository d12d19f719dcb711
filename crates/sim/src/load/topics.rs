//! Admin clients that create topics, one after the other, and that delete one.

use std::time::Duration;

use blumfeld_client::ClientConfig;
use blumfeld_client::admin::{AdminClient, AdminRequest, AdminResponse, NewTopic};
use blumfeld_kernel::{Context, Input, Instant, Node};
use blumfeld_protocol::ErrorCode;

use super::Fact;

/// The process.
#[derive(Clone, Debug)]
pub struct LoadTopics {
    admin: AdminClient,
    topics: Vec<NewTopic>,
    pause: Duration,
    created: usize,
    /// Whether the answer to a call is awaited; else when the next is asked.
    asked: bool,
    next: Instant,
    now: Instant,
    over: bool,
}

impl LoadTopics {
    /// Creates these topics, each `pause` after the one before it was acknowledged.
    pub fn new(config: ClientConfig, topics: Vec<NewTopic>, pause: Duration) -> LoadTopics {
        let zero = Instant::ZERO;
        let admin = AdminClient::new(config);
        LoadTopics { admin, topics, pause, created: 0, asked: false, next: zero, now: zero, over: false }
    }
}

impl Node for LoadTopics {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        let mut facts = Vec::new();
        let mut answers = self.admin.handle(cx, &input);
        if !self.asked
            && self.next <= cx.now
            && let Some(topic) = self.topics.get(self.created)
        {
            let request = AdminRequest::CreateTopics { topics: vec![topic.clone()], validate_only: false };
            self.admin.submit(cx, request);
            self.asked = true;
            answers.extend(self.admin.handle(cx, &Input::Timeout));
        }
        for answer in answers {
            self.asked = false;
            let Ok(AdminResponse::CreateTopics(topics)) = answer.result else { continue };
            // A call whose answer was lost is asked again, and then the topic stands already.
            let stands = topics.values().all(|topic| match topic {
                Ok(_) => true,
                Err(error) => error.code == ErrorCode::TOPIC_ALREADY_EXISTS,
            });
            let number = self.created as u64;
            if stands { Fact::Created(number) } else { Fact::Failed(number) }.encode(&mut facts);
            self.created += 1;
            self.next = cx.now + self.pause;
        }
        self.over = self.created == self.topics.len();
        if !facts.is_empty() {
            cx.out.stdout(facts);
        }
        if self.over {
            self.admin.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let next = (!self.asked).then_some(self.next);
        self.admin.next_timeout(self.now).into_iter().chain(next).min()
    }
}

/// An admin client that deletes a topic, until it is gone.
#[derive(Clone, Debug)]
pub struct LoadDeletion {
    admin: AdminClient,
    topic: String,
    asked: bool,
    now: Instant,
    over: bool,
}

impl LoadDeletion {
    /// Deletes this topic.
    pub fn new(config: ClientConfig, topic: &str) -> LoadDeletion {
        let admin = AdminClient::new(config);
        LoadDeletion { admin, topic: topic.to_owned(), asked: false, now: Instant::ZERO, over: false }
    }
}

impl Node for LoadDeletion {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        if self.over {
            return;
        }
        self.now = cx.now;
        let mut answers = self.admin.handle(cx, &input);
        if !self.asked {
            self.admin.submit(cx, AdminRequest::DeleteTopics(vec![self.topic.clone()]));
            self.asked = true;
            answers.extend(self.admin.handle(cx, &Input::Timeout));
        }
        for answer in answers {
            // A call whose answer was lost is asked again, and then the topic is gone already.
            let Ok(AdminResponse::Topics(all)) = &answer.result else {
                self.asked = false;
                continue;
            };
            self.over = all.values().all(|result| {
                result.as_ref().err().is_none_or(|error| error.code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
            });
            self.asked = self.over;
        }
        if self.over {
            self.admin.close(cx);
            cx.out.exit(0);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let next = (!self.asked).then_some(self.now);
        self.admin.next_timeout(self.now).into_iter().chain(next).min()
    }
}
