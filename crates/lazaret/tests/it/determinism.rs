//! Two builds of the same inputs give identical rows in identical order.

use serde_json::Value;
use testkit::python::run_python;

use crate::drops;
use crate::outputs::mirror;
use crate::project::{Project, Stack, runtime};

/// Every canonical row in the order in which it lies, without the time of the build.
const ROWS: &str = r#"
import duckdb, sys
from pathlib import Path
for folder in sorted(Path(sys.argv[1]).glob("gold_canonical/*/*/atomic_month=*")):
    for path in sorted(folder.glob("*.parquet")):
        rows = duckdb.sql(f"select * exclude (canonical_built_at) from read_parquet('{path}', file_row_number = true) order by file_row_number")
        print(folder.name, rows.fetchall())
"#;

fn rows(project: &Project) -> String {
    let folder = mirror(project);
    run_python(ROWS, &[folder.path().to_str().unwrap()])
}

on_both_stacks!(
    a_forced_rebuild_gives_the_same_rows_and_an_unforced_one_is_skipped,
    a_month_whose_files_are_lost_is_built_again,
);

fn a_forced_rebuild_gives_the_same_rows_and_an_unforced_one_is_skipped(stack: Stack) {
    let project = Project::new(stack);
    drops::carry_through(&project);
    let before = rows(&project);
    let month = [
        "--state",
        "wa",
        "--file-type",
        "medical_claim",
        "--month",
        "2010-11",
    ];
    let skipped = project.json(&[&["canonical", "build"][..], &month].concat());
    assert_eq!(status(&skipped), "SKIPPED", "{skipped}");
    let forced = project.json(&[&["canonical", "build", "--force"][..], &month].concat());
    assert_eq!(status(&forced), "SUCCEEDED", "{forced}");
    assert!(before == rows(&project), "the rebuilt month differs");
    assert!(before.contains("evergreen") && before.contains("cascade"));
}

fn a_month_whose_files_are_lost_is_built_again(stack: Stack) {
    let project = Project::new(stack);
    drops::drop_one(&project, "cascade/medical_claim/20110131");
    project.run_once();
    let before = rows(&project);
    let objects = project.objects();
    let lost = objects.delete_folder("gold_canonical/wa/medical_claim/atomic_month=2010-11");
    assert_eq!(runtime().block_on(lost).unwrap(), 1);
    project.succeeds(&["canonical", "rebuild", "--all"]);
    project.run_once();
    assert!(
        before == rows(&project),
        "the lost month is back and the others are as they were"
    );
}

fn status(built: &Value) -> &str {
    built["status"].as_str().unwrap()
}
