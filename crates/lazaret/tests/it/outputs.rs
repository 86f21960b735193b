//! What an outside reader finds in a project's objects.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use serde_json::Value;
use testkit::python::run_python;

use crate::project::{Project, runtime};

const READ_OUTPUTS: &str = include_str!("../oracle/read_outputs.py");

/// All objects, copied into a folder: what a user of the bucket would download.
pub(crate) fn mirror(project: &Project) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let objects = project.objects();
    runtime().block_on(async {
        let listed: Vec<_> = objects.list("").try_collect().await.unwrap();
        for object in listed {
            let path = folder.path().join(&object.key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, objects.get(&object.key).await.unwrap()).unwrap();
        }
    });
    folder
}

/// The counts that DuckDB reads from silver, quarantine and gold.
pub(crate) fn counted_by_duckdb(project: &Project) -> Value {
    let folder = mirror(project);
    let text = run_python(READ_OUTPUTS, &[folder.path().to_str().unwrap()]);
    serde_json::from_str(&text).unwrap()
}

/// Rows of a part of the tree, summed by one of its folders' names.
pub(crate) fn rows_by(counted: &Value, part: &str, name: &str) -> BTreeMap<String, i64> {
    let mut rows = BTreeMap::new();
    for entry in counted[part].as_array().unwrap() {
        let key = entry[name].as_str().unwrap().to_owned();
        *rows.entry(key).or_default() += entry["rows"].as_i64().unwrap();
    }
    rows
}
