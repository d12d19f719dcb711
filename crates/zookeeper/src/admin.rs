//! `kafka-topics.sh --zookeeper`: somebody who makes and deletes topics in ZooKeeper (`kafka.zk.AdminZkClient`), with a
//! session of their own that stays.

use std::collections::{BTreeMap, VecDeque};

use blumfeld_kernel::{Context, Input, Instant, Node};

use crate::Asked;
use crate::client::{Client, ClientConfig, Event};
use crate::jute::{Code, Create, CreateMode, Request};
use crate::znodes;

/// Creates and deletes topics.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client<Asked>,
    /// What waits for a session.
    orders: VecDeque<Request>,
    failed: Vec<Code>,
}

impl Admin {
    /// One without a session.
    pub fn new(config: ClientConfig) -> Admin {
        Admin { client: Client::new(config), orders: VecDeque::new(), failed: Vec::new() }
    }

    /// Makes a topic with these replicas for each partition, the preferred leader first
    /// (`createTopicWithAssignment`): its configs first, then the assignment, which the controller watches.
    pub fn create_topic(&mut self, cx: &mut Context<'_>, topic: &str, assignment: &BTreeMap<i32, Vec<i32>>) {
        let create =
            |path: String, data| Request::Create(Create::new(path, Some(data), CreateMode::Persistent));
        self.orders.push_back(create(znodes::topic_config(topic), znodes::encode_topic_config()));
        self.orders.push_back(create(znodes::topic(topic), znodes::encode_topic(assignment)));
        self.pump(cx);
    }

    /// Asks for a topic to be deleted (`createDeleteTopicPath`).
    pub fn delete_topic(&mut self, cx: &mut Context<'_>, topic: &str) {
        self.orders.push_back(Request::Create(Create::new(
            znodes::delete_topic(topic),
            None,
            CreateMode::Persistent,
        )));
        self.pump(cx);
    }

    /// Takes a znode away, of whatever version, as `zookeeper-shell.sh` does: people do so with `/controller` to have
    /// another one elected.
    pub fn delete_znode(&mut self, cx: &mut Context<'_>, path: &str) {
        self.orders.push_back(Request::Delete { path: path.to_owned(), version: -1 });
        self.pump(cx);
    }

    /// Whether everything was done.
    pub fn is_idle(&self) -> bool {
        self.orders.is_empty() && self.client.unanswered() == 0
    }

    /// What went wrong, in order.
    pub fn failed(&self) -> &[Code] {
        &self.failed
    }

    fn pump(&mut self, cx: &mut Context<'_>) {
        if self.client.is_connected() {
            while let Some(order) = self.orders.pop_front() {
                self.client.submit(cx, order, Asked::Nothing);
            }
        }
    }
}

impl Node for Admin {
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) {
        let events = match input {
            Input::Started => {
                self.client.start(cx);
                Vec::new()
            }
            Input::Timeout => self.client.timeout(cx),
            input if self.client.owns(&input) => self.client.handle(cx, input),
            _ => Vec::new(),
        };
        for event in events {
            match event {
                Event::Answered { answer: Err(code), .. } => self.failed.push(code),
                Event::Expired => self.client.start(cx),
                _ => {}
            }
        }
        self.pump(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.client.next_timeout()
    }
}
