//! Lanes: the ways between the cards of the board, and the places on them.
//!
//! A lane goes out of a card at a right angle, up or down in a channel of its own, and into the other card at a right
//! angle. No two lanes share a channel, so a token is on one lane and no other. Where a lane leaves a card follows
//! from where it goes: lanes to what is higher leave higher, so that those of one card do not cross each other beside
//! it.

use std::collections::BTreeMap;

/// Who asks and who is asked, each by its number.
pub type Lane = (i32, i32);

/// The card of clients that have none of their own: commands of the console, clients from outside.
pub const OTHERS: i32 = 0;
/// Room between a card and the first channel.
const MARGIN: f64 = 9.0;
/// The radius of a lane's corners.
const CORNER: f64 = 8.0;
/// The most room between two channels.
const APART: f64 = 15.0;

/// A column of the board.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Producers, and clients without a card.
    Left,
    /// Brokers.
    Middle,
    /// Members of groups.
    Right,
}

/// Where a card is, in pixels of the board.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rect {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

/// A card that lanes lead to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    /// Its column.
    pub side: Side,
    /// Where it is.
    pub rect: Rect,
}

/// A lane as it is drawn, from who asks to who is asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    /// Its corners, the ends among them: two, or four.
    pub points: Vec<(f64, f64)>,
}

impl Path {
    /// Its length in pixels.
    pub fn length(&self) -> f64 {
        self.legs().map(|(from, to)| distance(from, to)).sum()
    }

    /// The point so many pixels from its beginning, and the direction there in radians; its ends where that is outside.
    pub fn at(&self, along: f64) -> ((f64, f64), f64) {
        let mut left = along.max(0.0);
        let mut last = ((0.0, 0.0), 0.0);
        for (from, to) in self.legs() {
            let (length, angle) = (distance(from, to), (to.1 - from.1).atan2(to.0 - from.0));
            if left <= length && length > 0.0 {
                let share = left / length;
                return ((from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share), angle);
            }
            left -= length;
            last = (to, angle);
        }
        last
    }

    /// How far a point is from it, in pixels.
    pub fn far(&self, (x, y): (f64, f64)) -> f64 {
        let far = |(from, to): ((f64, f64), (f64, f64))| {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let along = ((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy).max(1e-9);
            let along = along.clamp(0.0, 1.0);
            distance((x, y), (from.0 + along * dx, from.1 + along * dy))
        };
        self.legs().map(far).fold(f64::INFINITY, f64::min)
    }

    /// The radius of its corners: less where there is no room for them.
    pub fn corner(&self) -> f64 {
        self.legs().map(|(from, to)| distance(from, to) / 2.0).fold(CORNER, f64::min)
    }

    fn legs(&self) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
        self.points.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)))
    }
}

fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    (to.0 - from.0).hypot(to.1 - from.1)
}

/// Where each lane runs. A lane to a card that is not on the board has no place.
pub fn plan(lanes: impl IntoIterator<Item = Lane>, places: &BTreeMap<i32, Place>) -> BTreeMap<Lane, Path> {
    let place = |node: &i32| places.get(node).or_else(|| places.get(&OTHERS)).copied();
    let mut left = Vec::new();
    let (mut between, mut right) = (Vec::new(), Vec::new());
    for lane in lanes {
        let (Some(client), Some(broker)) = (place(&lane.0), places.get(&lane.1).copied()) else { continue };
        match client.side {
            _ if lane.0 == lane.1 => {}
            Side::Left => left.push((lane, client.rect, broker.rect)),
            Side::Middle => between.push((lane, client.rect, broker.rect)),
            Side::Right => right.push((lane, client.rect, broker.rect)),
        }
    }
    let edge = |side: Side, far: fn(f64, f64) -> f64, of: fn(&Rect) -> f64| {
        places.values().filter(|place| place.side == side).map(|place| of(&place.rect)).reduce(far)
    };
    let end_of = |rect: &Rect| rect.x + rect.width;
    let brokers = edge(Side::Middle, f64::min, |rect| rect.x).zip(edge(Side::Middle, f64::max, end_of));
    let Some((brokers_from, brokers_to)) = brokers else { return BTreeMap::new() };
    let mut paths = BTreeMap::new();
    if let Some(from) = edge(Side::Left, f64::max, end_of) {
        gutter(&left, (from, brokers_from), &[], &mut paths);
    }
    let to = edge(Side::Right, f64::min, |rect| rect.x).unwrap_or(brokers_to + 106.0);
    gutter(&right, (to, brokers_to), &between, &mut paths);
    paths
}

