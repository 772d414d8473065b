//! Whether the file is sound: SQLite's own look at every page, table and index.

use super::{Store, StoreError};

impl Store {
    /// What is damaged, a sentence each, twenty at most; empty when the file is sound. Reads the
    /// whole file, beside the writer.
    pub async fn damage(&self) -> Result<Vec<String>, StoreError> {
        let told: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(20)")
            .fetch_all(&self.readers)
            .await?;
        Ok(told.into_iter().filter(|line| line != "ok").collect())
    }
}
