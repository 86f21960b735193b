use serde::Serialize;
use store::Store;

use super::output::{Answer, show};
use super::{Done, Failure, Globals, project};

#[derive(Debug, Serialize)]
struct Migrated {
    backend: &'static str,
    applied: Vec<String>,
}

pub(crate) async fn run(globals: &Globals) -> Result<Done, Failure> {
    let configuration = project::configuration(globals)?;
    let store = Store::connect(&configuration.metadata_url).await?;
    let applied = store.migrate().await?;
    let backend = store.backend().as_str();
    store.close().await;
    show(globals.format, &Migrated { backend, applied })?;
    Ok(Done::Well)
}

impl Answer for Migrated {
    fn text(&self) -> String {
        if self.applied.is_empty() {
            return format!("the metadata database ({}) is up to date", self.backend);
        }
        let applied: String = self
            .applied
            .iter()
            .map(|name| format!("applied {name}\n"))
            .collect();
        format!(
            "{applied}the metadata database ({}) is up to date",
            self.backend
        )
    }
}
