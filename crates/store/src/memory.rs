//! A store in memory, for tests and where a browser has no IndexedDB.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;

use crate::port::{Batch, ManifestText, Port, StoreError};

#[derive(Debug, Default)]
struct Content {
    epoch: u64,
    chunks: BTreeMap<String, Bytes>,
    manifest: Option<ManifestText>,
    limit: Option<usize>,
}

/// A store in memory. Clones share what it holds, as tabs share a database.
#[derive(Clone, Debug, Default)]
pub struct Memory(Rc<RefCell<Content>>);

impl Memory {
    /// An empty store.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Lets it hold no more than so many bytes of chunks.
    pub fn set_limit(&self, bytes: Option<usize>) {
        self.0.borrow_mut().limit = bytes;
    }

    /// Keys of all chunks.
    pub fn keys(&self) -> Vec<String> {
        self.0.borrow().chunks.keys().cloned().collect()
    }
}

impl Port for Memory {
    async fn claim(&self) -> Result<u64, StoreError> {
        let mut content = self.0.borrow_mut();
        content.epoch += 1;
        Ok(content.epoch)
    }

    async fn manifest(&self) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.borrow().manifest.as_ref().map(ManifestText::to_bytes))
    }

    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let content = self.0.borrow();
        Ok(keys.iter().map(|key| content.chunks.get(key).cloned()).collect())
    }

    async fn commit(&self, epoch: u64, batch: Batch) -> Result<(), StoreError> {
        let mut content = self.0.borrow_mut();
        if content.epoch != epoch {
            return Err(StoreError::Fenced { ours: epoch, theirs: content.epoch });
        }
        if let Some(limit) = content.limit {
            let of = |key: &String| content.chunks.get(key).map_or(0, Bytes::len);
            let there: usize = content.chunks.values().map(Bytes::len).sum();
            let gone: usize = batch.deletes.iter().chain(batch.puts.iter().map(|(key, _)| key)).map(of).sum();
            let size =
                there.saturating_sub(gone) + batch.puts.iter().map(|(_, value)| value.len()).sum::<usize>();
            if size > limit {
                return Err(StoreError::Quota(format!("{size} bytes")));
            }
        }
        batch.deletes.iter().for_each(|key| drop(content.chunks.remove(key)));
        content.chunks.extend(batch.puts);
        content.manifest = Some(batch.manifest);
        Ok(())
    }

    async fn clear(&self, epoch: u64) -> Result<(), StoreError> {
        let mut content = self.0.borrow_mut();
        if content.epoch != epoch {
            return Err(StoreError::Fenced { ours: epoch, theirs: content.epoch });
        }
        content.chunks.clear();
        content.manifest = None;
        Ok(())
    }
}
