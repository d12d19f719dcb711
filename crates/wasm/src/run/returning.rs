//! Clients over a reload. Their processes end with the page, and no Kafka client leaves its group when it is killed:
//! its partitions would be nobody's until its session ends. So the next life of the cluster takes the members of those
//! that were dynamic out of their groups, as `Admin.removeMembersFromConsumerGroup` does, and begins those in the
//! background again, by the lines that began them. What ran in the console, or had an end of its own, is over; the page
//! says so.

use std::collections::BTreeMap;

use blumfeld_console::Order;
use blumfeld_shell::{Background, Client, Language, client};
use blumfeld_sim::ProcessId;
use blumfeld_store::StoredClient;
use blumfeld_view::Returned;

use super::Run;
use super::leaving::Leaving;

/// Ids of the commands that began what is begun again: the page counts its own from below.
pub(crate) const FIRST_ID: u32 = 1 << 31;

impl Run {
    /// The clients that run, for the store.
    pub fn clients_to_store(&self) -> Vec<StoredClient> {
        let member = |process: ProcessId| match client(self.world.process(process)?, self.world.now())? {
            Client::Consumer { view, .. } if view.instance.is_none() && !view.member.is_empty() => {
                Some((view.group?, view.member))
            }
            _ => None,
        };
        let background = self.background.iter().filter(|(_, client)| client.exit.is_none());
        let background = background.map(|(name, client)| StoredClient {
            line: client.line.clone(),
            name: Some(name.to_owned()).filter(|_| !client.is_stopping()),
            member: member(client.process),
        });
        let console = self.sessions.values().filter(|session| session.exit.is_none());
        let console = console.map(|session| StoredClient {
            line: session.line.clone(),
            name: None,
            member: member(session.process),
        });
        let leaving = self.leaving.iter().flat_map(|(_, members)| members.iter().cloned());
        self.returning.iter().cloned().chain(leaving).chain(background).chain(console).collect()
    }

    /// The faults in force, for the store. A broker's machine and the network begin each life whole.
    pub fn faults_to_store(&self) -> Vec<String> {
        let now = self.world.faults().into_iter().map(|fault| fault.to_string());
        self.lifted.iter().cloned().chain(now).collect()
    }

    /// Deals with the clients of an earlier life, once the cluster serves: takes their members out of their groups, and
    /// begins again what ran in the background.
    pub fn bring_back(&mut self, language: Language) -> Returned {
        let clients = std::mem::take(&mut self.returning);
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (group, member) in clients.iter().filter_map(|client| client.member.clone()) {
            members.entry(group).or_default().push(member);
        }
        if !members.is_empty() {
            let bootstrap =
                self.world.config().brokers.iter().map(|broker| broker.advertised.clone()).collect();
            let process = self.world.spawn(Box::new(Leaving::new(bootstrap, members)));
            // Should the page go away before they have left, the next life sees to it.
            let gone = clients.iter().filter(|client| client.member.is_some());
            let gone =
                gone.map(|client| StoredClient { member: client.member.clone(), ..StoredClient::default() });
            self.leaving = Some((process, gone.collect()));
        }
        let lifted = std::mem::take(&mut self.lifted);
        let mut returned = Returned { lifted, ..Returned::default() };
        for (client, id) in clients.into_iter().zip(FIRST_ID..) {
            match self.begin_again(&client, id, language) {
                Some(name) => returned.again.push(name),
                None if client.line.is_empty() => {}
                None => returned.over.push(client.line),
            }
        }
        returned
    }

    fn begin_again(&mut self, client: &StoredClient, id: u32, language: Language) -> Option<String> {
        let name = client.name.clone()?;
        let Ok(Order::Background(Background::Start { kind, words, .. })) =
            blumfeld_console::order(&client.line)?
        else {
            return None;
        };
        // What was to end by itself had done a part of it, and would begin from the front.
        let ends = |word: &String| word.starts_with("--num-records") || word.starts_with("--duration-ms");
        if words.iter().any(ends) {
            return None;
        }
        self.begin(id, kind, Some(name.clone()), &words, &client.line, language).ok().map(|_| name)
    }

    /// Lets go of the process that took members out, once it has ended.
    pub fn collect_leaving(&mut self) {
        if let Some((process, _)) = &self.leaving
            && self.world.has_exited(*process)
        {
            self.world.take_output(*process);
            self.leaving = None;
        }
    }
}
