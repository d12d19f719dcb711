//! A store in IndexedDB: one database a cluster, a store of chunks and one of the manifest and the writer's epoch.
//!
//! Chromium keeps IndexedDB in LevelDB and lets it go on writing in its last log after a start. If the browser
//! was killed in the middle of a log record, the rest of that log stands behind a torn record: the first start
//! after the kill reads up to there, and the second one finds corruption and deletes all databases of the site
//! (<https://github.com/google/leveldb/issues/1287>). All databases of a site share one log, so a tab that
//! opens a cluster where the site has any first writes [`ROLL`] bytes that nobody needs: LevelDB then writes
//! its table, begins a new log and deletes the torn one. Other browsers do not need it, and it harms none.

use blumfeld_kernel::Prng;
use bytes::Bytes;
use indexed_db_futures::database::Database;
use indexed_db_futures::error::{Error, OpenDbError};
use indexed_db_futures::factory::DBFactory;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::{TransactionDurability, TransactionMode, TransactionOptions};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

use crate::port::{Batch, Port, StoreError};

const CHUNKS: &str = "chunks";
const HEAD: &str = "head";
const MANIFEST: &str = "manifest";
const EPOCH: &str = "epoch";
const VERSION: u8 = 1;
/// More than LevelDB holds in memory before it begins a new log: 4 MiB, `Options::write_buffer_size`.
const ROLL: usize = 5 << 20;
/// Chromium puts values of 64 KiB and more in files beside LevelDB.
const ROLL_VALUE: usize = 60 << 10;

/// A cluster's database.
#[derive(Clone, Debug)]
pub struct IndexedDb {
    database: Database,
}

impl IndexedDb {
    /// Opens the database of a cluster, which begins to exist if it did not.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the browser has no IndexedDB or does not give it, as in some private windows.
    pub async fn open(cluster: &str) -> Result<IndexedDb, StoreError> {
        let others = others().await;
        let database = Database::open(name(cluster))
            .with_version(VERSION)
            .with_on_upgrade_needed(|_, database| {
                database.create_object_store(CHUNKS).build()?;
                database.create_object_store(HEAD).build()?;
                Ok(())
            })
            .await
            .map_err(|error: OpenDbError| StoreError::Failed(error.to_string()))?;
        let store = IndexedDb { database };
        if others {
            // Where there is no room for it, the cluster is no worse off than without.
            let _ = store.roll().await;
        }
        Ok(store)
    }

    /// Makes LevelDB begin a new log.
    async fn roll(&self) -> Result<(), StoreError> {
        let keys: Vec<String> = (0..ROLL.div_ceil(ROLL_VALUE)).map(|n| format!("roll/{n:02}")).collect();
        // Chromium compresses values: these must not get smaller by that.
        let mut prng = Prng::new(0, "roll");
        let noise: Vec<u8> = (0..ROLL_VALUE / 8).flat_map(|_| prng.next_u64().to_le_bytes()).collect();
        let noise: JsValue = Uint8Array::from(&noise[..]).into();
        for write in [true, false] {
            let transaction = (self.database.transaction(HEAD).with_mode(TransactionMode::Readwrite).build())
                .map_err(failed)?;
            let store = transaction.object_store(HEAD).map_err(failed)?;
            for key in &keys {
                if write {
                    drop(store.put(noise.clone()).with_key(key.as_str()).primitive().map_err(failed)?);
                } else {
                    drop(store.delete(key.as_str()).primitive().map_err(failed)?);
                }
            }
            transaction.commit().await.map_err(failed)?;
        }
        Ok(())
    }

    /// Deletes the database of a cluster.
    pub async fn delete(cluster: &str) -> Result<(), StoreError> {
        let request = Database::delete_by_name(&name(cluster))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        request.await.map_err(|error| StoreError::Failed(error.to_string()))
    }
}

/// Whether the site has databases; where the browser does not tell, it may have some.
async fn others() -> bool {
    let Ok(databases) = DBFactory::new().map(|factory| factory.databases()) else { return true };
    match databases {
        Ok(databases) => databases.await.map_or(true, |found| found.count() > 0),
        Err(_) => true,
    }
}

fn name(cluster: &str) -> String {
    format!("blumfeld/{cluster}")
}

fn failed(error: Error) -> StoreError {
    let text = match &error {
        Error::DomException(exception) => {
            let exception: web_sys::DomException = exception.clone().into();
            if exception.name() == "QuotaExceededError" {
                return StoreError::Quota(exception.message());
            }
            format!("{}: {}", exception.name(), exception.message())
        }
        other => other.to_string(),
    };
    // A commit that fails for want of room may only say that it was aborted.
    if text.contains("Quota") || text.contains("quota") {
        StoreError::Quota(text)
    } else {
        StoreError::Failed(text)
    }
}

