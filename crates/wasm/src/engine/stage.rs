//! What is in flight, told as changes: a message is described once, and then only when it stands otherwise.
//!
//! A page that draws sixty times a second needs little of it. It has the times of each message and moves it by
//! itself, so what crosses the wall are messages that are new and those that are gone. Past [`SINGLY`] of them the
//! lanes with most become ribbons, which are counts; errors and what is lost stay messages of their own. What is told
//! always adds up to what is.

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_sim::{InFlight, Standing, World};
use blumfeld_view::{RibbonView, StageView, TokenKey, TokenView};

/// So many messages are drawn one by one.
const SINGLY: usize = 150;
/// Lanes that became ribbons stay such until no more messages than this would be drawn one by one: a lane that
/// changes its shape with every message cannot be read.
const AGAIN: usize = 110;

/// Who asks and who is asked.
type Lane = (i32, i32);

/// What the page has been told of what is in flight.
#[derive(Default)]
pub(super) struct Stage {
    /// The moment of it, in events and virtual microseconds; nothing if it was told nothing.
    told: Option<(u64, u64)>,
    tokens: BTreeMap<TokenKey, TokenView>,
    folded: BTreeSet<Lane>,
}

impl Stage {
    /// What changed since the last call; nothing if no time has passed.
    pub fn take(&mut self, world: &World) -> Option<StageView> {
        let moment = (world.events(), world.now().as_micros());
        if self.told == Some(moment) {
            return None;
        }
        let fresh = self.told.replace(moment).is_none();
        let all = world.in_flight();
        self.fold(&all);
        let (mut ribbons, mut tokens) = (BTreeMap::<Lane, RibbonView>::new(), BTreeMap::new());
        let mut news = Vec::new();
        for one in &all {
            let (key, lane) = (one.key(), lane(one));
            // A client may use a number again, or twice at a time: then the last one is drawn.
            let known = self.tokens.get(&key).filter(|known| known.sent == one.sent.as_micros());
            let usual = matches!(one.standing, Standing::Travels(_) | Standing::Waits(_));
            let folds = !one.quorum && usual && self.folded.contains(&lane);
            if folds && !one.answer {
                count(&mut ribbons, lane).requests += 1;
                continue;
            }
            let mut token = known.cloned().unwrap_or_else(|| world.token_view(one));
            if folds && token.error.is_empty() {
                count(&mut ribbons, lane).answers += 1;
                continue;
            }
            if known.is_none_or(|known| known.state != one.state()) {
                token.state = one.state();
                news.push(token.clone());
            }
            tokens.insert(key, token);
        }
        let gone = self.tokens.keys().filter(|key| !tokens.contains_key(key)).copied().collect();
        self.tokens = tokens;
        Some(StageView {
            now: moment.1,
            fresh,
            in_flight: u32::try_from(all.len()).unwrap_or(u32::MAX),
            quorum: u32::try_from(all.iter().filter(|one| one.quorum).count()).unwrap_or(u32::MAX),
            tokens: news,
            gone,
            ribbons: ribbons.into_values().collect(),
        })
    }

    /// Decides which lanes are ribbons.
    fn fold(&mut self, all: &[InFlight<'_>]) {
        let mut lanes: BTreeMap<Lane, usize> = BTreeMap::new();
        all.iter().filter(|one| !one.quorum).for_each(|one| *lanes.entry(lane(one)).or_default() += 1);
        let most = if self.folded.is_empty() { SINGLY } else { AGAIN };
        let mut singly: usize = lanes.values().sum();
        let mut heaviest: Vec<(usize, Lane)> = lanes.into_iter().map(|(lane, count)| (count, lane)).collect();
        heaviest.sort_unstable();
        self.folded.clear();
        while singly > most
            && let Some((count, lane)) = heaviest.pop()
        {
            singly -= count;
            self.folded.insert(lane);
        }
    }
}

fn lane(one: &InFlight<'_>) -> Lane {
    (one.client.0, one.broker.0)
}

fn count(ribbons: &mut BTreeMap<Lane, RibbonView>, lane: Lane) -> &mut RibbonView {
    let (client, broker) = lane;
    ribbons.entry(lane).or_insert(RibbonView { client, broker, requests: 0, answers: 0 })
}
