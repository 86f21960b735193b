use std::path::{Component, Path, PathBuf};

use clap::Args;
use lake::Objects;
use pipeline::Trace;
use serde_json::json;
use store::Audit;

use super::output::{Answer, pairs, show};
use super::{Done, Failure, Globals, actor, project};

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// A Parquet file of silver, quarantine or gold: its key below the object store, or its path
    file: String,
    /// Which of its rows; the first is 0
    row: usize,
    /// Show the raw line as it came, and write into the audit log that you did
    #[arg(long)]
    reveal: bool,
}

pub(crate) async fn run(globals: &Globals, call: &Call) -> Result<Done, Failure> {
    let pipeline = project::open_to_read(globals).await?;
    let key = key(&pipeline.objects, &call.file);
    let traced = match pipeline.trace(&key, call.row, call.reveal).await {
        Ok(traced) => traced,
        Err(error) => {
            if pipeline.objects.head(&key).await?.is_none() {
                return Err(Failure::refused(format!(
                    "there is no object `{key}`: name a Parquet file by its key, or by its path"
                )));
            }
            return Err(error.into());
        }
    };
    if call.reveal {
        // Before anything is shown: what cannot be recorded is not revealed.
        let entry = Audit {
            actor: actor(),
            action: "row.revealed".to_owned(),
            subject_kind: "submission".to_owned(),
            subject_id: traced.submission_id.to_string(),
            detail: json!({
                "object": key,
                "source_file": traced.source_file,
                "source_row": traced.source_row,
            }),
        };
        pipeline.store.audit(entry).await?;
    }
    show(globals.format, &traced)?;
    Ok(Done::Well)
}

/// The key of an object that may be named by its path in a local object store.
fn key(objects: &Objects, file: &str) -> String {
    let root = objects.url().to_file_path().ok();
    let below = root.and_then(|root| below(&root, Path::new(file)));
    below.unwrap_or_else(|| file.trim_start_matches("./").to_owned())
}

fn below(root: &Path, file: &Path) -> Option<String> {
    let found: PathBuf = file.canonicalize().ok()?;
    let inside = found.strip_prefix(root).ok()?;
    let parts = inside.components().map(|part| match part {
        Component::Normal(part) => part.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<&str>>>()?.join("/"))
}

impl Answer for Trace {
    fn text(&self) -> String {
        let end = self.source_offset + self.source_length;
        pairs(&[
            ("submission", self.submission_id.to_string()),
            (
                "layout",
                self.layout_id
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ),
            ("group", self.grouping_key.clone()),
            ("file", self.source_file.clone()),
            ("raw object", self.raw_key.clone()),
            ("sha-256", self.sha256.clone()),
            ("row", self.source_row.to_string()),
            (
                "bytes",
                format!("{} to {end} ({})", self.source_offset, self.source_length),
            ),
            ("raw line", self.raw_line.clone()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_key_or_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::connect(folder.path().to_str().unwrap()).unwrap();
        let file = folder.path().join("silver/a/part-00000.parquet");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "x").unwrap();
        assert_eq!(
            key(&objects, file.to_str().unwrap()),
            "silver/a/part-00000.parquet"
        );
        assert_eq!(
            key(&objects, "silver/b/part-00000.parquet"),
            "silver/b/part-00000.parquet"
        );
    }
}
