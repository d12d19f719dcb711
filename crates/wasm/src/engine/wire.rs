//! What went over the network, as the page asks for it: filtered here, so that what crosses the wall is what is drawn.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_sim::{Ending, Exchange, Sort, World, api_name};
use blumfeld_view::{ExchangeDetail, ExchangeView, WireQuery, WireView};

/// Finished exchanges that are kept of each sort.
pub(super) const KEPT: usize = 5_000;
/// More exchanges than this no answer has.
const MOST: u32 = 2_000;

/// What was read of exchanges already: each is decoded once.
#[derive(Default)]
pub(super) struct WireReader {
    read: BTreeMap<u64, ExchangeView>,
}

impl WireReader {
    /// The exchanges that a page asks for.
    pub fn answer(&mut self, world: &World, query: &WireQuery) -> WireView {
        let now = world.now().as_micros();
        let mut view = WireView { id: query.id, now, ..WireView::default() };
        let Some(wire) = world.wire() else { return view };
        (view.begun, view.forgotten) = (wire.begun(), wire.forgotten());
        let mut all: Vec<&Exchange> = wire.exchanges().collect();
        all.sort_unstable_by_key(|one| std::cmp::Reverse(one.number));
        let (mut keys, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        for one in &all {
            keys.insert(one.api_key);
            nodes.extend([one.client.0, one.broker.0]);
        }
        view.kept = u32::try_from(all.len()).unwrap_or(u32::MAX);
        view.apis = keys.into_iter().map(api_name).collect();
        view.apis.sort();
        view.nodes = nodes.into_iter().collect();
        self.forget(&all);
        let text = query.text.trim().to_lowercase();
        let limit = query.limit.min(MOST) as usize;
        for one in all.into_iter().filter(|one| is_of(one, query, now)) {
            let known = query.seen.is_none_or(|seen| one.ended_at.is_some_and(|at| at.as_micros() <= seen));
            let idle = query.hide_idle && known && one.sort == Sort::Idle;
            if idle && self.read(world, one).error.is_empty() {
                view.hidden += 1;
                continue;
            }
            // What nobody asks of its content needs not be read to be counted.
            let reads = query.errors || !text.is_empty();
            if reads {
                let read = self.read(world, one);
                if (query.errors && !read.is_failed()) || !has(read, &text) {
                    continue;
                }
            }
            if query.below.is_some_and(|below| one.number >= below) {
                view.newer += 1;
                continue;
            }
            view.matching += 1;
            if view.exchanges.len() < limit {
                view.exchanges.push(self.read(world, one).clone());
            }
        }
        view
    }

    /// Reads an exchange, or what it was read as. One that is under way is read again, as it goes on.
    fn read(&mut self, world: &World, one: &Exchange) -> &ExchangeView {
        let known = self.read.remove(&one.number).filter(|known| known.ended_at.is_some());
        let read = known.unwrap_or_else(|| world.exchange_view(one));
        self.read.entry(one.number).or_insert(read)
    }

    /// Forgets what the world has forgotten.
    fn forget(&mut self, all: &[&Exchange]) {
        if self.read.len() > all.len() {
            let there: BTreeSet<u64> = all.iter().map(|one| one.number).collect();
            self.read.retain(|number, _| there.contains(number));
        }
    }
}

/// Whether an exchange is of the span, the APIs and the node that are asked for.
fn is_of(one: &Exchange, query: &WireQuery, now: u64) -> bool {
    let end = if one.ending == Ending::Open { now } else { one.ended_at.map_or(now, |at| at.as_micros()) };
    query.from.is_none_or(|from| end >= from)
        && query.until.is_none_or(|until| one.sent.as_micros() <= until)
        && query.node.is_none_or(|node| one.client.0 == node || one.broker.0 == node)
        && (query.apis.is_empty() || query.apis.contains(&api_name(one.api_key)))
}

/// Whether an exchange says this somewhere, in small letters.
fn has(one: &ExchangeView, text: &str) -> bool {
    let says = |said: &str| said.to_lowercase().contains(text);
    text.is_empty()
        || says(&one.api)
        || says(&one.client_id)
        || says(&one.error)
        || one.partitions.iter().any(|(topic, number)| says(&format!("{topic}-{number}")))
}

impl super::Engine {
    /// The exchanges that a page asks for.
    pub fn wire(&mut self, query: &WireQuery) -> WireView {
        self.wire.answer(&self.run.world, query)
    }

    /// An exchange with what is in it, if it is kept.
    pub fn exchange(&self, number: u64) -> Option<ExchangeDetail> {
        self.run.world.exchange_detail(number)
    }
}
