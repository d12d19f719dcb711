//! The cluster as the engine told it last, in parts that are shared: a part that did not change is not drawn again.

use std::collections::BTreeMap;

use blumfeld_view::{
    BrokerView, ClientView, ClockView, ClusterView, Delta, GroupView, LatencyView, RebalanceView,
    RebalancesView, StoreView, TimelineView, TransactionView,
};

use crate::model::Shared;

/// What the page knows of the cluster, but for its topics.
#[derive(Clone, PartialEq, Debug)]
pub struct Cluster {
    /// The clock.
    pub clock: ClockView,
    /// The browser's storage.
    pub store: StoreView,
    /// Brokers by id.
    pub brokers: Shared<Vec<BrokerView>>,
    /// Faults in force.
    pub faults: Shared<Vec<String>>,
    /// Consumer groups by id.
    pub groups: Shared<Vec<GroupView>>,
    /// Transactional ids by id.
    pub transactions: Shared<Vec<TransactionView>>,
    /// How long requests took, by API.
    pub latencies: Vec<LatencyView>,
    /// The last rebalances of groups by group id, oldest first.
    pub rebalances: Shared<BTreeMap<String, Vec<RebalanceView>>>,
    /// Producers and consumers, by their processes' numbers.
    pub clients: Shared<Vec<Shared<ClientView>>>,
    /// How far back one can go, and the branches.
    pub timeline: Shared<TimelineView>,
}

impl Cluster {
    /// The whole of it, once it runs.
    pub fn new(view: ClusterView) -> Self {
        Self {
            clock: view.clock,
            store: view.store,
            brokers: Shared::new(view.brokers),
            faults: Shared::new(view.faults),
            latencies: view.latencies,
            groups: Shared::new(view.groups),
            transactions: Shared::new(view.transactions),
            rebalances: Shared::new(view.rebalances.into_iter().map(by_group).collect()),
            clients: Shared::new(view.clients.into_iter().map(Shared::new).collect()),
            timeline: Shared::new(view.timeline),
        }
    }

    /// Takes over what changed. Of the delta its topics and events are left.
    pub fn apply(&mut self, delta: &mut Delta) {
        self.clock = delta.clock.clone();
        if let Some(store) = delta.store.take() {
            self.store = store;
        }
        if let Some(latencies) = delta.latencies.take() {
            self.latencies = latencies;
        }
        take(&mut self.brokers, &mut delta.brokers);
        take(&mut self.faults, &mut delta.faults);
        take(&mut self.groups, &mut delta.groups);
        take(&mut self.transactions, &mut delta.transactions);
        take(&mut self.timeline, &mut delta.timeline);
        if !delta.rebalances.is_empty() {
            let mut rebalances = (*self.rebalances).clone();
            rebalances.extend(delta.rebalances.drain(..).map(by_group));
            self.rebalances = Shared::new(rebalances);
        }
        if delta.clients.is_empty() && delta.clients_gone.is_empty() {
            return;
        }
        let mut clients = (*self.clients).clone();
        clients.retain(|client| !delta.clients_gone.contains(&client.id));
        for client in delta.clients.drain(..) {
            let client = Shared::new(client);
            match clients.binary_search_by_key(&client.id, |have| have.id) {
                Ok(at) => clients[at] = client,
                Err(at) => clients.insert(at, client),
            }
        }
        self.clients = Shared::new(clients);
    }
}

fn by_group(view: RebalancesView) -> (String, Vec<RebalanceView>) {
    (view.group, view.rebalances)
}

fn take<T>(part: &mut Shared<T>, new: &mut Option<T>) {
    if let Some(new) = new.take() {
        *part = Shared::new(new);
    }
}