/// Room for the name of who asks, in a list of lanes.
pub const ASKER: f64 = 112.0;
/// Room for the name of who is asked.
pub const ASKED: f64 = 34.0;
/// The height of a row of the list.
const ROW: f64 = 26.0;

/// Lanes as the rows of a list that is so wide: where the cards stand in one column there is no room between them.
pub fn rows(lanes: impl IntoIterator<Item = Lane>, width: f64) -> BTreeMap<Lane, Path> {
    let row = |(at, lane): (usize, Lane)| {
        let y = (at as f64 + 0.5) * ROW;
        (lane, Path { points: vec![(ASKER, y), ((width - ASKED).max(ASKER + 1.0), y)] })
    };
    lanes.into_iter().enumerate().map(row).collect()
}

/// The height of a list of so many lanes.
pub fn list_height(lanes: usize) -> f64 {
    ROW * lanes.max(1) as f64
}

type Wanted = (Lane, Rect, Rect);

/// Lays the lanes of a gutter: those from the clients' edge to the brokers', and those `between` brokers, which leave
/// the brokers' edge and come back to it.
fn gutter(
    wanted: &[Wanted],
    (clients, brokers): (f64, f64),
    between: &[Wanted],
    paths: &mut BTreeMap<Lane, Path>,
) {
    let middle = |rect: &Rect| rect.y + rect.height / 2.0;
    // Each end of a lane has a port of its own at its card.
    let mut ports: BTreeMap<(i32, bool), Vec<(f64, Lane)>> = BTreeMap::new();
    for (lane, client, broker) in wanted {
        ports.entry((lane.0, false)).or_default().push((middle(broker), *lane));
        ports.entry((lane.1, true)).or_default().push((middle(client), *lane));
    }
    for (lane, one, other) in between {
        ports.entry((lane.0, true)).or_default().push((middle(other), *lane));
        ports.entry((lane.1, true)).or_default().push((middle(one), *lane));
    }
    for lanes in ports.values_mut() {
        lanes.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    }
    let port = |node: i32, at_broker: bool, rect: &Rect, lane: Lane| {
        let lanes = ports.get(&(node, at_broker)).map(Vec::as_slice).unwrap_or_default();
        let place = lanes.iter().position(|(_, its)| *its == lane).unwrap_or(0);
        rect.y + rect.height * (place as f64 + 1.0) / (lanes.len() as f64 + 1.0)
    };
    let mut runs: Vec<(f64, Lane, f64, f64, bool)> = Vec::new();
    for (lane, client, broker) in wanted {
        let (from, to) = (port(lane.0, false, client, *lane), port(lane.1, true, broker, *lane));
        runs.push((from + to, *lane, from, to, false));
    }
    for (lane, one, other) in between {
        let (from, to) = (port(lane.0, true, one, *lane), port(lane.1, true, other, *lane));
        runs.push(((from - to).abs(), *lane, from, to, true));
    }
    // Lanes between brokers keep beside them, short ones inside.
    runs.sort_by(|one, other| other.4.cmp(&one.4).then(one.0.total_cmp(&other.0)).then(one.1.cmp(&other.1)));
    let width = (clients - brokers).abs() - 2.0 * MARGIN;
    let apart = (width / (runs.len().saturating_sub(1).max(1)) as f64).min(APART);
    let inwards = if clients > brokers { 1.0 } else { -1.0 };
    for (place, (_, lane, from, to, loops)) in runs.into_iter().enumerate() {
        let channel = brokers + inwards * (MARGIN + place as f64 * apart);
        let begin = if loops { brokers } else { clients };
        let points = if (from - to).abs() < 2.0 && !loops {
            vec![(begin, from), (brokers, from)]
        } else {
            vec![(begin, from), (channel, from), (channel, to), (brokers, to)]
        };
        paths.insert(lane, Path { points });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(side: Side, x: f64, y: f64) -> Place {
        Place { side, rect: Rect { x, y, width: 100.0, height: 90.0 } }
    }

    /// Two producers, three brokers, two members, as on a wide screen.
    fn board() -> BTreeMap<i32, Place> {
        let mut places = BTreeMap::new();
        for (at, id) in [1_001, 1_002].into_iter().enumerate() {
            places.insert(id, card(Side::Left, 0.0, at as f64 * 200.0));
            places.insert(id + 10, card(Side::Right, 400.0, at as f64 * 200.0));
        }
        for (at, id) in [1, 2, 3].into_iter().enumerate() {
            places.insert(id, card(Side::Middle, 200.0, at as f64 * 100.0));
        }
        places
    }

    fn every_lane() -> Vec<Lane> {
        let clients = [1_001, 1_002, 1_011, 1_012, 1, 2, 3];
        let all = clients.into_iter().flat_map(|client| [1, 2, 3].map(|broker| (client, broker)));
        all.filter(|(client, broker)| client != broker).collect()
    }

    #[test]
    fn each_lane_leads_from_card_to_card_and_has_a_channel_of_its_own() {
        let places = board();
        let paths = plan(every_lane(), &places);
        assert_eq!(paths.len(), every_lane().len());
        let within = |y: f64, node: i32| {
            let rect = places[&node].rect;
            y > rect.y && y < rect.y + rect.height
        };
        let mut channels = Vec::new();
        for ((client, broker), path) in &paths {
            let (begin, end) = (path.points[0], *path.points.last().unwrap());
            assert!(within(begin.1, *client) && within(end.1, *broker), "{client} to {broker}: {path:?}");
            let edges = [200.0, 300.0];
            assert!(
                edges.contains(&end.0) && (edges.contains(&begin.0) || [100.0, 400.0].contains(&begin.0))
            );
            // Lanes stay in their gutter.
            assert!(
                path.points.iter().all(|(x, _)| (100.0..=200.0).contains(x) || (300.0..=400.0).contains(x))
            );
            if path.points.len() == 4 {
                channels.push(path.points[1].0);
            }
        }
        channels.sort_by(f64::total_cmp);
        assert!(channels.windows(2).all(|pair| pair[1] - pair[0] > 1.0), "{channels:?}");
    }

    #[test]
    fn ports_of_a_card_are_in_the_order_of_where_their_lanes_go() {
        let paths = plan(every_lane(), &board());
        for client in [1_001, 1_002, 1_011, 1_012] {
            let from = [1, 2, 3].map(|broker| paths[&(client, broker)].points[0].1);
            assert!(from.is_sorted(), "{client}: {from:?}");
        }
    }

    #[test]
    fn a_point_of_a_lane_is_as_far_along_as_was_asked() {
        let path = Path { points: vec![(0.0, 0.0), (10.0, 0.0), (10.0, 20.0), (30.0, 20.0)] };
        assert!((path.length() - 50.0).abs() < 1e-9);
        for (along, want, angle) in [
            (-3.0, (0.0, 0.0), 0.0),
            (4.0, (4.0, 0.0), 0.0),
            (15.0, (10.0, 5.0), std::f64::consts::FRAC_PI_2),
            (45.0, (25.0, 20.0), 0.0),
            (90.0, (30.0, 20.0), 0.0),
        ] {
            let (point, direction) = path.at(along);
            assert_eq!((point, direction), (want, angle), "{along}");
        }
    }

    #[test]
    fn a_list_has_a_row_for_each_lane() {
        let paths = rows(every_lane(), 360.0);
        assert_eq!(paths.len(), every_lane().len());
        let mut heights: Vec<f64> = paths.values().map(|path| path.points[0].1).collect();
        heights.sort_by(f64::total_cmp);
        heights.dedup();
        assert_eq!(heights.len(), paths.len());
        assert!(heights.iter().all(|y| *y > 0.0 && *y < list_height(paths.len())));
        assert!(paths.values().all(|path| path.length() > 200.0));
    }

    #[test]
    fn who_has_no_card_goes_to_that_of_the_others_and_who_is_not_there_nowhere() {
        let mut places = board();
        assert!(plan([(1_099, 1), (1, 9), (2, 2)], &places).is_empty());
        places.insert(OTHERS, card(Side::Left, 0.0, 400.0));
        let paths = plan([(1_099, 1), (1, 9)], &places);
        assert_eq!(paths.keys().collect::<Vec<_>>(), [&(1_099, 1)]);
        assert!(plan(every_lane(), &BTreeMap::new()).is_empty());
    }
}
