//! Files of the library's newer layouts, through the whole program into the canonical tables: every
//! value must be the one that an independent script derives from the file's own text.

use serde_json::Value;
use testkit::python::run_python;

use crate::library_rows::feed;
use crate::outputs::mirror;
use crate::project::{Project, Stack};
use testkit::shared_data;

const LIBRARY_CANONICAL: &str = include_str!("../oracle/library_canonical.py");
const SYNTHEA: &str = "encounter@v1, immunisation@v1, pharmacy_claim@v2, patient@v1";

on_both_stacks!(canonical_rows_say_what_the_files_say);

fn canonical_rows_say_what_the_files_say(stack: Stack) {
    let Some(data) = shared_data::folder(".") else {
        return;
    };
    let drops = tempfile::tempdir().unwrap();
    let folder = drops.path().to_str().unwrap();
    run_python(
        LIBRARY_CANONICAL,
        &["sample", data.to_str().unwrap(), folder],
    );

    let project = Project::new(stack);
    for (submitter, layouts) in [
        ("carrier", "medical_claim@v5".to_owned()),
        ("outpatient", "medical_claim@v6".to_owned()),
        ("pharmacy", "pharmacy_claim@v1".to_owned()),
        ("s01", format!("{SYNTHEA}, member_eligibility@v2")),
        ("s02", format!("{SYNTHEA}, member_eligibility@v3")),
        ("s03", format!("{SYNTHEA}, member_eligibility@v2")),
        ("s05", format!("{SYNTHEA}, member_eligibility@v2")),
    ] {
        feed(&project, submitter, &layouts);
        project.drop_folder(&drops.path().join(submitter), submitter);
    }
    let ran = project.run_once();
    assert_eq!(ran["failures"], serde_json::json!([]));

    let outputs = mirror(&project);
    let arguments = ["compare", folder, outputs.path().to_str().unwrap()];
    let compared: Value = serde_json::from_str(&run_python(LIBRARY_CANONICAL, &arguments)).unwrap();
    for (layout, rows) in [
        ("medical_claim@v5", 2),
        ("medical_claim@v6", 2),
        ("pharmacy_claim@v1", 2),
        ("pharmacy_claim@v2", 200),
        ("encounter@v1", 200),
        ("immunisation@v1", 100),
        ("patient@v1", 159),
        ("member_eligibility@v2", 60),
        ("member_eligibility@v3", 10),
    ] {
        let of_layout = &compared[layout];
        assert!(
            of_layout["rows"].as_i64() >= Some(rows),
            "{layout}: {of_layout}"
        );
        assert!(
            of_layout["cells_with_a_value"].as_i64() > Some(7 * rows),
            "{layout}: {of_layout}"
        );
        assert_eq!(of_layout["only_in_file"], 0, "{layout}");
        assert_eq!(of_layout["only_in_table"], 0, "{layout}");
        assert_eq!(
            of_layout["differing_columns"],
            serde_json::json!([]),
            "{layout}"
        );
    }
}
