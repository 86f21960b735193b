//! max-mapper/csv-spectrum: each file with its rows as JSON objects.

use serde_json::Value;
use testkit::shared_data;

use super::{all_cells, by_header, files, json, read, stem};

#[test]
fn every_file_reads_as_its_json_says() {
    let Some(folder) = shared_data::folder("suites/csv-spectrum") else {
        return;
    };
    let files = files(&folder, ".csv");
    assert!(files.len() >= 12);
    for path in files {
        let mut file = std::fs::read(&path).unwrap();
        if stem(&path).ends_with("_crlf") && !file.contains(&b'\r') {
            // The shared copy lost the carriage returns that the name and the JSON speak of.
            file = String::from_utf8(file)
                .unwrap()
                .replace('\n', "\r\n")
                .into_bytes();
        }
        let contract = by_header(&file);
        let rows = all_cells(&read(&contract, &file).unwrap());
        let expect = json(&folder.join("json").join(format!("{}.json", stem(&path))));
        let expect = match expect {
            Value::Array(rows) => rows,
            row => vec![row],
        };
        assert_eq!(rows.len(), expect.len(), "{}", path.display());
        for (row, expect) in rows.iter().zip(&expect) {
            let expect = expect.as_object().unwrap();
            assert_eq!(row.len(), expect.len());
            for (column, cell) in contract.columns.iter().zip(row) {
                // The suite's two files name different numbers here.
                if column.header == "Contact Phone Number" {
                    continue;
                }
                let expect = expect[&column.header].as_str().unwrap();
                assert_eq!(*cell, expect, "{}", path.display());
            }
        }
    }
}
