use chrono::Utc;
use futures::TryStreamExt;
use serde::Serialize;
use store::SeenObject;

use super::grouping::{grouping_key, is_ignored};
use crate::fault::{self, FaultPoint};
use crate::{Pipeline, PipelineError};

/// Objects compared with the store at a time: what a listing page of S3 holds.
const PAGE_OBJECTS: usize = 1_000;

/// What a look into the inbox found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Discovery {
    pub objects: u64,
    pub new: u64,
    pub changed: u64,
}

impl Pipeline {
    /// Lists the inbox and notes what is new or changed, a page at a time: memory does not grow
    /// with the inbox, and what is already known costs one look-up per page.
    pub async fn discover(&self) -> Result<Discovery, PipelineError> {
        let mut found = Discovery::default();
        let mut listing = self
            .objects
            .list(&self.settings.inbox_prefix)
            .try_ready_chunks(PAGE_OBJECTS);
        let mut page = Vec::with_capacity(PAGE_OBJECTS);
        loop {
            let chunk = listing.try_next().await.map_err(|error| error.1)?;
            let ended = chunk.is_none();
            for object in chunk
                .into_iter()
                .flatten()
                .filter(|object| !is_ignored(&object.key))
            {
                page.push(SeenObject {
                    grouping_key: grouping_key(
                        &self.settings.inbox_prefix,
                        &object.key,
                        self.settings.group_by_depth,
                    ),
                    key: object.key,
                    size_bytes: object.size_bytes as i64,
                    etag: object.etag,
                    last_modified: object.last_modified,
                });
            }
            if page.len() >= PAGE_OBJECTS || (ended && !page.is_empty()) {
                let seen = self.store.record_seen(&page, Utc::now()).await?;
                found.objects += page.len() as u64;
                found.new += seen.new;
                found.changed += seen.changed;
                page.clear();
                fault::point(FaultPoint::ObjectsSeen);
            }
            if ended {
                return Ok(found);
            }
        }
    }
}
