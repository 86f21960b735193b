//! apache/arrow-testing: a table of every type, and files that fuzzing found to crash Arrow.

use contract::ColumnType;
use inspect::Limits;
use testkit::shared_data;

use crate::checks::delimited::Reading;
use crate::reading::{column, contract, date, text};

use super::{all_cells, by_header, by_the_csv_crate, files, read};

#[test]
fn every_cell_is_what_the_csv_crate_reads() {
    let Some(folder) = shared_data::folder("suites/arrow-testing/data/csv") else {
        return;
    };
    let tables = files(&folder, ".csv");
    assert_eq!(tables.len(), 2);
    for path in tables {
        let file = std::fs::read(&path).unwrap();
        let read = read(&by_header(&file), &file).unwrap();
        assert_eq!(read.end.rows, 100);
        assert_eq!(all_cells(&read), by_the_csv_crate(&file, true));
    }
}

#[test]
fn every_value_has_the_type_that_the_suite_gives_it() {
    let Some(folder) = shared_data::folder("suites/arrow-testing/data/csv") else {
        return;
    };
    let file = std::fs::read(folder.join("aggregate_test_100_with_dates.csv")).unwrap();
    let integer = |name: &str| column(name, ColumnType::Integer);
    // An unsigned integer of 64 bits does not fit our integer of 64.
    let unsigned = ColumnType::Decimal {
        precision: 20,
        scale: 0,
    };
    let fraction = ColumnType::Decimal {
        precision: 38,
        scale: 20,
    };
    let formats = vec!["%Y-%m-%d %H:%M:%S%.f".to_owned()];
    let timestamp = ColumnType::Timestamp {
        formats,
        zoned: false,
    };
    let mut columns = vec![text("c1")];
    columns.extend((2..10).map(|at| integer(&format!("c{at}"))));
    columns.extend([
        column("c10", unsigned),
        column("c11", fraction.clone()),
        column("c12", fraction),
        text("c13"),
        date("c14", &["%Y-%m-%d"]),
        column("c15", timestamp),
    ]);
    let read = read(&contract(columns), &file).unwrap();
    assert_eq!(read.rejects(), Vec::<String>::new());
    assert_eq!(read.end.rows, 100);
    assert!(
        read.statistics
            .columns
            .iter()
            .all(|column| column.nulls == 0)
    );
    assert_eq!(
        read.accepted()[0],
        "c|2|1|18109|2033001162|-6513304855495910254|25|43062|1491205016|5863949479783605708|\
         0.11083078400000000000|0.92940973324652320000|6WfVFBVGJSQb7FhA7E0lBwdvjfZnSW|\
         2023-01-01|2023-01-01T09:00:00"
    );
}

#[test]
fn files_that_crashed_arrow_read_as_the_reference_reads_them() {
    let Some(folder) = shared_data::folder("suites/arrow-testing/data/csv/fuzzing") else {
        return;
    };
    let found = files(&folder, "");
    let crashing: Vec<_> = found
        .iter()
        .filter(|path| {
            path.to_str()
                .is_some_and(|path| path.contains("clusterfuzz"))
        })
        .collect();
    assert_eq!(crashing.len(), 7);
    for path in crashing {
        let file = std::fs::read(path).unwrap();
        for (header, quote, latin1) in [
            (false, Some(b'"'), false),
            (true, Some(b'"'), true),
            (true, None, false),
        ] {
            let reading = Reading {
                delimiter: b',',
                quote,
                latin1,
                header,
                limits: Limits::default(),
            };
            reading.check(&reading.with_header(&file), &[5000]);
        }
    }
}
