//! Chance, and links that it makes. A seed makes the same ones always.

use crate::{Branch, Cluster, Deed, Fork, Lang, Lesson, Link, MAX_NUMBER};

/// SplitMix64.
pub(super) struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Chance) -> T) -> Option<T> {
        self.one_in(2).then(|| make(self))
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.index(all.len())]
    }

    /// Small numbers mostly, and the largest sometimes.
    fn number(&mut self, limit: u64) -> u64 {
        let bits = self.below(54);
        if self.one_in(50) { limit } else { self.below(1 << bits).min(limit) }
    }

    fn word(&mut self, letters: &[char], most: u64) -> String {
        (0..1 + self.below(most)).map(|_| self.pick(letters)).collect()
    }

    fn name(&mut self, index: usize) -> String {
        // The number makes it another than the others'.
        format!("{}{index}", self.word(&['a', 'Z', '7', '_', '.', '주', '문'], 37))
    }

    fn line(&mut self) -> String {
        const KNOWN: [&str; 8] = [
            "",
            "kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 3 --replication-factor 3",
            "kafka-console-consumer.sh --topic orders --from-beginning --group billing",
            "kafka-producer-perf-test.sh --topic orders --num-records 5000 --record-size 100 --throughput 100",
            "fault power-cut 2",
            "until isr(\"orders\", 0) == [1] and not saw(NOT_ENOUGH_REPLICAS)",
            "echo '주문 \\ \"quoted\"' | kafka-console-producer.sh --topic 주문",
            "kafka-configs.sh --alter --entity-type topics --entity-name orders --add-config retention.ms=1000",
        ];
        match self.below(30) {
            0 => "x".repeat(crate::LINE_LIMIT),
            1..5 => self.word(&['a', '"', '\\', '{', '/', '<', '한', '🦀', '\u{301}', ' ', ',', '\''], 200),
            _ => self.pick(&KNOWN).to_owned(),
        }
    }

    fn deeds(&mut self, mut at: u64, mut events: u64) -> Vec<Deed> {
        let known = self.one_in(2);
        let count = self.pick(&[0, 0, 1, 2, 5, 12, 40]);
        (0..count)
            .map(|_| {
                at += self.number((MAX_NUMBER - at) / 4);
                let gap = self.number((MAX_NUMBER - events) / 4);
                let now = (known && !self.one_in(4)).then(|| events + gap);
                events = now.unwrap_or(events);
                Deed { at, events: now, line: self.line() }
            })
            .collect()
    }

    /// A fork of one of these, somewhere.
    fn fork(&mut self, branches: &[Branch]) -> Fork {
        let from = self.index(branches.len());
        let parent = &branches[from];
        let done = self.index(parent.deeds.len() + 1);
        let (before, after) = parent.deeds.split_at(done);
        let begin = parent.fork.map_or(0, |fork| fork.at);
        let earliest = before.last().map_or(begin, |deed| deed.at);
        let latest = after.first().map_or(MAX_NUMBER, |deed| deed.at);
        let at = earliest + self.number(latest - earliest);
        // The last number that is known is one that fits in any case.
        let begun = parent.fork.and_then(|fork| fork.events);
        let known = before.iter().rev().find_map(|deed| deed.events).or(begun);
        let events = known.filter(|_| !self.one_in(3));
        let seed = self.maybe(|chance| chance.next() as u32);
        Fork { from, at, events, done, seed }
    }

    /// A link that can be.
    pub fn link(&mut self) -> Link {
        let mut link = Link::new(self.number(MAX_NUMBER), 1 + self.below(9) as i32);
        link.cluster = self.pick(&[Cluster::Kraft, Cluster::ZooKeeper]);
        link.empty = self.one_in(2);
        link.branches[0].deeds = self.deeds(0, 0);
        if self.one_in(4) {
            link.branches[0].name = self.name(0);
        }
        for index in 1..self.pick(&[1, 1, 2, 3, 8]) {
            let fork = self.fork(&link.branches);
            let name = self.name(index);
            // Numbers of events of a branch count from its fork's.
            let deeds = self.deeds(fork.at, fork.events.unwrap_or(0));
            link.branches.push(Branch { name, fork: Some(fork), deeds });
        }
        link.living = self.index(link.branches.len());
        link.moment = self.maybe(|chance| chance.number(MAX_NUMBER));
        link.lesson = self.maybe(|chance| Lesson {
            id: chance.word(&['a', 'z', '7', '-'], 40),
            step: chance.number(u64::from(u32::MAX)) as u32,
        });
        link.lang = self.maybe(|chance| chance.pick(&[Lang::En, Lang::Ko]));
        link.place = self.maybe(|_| "messages/orders/0/50".to_owned());
        link.selected = self.maybe(|chance| chance.word(&['a', '/', '0', '주', '"'], 60));
        link
    }
}
