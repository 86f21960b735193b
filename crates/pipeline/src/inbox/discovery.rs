use std::collections::BTreeSet;

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

impl Discovery {
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.new += other.new;
        self.changed += other.changed;
    }
}

impl Pipeline {
    /// Lists the inbox and notes what is new or changed.
    pub async fn discover(&self) -> Result<Discovery, PipelineError> {
        self.look_into(&self.settings.inbox_prefix).await
    }

    /// Looks into the groups of these objects, of which somebody told us. A whole group is listed,
    /// because tidings come in any order: a marker's may overtake a file's.
    pub async fn look_at(&self, keys: &[String]) -> Result<Discovery, PipelineError> {
        let Settings {
            inbox_prefix,
            group_by_depth,
            ..
        } = &self.settings;
        let mut found = Discovery::default();
        let mut groups = BTreeSet::new();
        for key in keys {
            if !key.starts_with(inbox_prefix) || is_ignored(key) {
                continue;
            }
            let group = format!(
                "{inbox_prefix}{}",
                grouping_key(inbox_prefix, key, *group_by_depth)
            );
            if group != *key {
                groups.insert(group);
            } else if let Some(object) = self.objects.head(key).await? {
                // It lies in the inbox itself and is a group of its own.
                found.add(self.note(&[self.seen(object)]).await?);
            }
        }
        for group in groups {
            found.add(self.look_into(&format!("{group}/")).await?);
        }
        Ok(found)
    }

    /// A page at a time: memory does not grow with the folder, and a page is compared with the
    /// store while the next one is listed.
    async fn look_into(&self, folder: &str) -> Result<Discovery, PipelineError> {
        let mut pages = self
            .objects
            .list(folder)
            .try_filter(|object| std::future::ready(!is_ignored(&object.key)))
            .map_ok(|object| self.seen(object))
            .try_chunks(PAGE_OBJECTS);
        let mut found = Discovery::default();
        let mut page = pages.try_next().await.map_err(|error| error.1)?;
        while let Some(objects) = page {
            let (noted, next) = tokio::join!(self.note(&objects), pages.try_next());
            found.add(noted?);
            page = next.map_err(|error| error.1)?;
        }
        Ok(found)
    }

    async fn note(&self, objects: &[SeenObject]) -> Result<Discovery, PipelineError> {
        let seen = self.store.record_seen(objects, Utc::now()).await?;
        fault::point(FaultPoint::ObjectsSeen);
        Ok(Discovery {
            objects: objects.len() as u64,
            new: seen.new,
            changed: seen.changed,
        })
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