fn bytes(value: JsValue) -> Option<Bytes> {
    value.dyn_into::<Uint8Array>().ok().map(|array| array.to_vec().into())
}

fn js(bytes: &Bytes) -> JsValue {
    Uint8Array::from(&bytes[..]).into()
}

impl IndexedDb {
    /// Checks the epoch inside a transaction, so that nothing can come between the check and the commit.
    async fn check_epoch(
        store: &indexed_db_futures::object_store::ObjectStore<'_>,
        ours: u64,
    ) -> Result<(), StoreError> {
        let theirs = Self::epoch(store).await?;
        if theirs == ours { Ok(()) } else { Err(StoreError::Fenced { ours, theirs }) }
    }

    async fn epoch(store: &indexed_db_futures::object_store::ObjectStore<'_>) -> Result<u64, StoreError> {
        let epoch: Option<f64> = store.get(EPOCH).primitive().map_err(failed)?.await.map_err(failed)?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter of writers, kept as JavaScript's number"
        )]
        Ok(epoch.map_or(0, |epoch| epoch as u64))
    }
}

impl Port for IndexedDb {
    async fn claim(&self) -> Result<u64, StoreError> {
        let transaction = (self.database.transaction(HEAD).with_mode(TransactionMode::Readwrite).build())
            .map_err(failed)?;
        let store = transaction.object_store(HEAD).map_err(failed)?;
        let epoch = Self::epoch(&store).await? + 1;
        #[allow(clippy::cast_precision_loss, reason = "a counter of writers")]
        store.put(epoch as f64).with_key(EPOCH).primitive().map_err(failed)?.await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(epoch)
    }

    async fn manifest(&self) -> Result<Option<Bytes>, StoreError> {
        let transaction = self.database.transaction(HEAD).build().map_err(failed)?;
        let store = transaction.object_store(HEAD).map_err(failed)?;
        let manifest: Option<JsValue> =
            store.get(MANIFEST).primitive().map_err(failed)?.await.map_err(failed)?;
        let Some(value) = manifest else { return Ok(None) };
        bytes(value).map(Some).ok_or_else(|| StoreError::Damaged("its manifest is not bytes".to_owned()))
    }

    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let transaction = self.database.transaction(CHUNKS).build().map_err(failed)?;
        let store = transaction.object_store(CHUNKS).map_err(failed)?;
        let mut requests = Vec::new();
        for key in keys {
            requests.push(store.get::<JsValue, _, _>(key.as_str()).primitive().map_err(failed)?);
        }
        let mut chunks = Vec::new();
        for request in requests {
            chunks.push(request.await.map_err(failed)?.and_then(bytes));
        }
        Ok(chunks)
    }

    async fn commit(&self, epoch: u64, batch: Batch) -> Result<(), StoreError> {
        let mut options = TransactionOptions::new();
        options.set_durability(if batch.durable {
            TransactionDurability::Strict
        } else {
            TransactionDurability::Relaxed
        });
        let transaction = (self.database.transaction([CHUNKS, HEAD]))
            .with_mode(TransactionMode::Readwrite)
            .with_options(options)
            .build()
            .map_err(failed)?;
        let head = transaction.object_store(HEAD).map_err(failed)?;
        let chunks = transaction.object_store(CHUNKS).map_err(failed)?;
        Self::check_epoch(&head, epoch).await?;
        // The requests go out one after the other; only the commit at the end is waited for.
        for key in &batch.deletes {
            drop(chunks.delete(key.as_str()).primitive().map_err(failed)?);
        }
        for (key, value) in &batch.puts {
            drop(chunks.put(js(value)).with_key(key.as_str()).primitive().map_err(failed)?);
        }
        head.put(js(&batch.manifest.to_bytes()))
            .with_key(MANIFEST)
            .primitive()
            .map_err(failed)?
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn clear(&self, epoch: u64) -> Result<(), StoreError> {
        let transaction = (self.database.transaction([CHUNKS, HEAD]))
            .with_mode(TransactionMode::Readwrite)
            .build()
            .map_err(failed)?;
        let head = transaction.object_store(HEAD).map_err(failed)?;
        let chunks = transaction.object_store(CHUNKS).map_err(failed)?;
        Self::check_epoch(&head, epoch).await?;
        chunks.clear().map_err(failed)?.await.map_err(failed)?;
        head.delete(MANIFEST).primitive().map_err(failed)?.await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}
