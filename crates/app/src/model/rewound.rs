//! What becomes of the page when the engine shows another moment.

use blumfeld_view::{ClusterView, EventView, TimelineView};

use super::{Model, Shared};
use crate::cluster::Cluster;
use crate::events::Events;
use crate::messages::MessagesState;
use crate::series::Series;
use crate::timeline::Marks;

impl Model {
    /// Another moment is shown, or another branch. What is drawn on the time line stays where the moment is of the same
    /// branch; what was asked of the moment before is asked anew.
    pub(super) fn rewound(&mut self, mut view: ClusterView, events: Vec<EventView>) {
        let living = |timeline: &TimelineView| {
            timeline
                .branches
                .iter()
                .find(|branch| branch.living)
                .map(|branch| (branch.name.clone(), branch.fork))
        };
        let before = self.view.as_ref().and_then(|view| living(&view.timeline));
        if before != living(&view.timeline) {
            // One of an earlier life goes back beyond the beginning of this one.
            let mut marks = Marks::begin(self.began.min(view.timeline.from));
            marks.take(&events);
            self.marks = Shared::new(marks);
            self.series = Shared::new(Series::begin(view.clock.now / 1_000));
            self.lags = Shared::default();
        }
        let now = self.micros();
        self.topics = std::mem::take(&mut view.topics).into_iter().map(Shared::new).collect();
        self.view = Some(Cluster::new(view));
        self.lesson_rewound(now);
        self.events = Events::default();
        self.events.extend(events);
        self.follow = None;
        (self.wire, self.exchange, self.configs, self.compaction, self.token) =
            (None, None, None, None, None);
        self.messages = MessagesState::default();
        self.choose_one();
    }
}
