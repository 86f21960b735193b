//! What the command line asks for.

use crate::contender::{Contender, RIVALS};

const USAGE: &str = "\
usage: make bench ARGS=\"[OPTION…]\"
  --mb N             size of the file in MB (1000)
  --runs N           runs of each (5)
  --slow-mb N        size for rivals that are slow (100)
  --slow-runs N      runs of those (2)
  --rivals A,B,…     some of them (all); `none` for ours alone";

pub(crate) struct Options {
    pub(crate) megabytes: u64,
    pub(crate) runs: usize,
    pub(crate) slow_megabytes: u64,
    pub(crate) slow_runs: usize,
    pub(crate) rivals: Vec<&'static Contender>,
}

impl Options {
    /// # Panics
    /// With the usage, where it is not followed.
    pub(crate) fn parse(words: &[&str]) -> Self {
        let mut options = Self {
            megabytes: 1000,
            runs: 5,
            slow_megabytes: 100,
            slow_runs: 2,
            rivals: RIVALS.iter().collect(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            // Cargo's own, for every benchmark.
            if *word == "--bench" {
                continue;
            }
            let Some(value) = words.next() else {
                panic!("{word} is not known, or has no value\n{USAGE}");
            };
            let number = || {
                value
                    .parse::<u64>()
                    .ok()
                    .filter(|number| *number > 0)
                    .unwrap_or_else(|| panic!("{word} takes a number above 0\n{USAGE}"))
            };
            match *word {
                "--mb" => options.megabytes = number(),
                "--runs" => options.runs = number() as usize,
                "--slow-mb" => options.slow_megabytes = number(),
                "--slow-runs" => options.slow_runs = number() as usize,
                "--rivals" => options.rivals = rivals(value),
                _ => panic!("{word} is not known\n{USAGE}"),
            }
        }
        options
    }
}

fn rivals(list: &str) -> Vec<&'static Contender> {
    if list == "none" {
        return Vec::new();
    }
    list.split(',')
        .map(|key| {
            RIVALS
                .iter()
                .find(|rival| rival.key == key)
                .unwrap_or_else(|| {
                    let keys: Vec<&str> = RIVALS.iter().map(|rival| rival.key).collect();
                    panic!("there is no rival {key}, only {}\n{USAGE}", keys.join(", "))
                })
        })
        .collect()
}
