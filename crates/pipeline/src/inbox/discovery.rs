use chrono::Utc;
use futures::TryStreamExt;
use lake::Listed;
use serde::Serialize;
use store::SeenObject;

use super::grouping::{grouping_key, is_ignored};
use crate::fault::{self, FaultPoint};
use crate::{Pipeline, PipelineError, Settings};

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
    /// with the inbox, and a page is compared with the store while the next one is listed.
    pub async fn discover(&self) -> Result<Discovery, PipelineError> {
        let prefix = &self.settings.inbox_prefix;
        let mut pages = self
            .objects
            .list(prefix)
            .try_filter(|object| std::future::ready(!is_ignored(&object.key)))
            .map_ok(|object| self.seen(object))
            .try_chunks(PAGE_OBJECTS);
        let mut found = Discovery::default();
        let mut page = pages.try_next().await.map_err(|error| error.1)?;
        while let Some(objects) = page {
            let (seen, next) = tokio::join!(
                self.store.record_seen(&objects, Utc::now()),
                pages.try_next()
            );
            let seen = seen?;
            fault::point(FaultPoint::ObjectsSeen);
            found.objects += objects.len() as u64;
            found.new += seen.new;
            found.changed += seen.changed;
            page = next.map_err(|error| error.1)?;
        }
        Ok(found)
    }

    fn seen(&self, object: Listed) -> SeenObject {
        let Settings {
            inbox_prefix,
            group_by_depth,
            ..
        } = &self.settings;
        SeenObject {
            grouping_key: grouping_key(inbox_prefix, &object.key, *group_by_depth),
            key: object.key,
            size_bytes: object.size_bytes as i64,
            etag: object.etag,
            last_modified: object.last_modified,
        }
    }
}
