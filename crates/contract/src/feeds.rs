//! Reading a feed: a submitter's standing arrangement.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::contracts::{RawThresholds, check_reject_ratio};
use crate::document::{Document, Review};
use crate::error::DocumentError;
use crate::versions::{below, check_name, check_path_part};
use crate::{Door, Feed, LayoutId, Room};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the keys of a feed")]
struct RawFeed {
    feed: Spanned<String>,
    title: String,
    submitter: Spanned<String>,
    state: Spanned<String>,
    #[serde(default)]
    door: Option<Door>,
    contracts: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    rooms: Option<Vec<Room>>,
    #[serde(default)]
    thresholds: RawThresholds,
}

impl Feed {
    /// Reads a feed. Where `path_shown` has the form `feeds/{feed}.yaml`, both must agree.
    pub fn parse(path_shown: &str, text: &str) -> Result<Self, DocumentError> {
        let document = Document::new(path_shown, text);
        let raw: RawFeed = document.read_yaml()?;
        let mut review = Review::new(&document);

        if let Some([file]) = below(path_shown, "feeds") {
            check_path_part(
                file.strip_suffix(".yaml").unwrap_or(file),
                &raw.feed,
                &mut review,
            );
        }
        let name = check_name(&raw.feed, "evergreen_claims", &mut review);
        let submitter = check_name(&raw.submitter, "evergreen", &mut review);
        let state = check_name(&raw.state, "wa", &mut review);
        let contracts = check_contracts(&raw.contracts, &mut review);
        let reject_ratio = check_reject_ratio(&raw.thresholds, &mut review);

        let feed = name
            .zip(submitter)
            .zip(state)
            .map(|((name, submitter_id), state)| Self {
                name,
                title: raw.title.trim().to_owned(),
                submitter_id,
                state,
                door: raw.door.unwrap_or(Door::Inbox),
                contracts,
                rooms: raw.rooms.unwrap_or_else(|| vec![Room::Gold]),
                reject_ratio,
                min_rows: raw.thresholds.min_rows,
            });
        review.conclude(feed)
    }
}

fn check_contracts(raw: &Spanned<Vec<Spanned<String>>>, review: &mut Review<'_>) -> Vec<LayoutId> {
    if raw.value.is_empty() {
        let help = "write what the submitter sends, for example `[medical_claim@v1]`";
        review.refuse(
            raw,
            "the feed names no contract",
            "expected at least one",
            help,
        );
    }
    let mut seen = BTreeSet::new();
    for contract in &raw.value {
        if !seen.insert(contract.value.as_str()) {
            let message = format!("the contract `{}` stands twice", contract.value);
            review.refuse(contract, message, "expected once", "remove one of the two");
        }
    }
    (raw.value.iter())
        .filter_map(|contract| check_name(contract, "medical_claim@v1", review))
        .collect()
}
