//! The results as Markdown.

use std::fmt::Write;

use serde_json::Value;

pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) megabytes: f64,
    /// Sorted; empty where it failed.
    pub(crate) seconds: Vec<f64>,
    pub(crate) cpu_seconds: Vec<f64>,
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) remarks: Vec<String>,
}

impl Line {
    fn rate(&self) -> Option<f64> {
        median(&self.seconds).map(|seconds| self.megabytes / seconds)
    }
}

/// The first line is ours.
pub(crate) fn contenders(lines: &[Line]) -> String {
    let mut text = String::from(
        "| | MB/s | ours is faster by | seconds: median (min–max) | CPU seconds per GB | peak memory, MB | runs | file, MB |\n\
         |---|---:|---:|---|---:|---:|---:|---:|\n",
    );
    let ours = lines.first().and_then(Line::rate);
    for line in lines {
        let (Some(rate), Some(middle)) = (line.rate(), median(&line.seconds)) else {
            add(
                &mut text,
                format_args!("| {} | – | – | – | – | – | 0 | – |", line.name),
            );
            continue;
        };
        let ratio = or_dash(ours, |ours| format!("{:.1}×", ours / rate));
        let cpu = median(&line.cpu_seconds).map(|seconds| 1e3 * seconds / line.megabytes);
        let cpu = or_dash(cpu, |seconds| format!("{seconds:.1}"));
        let peak = or_dash(line.peak_bytes, |bytes| {
            format!("{:.0}", bytes as f64 / 1e6)
        });
        let (fastest, slowest) = (line.seconds[0], line.seconds[line.seconds.len() - 1]);
        add(
            &mut text,
            format_args!(
                "| {} | {rate:.0} | {ratio} | {middle:.2} ({fastest:.2}–{slowest:.2}) | {cpu} | {peak} | {} | {:.0} |",
                line.name,
                line.seconds.len(),
                line.megabytes,
            ),
        );
    }
    for line in lines.iter().filter(|line| !line.remarks.is_empty()) {
        let remarks = line.remarks.join("; ");
        add(
            &mut text,
            format_args!("\n{} differs: {remarks}", line.name),
        );
    }
    text
}

pub(crate) fn scan(rates: &Value) -> String {
    let rate = |key: &str| rates[key].as_f64().unwrap_or(f64::NAN) / 1e6;
    let csv = rate("csv");
    let mut text = String::from(
        "| on one core, in memory, nothing written | MB/s | of the `csv` crate's rate |\n|---|---:|---:|\n",
    );
    for (name, key) in [
        ("looking for line ends (`memchr`)", "memchr"),
        ("splitting into fields (`csv` crate)", "csv"),
        ("our cutting of records", "split"),
        ("our inspection: records, fields, types, checks", "inspect"),
    ] {
        let rate = rate(key);
        add(
            &mut text,
            format_args!("| {name} | {rate:.0} | {:.0}% |", 100.0 * rate / csv),
        );
    }
    text
}

fn or_dash<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("text grows");
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 0 => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}
