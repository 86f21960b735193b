//! What the demo drops into the inbox, and when: the first wave, and the resubmissions that come
//! after it was built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pipeline::MARKER;

use crate::cli::Failure;
use crate::cli::project::shown_path;
use crate::shipped;

/// Samples whose drop id ends so come in the second wave.
const RESUBMISSION: &str = "-corrected";

pub(super) struct Drops {
    pub(super) first: Vec<Drop>,
    pub(super) second: Vec<Drop>,
}

pub(super) struct Drop {
    /// Below the inbox: submitter, file type, drop id, file.
    pub(super) key: String,
    pub(super) content: Content,
}

pub(super) enum Content {
    Shipped(&'static [u8]),
    File(PathBuf),
}

/// The samples that the binary carries.
pub(super) fn samples() -> Drops {
    let is_resubmission = |key: &str| {
        key.split('/')
            .nth(2)
            .is_some_and(|drop_id| drop_id.ends_with(RESUBMISSION))
    };
    let drops = shipped::demo_inbox().into_iter().map(|(key, bytes)| Drop {
        key,
        content: Content::Shipped(bytes),
    });
    let (second, first) = drops.partition(|drop: &Drop| is_resubmission(&drop.key));
    Drops { first, second }
}

/// The full published sets below a folder. The first DE-SynPUF sample comes in the first wave,
/// the others after it as resubmissions; all else comes in the first.
pub(super) fn published(data: &Path) -> Result<Drops, Failure> {
    let mut drops = Drops {
        first: Vec::new(),
        second: Vec::new(),
    };
    for (index, sample) in folders(&data.join("cms_desynpuf"))?.iter().enumerate() {
        let wave = if index == 0 {
            &mut drops.first
        } else {
            &mut drops.second
        };
        synpuf(sample, index == 0, wave)?;
    }
    for set in folders(&data.join("synthea"))? {
        let name = name(&set);
        for (file, file_type) in [
            ("claims.csv", "medical_claim"),
            ("claims_transactions.csv", "medical_claim_line"),
        ] {
            // All sets in one group, each in a folder of its own.
            drops.add(
                set.join(file),
                format!("cascade/{file_type}/synthea/{name}/{file}"),
            );
        }
    }
    if let Some(set) = folders(&data.join("synthea"))?.first() {
        // Real claims under a name that no contract knows: an operator has to say what it is.
        drops.add(
            set.join("claims.csv"),
            "cascade/medical_claim/unannounced/export_final.csv".into(),
        );
    }
    let rif = data.join("cms_bfd/rif_synthea");
    drops.add(
        rif.join("inpatient.csv"),
        "olympic/medical_claim/rif/inpatient.csv".into(),
    );
    drops.add(
        rif.join("carrier.csv"),
        "puget/medical_claim/rif/carrier.csv".into(),
    );
    if drops.first.is_empty() {
        return Err(Failure::Unusable(format!(
            "{} has none of the published sets: it should hold cms_desynpuf/, synthea/ or cms_bfd/ as \
             demo/README.md lays them out",
            shown_path(data)
        )));
    }
    Ok(drops)
}

impl Drops {
    /// Into the first wave, where the file is there.
    fn add(&mut self, file: PathBuf, key: String) {
        if file.is_file() {
            self.first.push(Drop {
                key,
                content: Content::File(file),
            });
        }
    }
}

/// One DE-SynPUF sample: its inpatient claims, closed by a marker where asked, and its yearly
/// beneficiary summaries.
fn synpuf(sample: &Path, with_marker: bool, wave: &mut Vec<Drop>) -> Result<(), Failure> {
    let drop_id = name(sample);
    let mut has_claims = false;
    for file in entries(sample)? {
        let file_name = name(&file);
        let file_type = if file_name.contains("Inpatient_Claims") {
            has_claims = true;
            "medical_claim"
        } else if file_name.contains("Beneficiary_Summary") {
            "member_eligibility"
        } else {
            continue;
        };
        let key = format!("evergreen/{file_type}/{drop_id}/{file_name}");
        wave.push(Drop {
            key,
            content: Content::File(file),
        });
    }
    if with_marker && has_claims {
        let key = format!("evergreen/medical_claim/{drop_id}/{MARKER}");
        wave.push(Drop {
            key,
            content: Content::Shipped(b""),
        });
    }
    Ok(())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    Ok(entries(folder)?
        .into_iter()
        .filter(|entry| entry.is_dir())
        .collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| shown_path(folder))? {
        found.push(entry.with_context(|| shown_path(folder))?.path());
    }
    found.sort();
    Ok(found)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_come_in_two_waves() {
        let drops = samples();
        assert!(!drops.second.is_empty(), "a resubmission changes a winner");
        let first: Vec<_> = drops.first.iter().map(|drop| drop.key.as_str()).collect();
        assert!(first.iter().any(|key| key.ends_with(MARKER)), "{first:?}");
        for drop in &drops.second {
            let submitter = drop.key.split('/').next().unwrap();
            assert!(
                first.iter().any(|key| key.starts_with(submitter)),
                "{} sends again",
                drop.key
            );
        }
    }

    #[test]
    fn published_sets_are_found_by_their_layout() {
        let data = tempfile::tempdir().unwrap();
        assert!(matches!(published(data.path()), Err(Failure::Unusable(_))));
        for file in [
            "cms_desynpuf/1-sample/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv",
            "cms_desynpuf/1-sample/DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv",
            "cms_desynpuf/2-sample/DE1_0_2008_to_2010_Inpatient_Claims_Sample_2.csv",
            "synthea/s01/claims.csv",
            "cms_bfd/rif_synthea/carrier.csv",
        ] {
            let path = data.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let drops = published(data.path()).unwrap();
        let keys = |wave: &[Drop]| {
            wave.iter()
                .map(|drop| drop.key.clone())
                .collect::<Vec<_>>()
                .join("\n")
        };
        insta::assert_snapshot!(keys(&drops.first), @r"
        evergreen/member_eligibility/1-sample/DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv
        evergreen/medical_claim/1-sample/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv
        evergreen/medical_claim/1-sample/_SUCCESS
        cascade/medical_claim/synthea/s01/claims.csv
        cascade/medical_claim/unannounced/export_final.csv
        puget/medical_claim/rif/carrier.csv
        ");
        insta::assert_snapshot!(
            keys(&drops.second),
            @"evergreen/medical_claim/2-sample/DE1_0_2008_to_2010_Inpatient_Claims_Sample_2.csv"
        );
    }
}
