//! Lets all work in turn, round by round, on the same file, and holds what they wrote against
//! what is known. Ours must find exactly that; where a rival differs, the table says how.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::contender::{self, Contender, OURS, Passage};
use crate::options::Options;
use crate::table::{self, Line};

/// A file, and what is known about it.
struct Claims {
    file: PathBuf,
    known: Value,
}

/// One that takes part: its file, its runs so far, and what is to be said about it.
struct Part<'a> {
    contender: &'static Contender,
    claims: &'a Claims,
    runs: usize,
    passages: Vec<Passage>,
    remarks: Vec<String>,
    failed: bool,
}

pub(crate) fn run(options: &Options) {
    // Everything lies here, and goes with it.
    let folder = tempfile::Builder::new()
        .prefix("lazaret-bench-")
        .tempdir()
        .expect("a temporary folder can be made");
    let whole = generate(folder.path(), "claims", options.megabytes);
    let small = options
        .rivals
        .iter()
        .any(|rival| rival.slow)
        .then(|| generate(folder.path(), "claims_small", options.slow_megabytes));
    let mut parts: Vec<Part<'_>> = std::iter::once(&OURS)
        .chain(options.rivals.iter().copied())
        .map(|contender| match &small {
            Some(small) if contender.slow => Part::new(contender, small, options.slow_runs),
            _ => Part::new(contender, &whole, options.runs),
        })
        .collect();
    for round in 0..options.runs.max(options.slow_runs) {
        for part in &mut parts {
            if round < part.runs && !part.failed {
                part.take_turn(&folder.path().join("out"));
            }
        }
    }
    let scanned = contender::scan(&whole.file, options.runs).expect("memory can be scanned");

    println!(
        "{} rows, {} accepted, {} rejected\n",
        whole.known["rows"], whole.known["accepted"], whole.known["rejected"]
    );
    let lines: Vec<Line> = parts.iter().map(Part::line).collect();
    println!("{}", table::contenders(&lines));
    println!("{}", table::scan(&scanned));
}

fn generate(folder: &Path, name: &str, megabytes: u64) -> Claims {
    let file = folder.join(name).with_extension("csv");
    crate::generate(&file, megabytes);
    let known = std::fs::read_to_string(file.with_extension("json")).expect("it was written");
    let known = serde_json::from_str(&known).expect("it is JSON");
    Claims { file, known }
}

impl<'a> Part<'a> {
    fn new(contender: &'static Contender, claims: &'a Claims, runs: usize) -> Self {
        Self {
            contender,
            claims,
            runs,
            passages: Vec::new(),
            remarks: Vec::new(),
            failed: false,
        }
    }

    fn take_turn(&mut self, target: &Path) {
        std::fs::create_dir_all(target).expect("the folder can be made");
        match self.contender.run(&self.claims.file, target) {
            Ok(passage) => {
                eprintln!("bench: {} {:.2} s", self.contender.key, passage.seconds);
                self.hold(&passage, target);
                self.passages.push(passage);
            }
            Err(why) => {
                self.failed = true;
                self.remark(format!("failed: {why}"));
            }
        }
        std::fs::remove_dir_all(target).expect("what was written can be deleted");
    }

    /// Every run's own counts, and in the first run what lies in its files.
    fn hold(&mut self, passage: &Passage, target: &Path) {
        let known = &self.claims.known;
        if known["accepted"] != passage.accepted || known["rejected"] != passage.rejected {
            self.remark(format!(
                "says {} accepted, {} rejected",
                passage.accepted, passage.rejected
            ));
        }
        if self.passages.is_empty() && !self.contender.counts_alone {
            match contender::look_into(target) {
                Ok(found) => differences(&self.claims.known, &found)
                    .into_iter()
                    .for_each(|difference| self.remark(difference)),
                Err(why) => self.remark(format!("its files cannot be read: {why}")),
            }
        }
    }

    fn remark(&mut self, remark: String) {
        assert!(
            self.contender.key != OURS.key,
            "ours must find exactly what is known: {remark}"
        );
        eprintln!("bench: {}: {remark}", self.contender.key);
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn line(&self) -> Line {
        let version = self.passages.first().and_then(|p| p.version.as_deref());
        Line {
            name: match version {
                Some(version) => format!("{} ({version})", self.contender.name),
                None => self.contender.name.to_owned(),
            },
            megabytes: self.claims.known["bytes"].as_f64().unwrap_or_default() / 1e6,
            seconds: sorted(self.passages.iter().map(|p| p.seconds)),
            cpu_seconds: sorted(self.passages.iter().filter_map(|p| p.cpu_seconds)),
            peak_bytes: self.passages.iter().filter_map(|p| p.peak_bytes).max(),
            remarks: self.remarks.clone(),
        }
    }
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// What was found otherwise than it is known, key by key.
fn differences(known: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for key in ["accepted", "rejected"] {
        if known[key] != found[key] {
            differences.push(format!("{key}: {} for {}", found[key], known[key]));
        }
    }
    for group in ["months", "reasons", "sums"] {
        let (Some(known), Some(found)) = (known[group].as_object(), found[group].as_object())
        else {
            differences.push(format!("no {group}"));
            continue;
        };
        for (key, expected) in known {
            match found.get(key) {
                Some(value) if value == expected => {}
                Some(value) => differences.push(format!("{key}: {value} for {expected}")),
                None => differences.push(format!("{key}: none for {expected}")),
            }
        }
        for (key, value) in found.iter().filter(|(key, _)| !known.contains_key(*key)) {
            differences.push(format!("{key}: {value} for none"));
        }
    }
    differences
}
