//! Doing again what was done from outside.

use blumfeld_kernel::{DiskError, NodeId};
use blumfeld_shell::Language;
use blumfeld_sim::{Fault, World};
use blumfeld_timeline::Rewind;

use super::Run;
use crate::record::Done;

impl Rewind for Run {
    type Deed = Done;

    fn world(&self) -> &World {
        &self.world
    }

    fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    fn handled(&mut self) {
        if self.waits() {
            self.reached();
        }
    }

    fn apply(&mut self, done: &Done, language: Language) {
        match done {
            Done::AddFile { name, size } => self.add_file(name, *size),
            Done::RemoveFile { name } => self.remove_file(name),
            Done::Console { id, line } => drop(self.console(*id, line, language)),
            Done::Stdin { id, bytes } => self.stdin(*id, bytes.clone()),
            Done::StdinClosed { id } => self.close_stdin(*id),
            Done::Interrupt { id } => self.interrupt(*id),
            Done::SetDurability(durability) => self.set_durability(*durability),
            Done::Fault(fault) => self.break_or_mend(*fault),
            Done::Sync => self.world.sync_disks(),
            Done::TakeChanges => drop(self.world.take_disk_changes()),
            Done::Stored { token, error } => {
                let result = error.clone().map_or(Ok(()), |error| Err(error.into()));
                self.world.store_committed(*token, result);
            }
            Done::DiskError(error) => {
                self.set_disk_error(error.clone().map(DiskError::from).as_ref());
            }
            Done::Collect { id } => {
                self.collect(*id);
                drop(self.take_console(usize::MAX));
            }
            Done::BringBack => drop(self.bring_back(language)),
            Done::Reseed { seed } => self.world.reseed(u64::from(*seed)),
        }
    }
}

impl Run {
    /// Every disk fails, or works again.
    pub fn set_disk_error(&mut self, error: Option<&DiskError>) {
        let nodes: Vec<NodeId> = self.world.nodes().collect();
        nodes.into_iter().for_each(|node| self.world.set_disk_error(node, error.cloned()));
    }

    /// What a button breaks or mends. One that was pressed twice asks for what is done already.
    pub fn break_or_mend(&mut self, fault: blumfeld_view::Fault) {
        let _ = self.world.inject(match fault {
            blumfeld_view::Fault::Crash(node) => Fault::Crash(NodeId(node)),
            blumfeld_view::Fault::PowerCut(node) => Fault::PowerCut(NodeId(node)),
            blumfeld_view::Fault::Restart(node) => Fault::Restart(NodeId(node)),
        });
    }

    /// Takes what running commands have written and tells nobody: it was told when it was new. What has exited stays
    /// where it is, for that it is taken away is a part of what happens.
    pub fn pass_over_output(&mut self) {
        for id in self.commands() {
            let process = self.process_of(id).or_else(|| self.background_process(id));
            if process.is_some_and(|process| !self.world.has_exited(process)) {
                self.collect(id);
            }
        }
        self.answered.clear();
        for session in self.sessions.values_mut() {
            session.output.clear();
            session.pending = 0;
        }
        self.world.trace_mut().take_news();
    }
}
