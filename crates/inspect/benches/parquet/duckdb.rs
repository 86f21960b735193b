//! DuckDB on the same file: typed columns, bad rows set aside, zstd Parquet.

use std::path::Path;
use std::time::Duration;

use testkit::python::run_python;

use super::Passage;
use super::claims::COLUMNS;

const SCRIPT: &str = r#"
import sys, time, duckdb
source, target, columns = sys.argv[1:4]
con = duckdb.connect()
con.execute("SET enable_progress_bar = false")
began = time.perf_counter()
con.execute(f"""COPY (SELECT * FROM read_csv('{source}', header = true, delim = ',', quote = '"',
    auto_detect = false, columns = {columns}, store_rejects = true, rejects_limit = 0))
    TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")
elapsed = time.perf_counter() - began
accepted = con.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0]
rejected = con.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchone()[0]
print(accepted, rejected, elapsed)
"#;

pub(crate) fn run(file: &Path, parquet: &Path) -> Passage {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, _, kind)| format!("'{name}': '{kind}'"))
        .collect();
    let columns = format!("{{{}}}", columns.join(", "));
    let text = |path: &Path| path.to_str().expect("the path is UTF-8").to_owned();
    let printed = run_python(SCRIPT, &[text(file), text(parquet), columns]);
    let mut numbers = printed
        .split_whitespace()
        .map(|number| number.parse::<f64>().expect("a number"));
    let mut next = || numbers.next().expect("three numbers");
    Passage {
        accepted: next() as u64,
        rejected: next() as u64,
        elapsed: Duration::from_secs_f64(next()),
    }
}
