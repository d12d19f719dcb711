//! A desk over a store, as the page has it: opened, committed by the worker's keeper, and opened again.

use blumfeld_store::{Loaded, Mirror, Port};
use blumfeld_wasm::{Boot, Engine, Keeper};

use super::Desk;

/// A cluster with its store.
pub struct Page<P> {
    /// Who sits before it.
    pub desk: Desk,
    keeper: Keeper<P>,
}

impl<P: Port> Page<P> {
    /// Opens what is stored, or a new cluster that is as `fresh` says. Gives also what was read back.
    pub async fn open(port: P, fresh: Boot) -> (Page<P>, Loaded) {
        let (mirror, loaded) = Mirror::open(port, |_, _| {}).await.unwrap();
        let desk = Desk::at(Boot::of(loaded.clone(), mirror.boot(), fresh));
        (Page { desk, keeper: Keeper::new(mirror) }, loaded)
    }

    /// Brings the store to the disks.
    pub async fn store(&mut self) {
        let engine: &mut Engine = &mut self.desk.engine;
        let commit = self.keeper.begin(engine, 0.0, true).unwrap();
        let done = commit.run().await;
        self.keeper.finish(engine, 0.0, done).unwrap();
        assert_eq!(engine.store().error, None);
        assert!(!engine.has_changes());
    }
}
