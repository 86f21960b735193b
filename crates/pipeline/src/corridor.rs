//! A small project for tests: one contract, one feed, and files that are dropped and worked on.

use std::path::Path;
use std::sync::Arc;

use lake::Objects;
use store::Store;
use tempfile::TempDir;
use testkit::receiver::Receiver;

use crate::{AlertSettings, Catalog, Pipeline, Settings};

const CONTRACT: &str = "\
contract: visit
version: 1
title: Visits
natural_key: [visit_id]
atomic_month: { column: visit_date }
thresholds: { reject_ratio: 0.5 }
columns:
  - { name: visit_id, header: VISIT_ID, type: string, required: true }
  - { name: visit_date, type: date, required: true }
";
pub(crate) const FEED: &str = "\
feed: north_visits
title: North
submitter: north
state: wa
contracts: [visit@v1]
freshness: { within: 24h }
";
const SCHEMA: &str = r#"{ "file_type": "visit", "version": 1, "title": "Visits, statewide", "columns": [
    { "name": "visit_id", "type": "string", "required": true, "description": "As it is sent." },
    { "name": "year", "type": "integer" },
    { "name": "origin", "type": "string" } ] }"#;
const MAPPING: &str = r#"{ "layout": "visit@v1", "version": 1, "canonical_schema_version": 1, "columns": {
    "visit_id": { "sql": "visit_id" },
    "year": { "sql": "cast(date_part('year', visit_date) as bigint)" },
    "origin": { "constant": "north" } } }"#;
/// A name of a submitter's, and a value of a row, as long as a date.
pub(crate) const NAME: &str = "smith_john";
pub(crate) const VALUE: &str = "CANARY7777";

pub(crate) struct World {
    folder: TempDir,
    pub(crate) receiver: Receiver,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("contracts/visit/v1.yaml", CONTRACT);
        write("feeds/north_visits.yaml", FEED);
        write("canonical/schemas/visit/v1.json", SCHEMA);
        write("canonical/mappings/visit/v1/v1.json", MAPPING);
        Self {
            folder,
            receiver: Receiver::start(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// As another process would open it.
    pub(crate) async fn pipeline(&self) -> Pipeline {
        let url = format!("sqlite://{}/lazaret.db", self.root().display());
        let store = Store::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let objects = Objects::connect(self.root().join("data").to_str().unwrap()).unwrap();
        let catalog = Catalog::load(self.root()).await.unwrap();
        let settings = Settings::default();
        let mut pipeline = Pipeline::new(store, objects, catalog, settings, Arc::new(|_| {}));
        pipeline.alerts = AlertSettings {
            webhook_url: Some(format!("{}/webhook", self.receiver.url())),
            slack_url: Some(format!("{}/slack", self.receiver.url())),
            pagerduty_routing_key: Some("the routing key".to_owned()),
            pagerduty_url: format!("{}/pagerduty", self.receiver.url()),
            ..AlertSettings::default()
        };
        pipeline
    }

    /// A whole group of one file of ten rows.
    pub(crate) fn drop_rows(&self, drop_id: &str, bad: usize) {
        let rows = (0..10).map(|row| match row < bad {
            true => format!("{drop_id}-{row},{VALUE}\n"),
            false => format!("{drop_id}-{row},2024-03-0{}\n", row % 9 + 1),
        });
        self.drop_text(
            drop_id,
            &format!("VISIT_ID,visit_date\n{}", rows.collect::<String>()),
        );
    }

    pub(crate) fn drop_text(&self, drop_id: &str, text: &str) {
        let group = self
            .root()
            .join(format!("data/inbox/north/visit/{NAME}_{drop_id}"));
        std::fs::create_dir_all(&group).unwrap();
        std::fs::write(group.join(format!("{NAME}.csv")), text).unwrap();
        std::fs::write(group.join("_SUCCESS"), "").unwrap();
    }
}
