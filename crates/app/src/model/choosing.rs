//! Which partition is chosen, by hand or by the page.

use blumfeld_view::PartitionView;

use super::{Model, PartitionName, Picked, Screen};
use crate::messages::{MessagesState, begins_with, records_of};

impl Model {
    /// Keeps a partition chosen as long as there is one: the first of the user's.
    pub(super) fn choose_one(&mut self) {
        let there = self.chosen.as_ref().is_some_and(|chosen| {
            let topic = self.topic(&chosen.topic);
            topic.is_some_and(|topic| topic.partitions.iter().any(|p| p.partition == chosen.partition))
        });
        if there {
            return;
        }
        let first = self.topics.iter().find(|topic| !topic.internal && !topic.partitions.is_empty());
        self.chosen = first.map(|topic| PartitionName { topic: topic.name.clone(), partition: 0 });
        (self.messages, self.picked) = (MessagesState::default(), Picked::Nothing);
        self.choose_filled(true);
    }

    /// Chooses a partition, of which so much was chosen by hand.
    pub(super) fn choose(&mut self, partition: PartitionName, picked: Picked) {
        if self.chosen.as_ref() != Some(&partition) {
            let same = self.chosen.as_ref().is_some_and(|chosen| chosen.topic == partition.topic);
            self.messages = self.messages.turned_to(same);
        }
        (self.chosen, self.picked, self.token) = (Some(partition), picked, None);
    }

    /// Whether an answer is of the chosen partition.
    pub(super) fn is_chosen(&self, topic: &str, partition: i32) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.topic == topic && chosen.partition == partition)
    }

    /// Whoever comes to the messages without having chosen a partition sees one that has some.
    pub(super) fn choose_filled(&mut self, arrives: bool) {
        if self.screen != Screen::Messages || self.picked == Picked::Partition {
            return;
        }
        let Some(chosen) = self.chosen.clone() else { return };
        let log = self.chosen_log().map_or(0, records_of);
        if log > 0 && !arrives {
            return;
        }
        let filled = begins_with(&self.topics, &chosen.topic).filter(|filled| *filled != chosen);
        // A topic that was chosen is not left, though it be empty.
        let filled = filled.filter(|filled| self.picked == Picked::Nothing || filled.topic == chosen.topic);
        if let Some(filled) = filled {
            self.messages = self.messages.turned_to(filled.topic == chosen.topic);
            self.chosen = Some(filled);
        }
    }

    /// The chosen partition as it was told last.
    pub(super) fn chosen_log(&self) -> Option<&PartitionView> {
        let chosen = self.chosen.as_ref()?;
        let topic = self.topic(&chosen.topic)?;
        topic.partitions.iter().find(|log| log.partition == chosen.partition)
    }
}
