//! Reading a feed: a submitter's standing arrangement.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::contracts::{RawThresholds, check_ratio, check_reject_ratio};
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
    #[serde(default)]
    alerts: RawAlerts,
    #[serde(default)]
    freshness: Option<RawFreshness>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "`reject_ratio`")]
struct RawAlerts {
    reject_ratio: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "`{ within: 24h }`")]
struct RawFreshness {
    within: Spanned<String>,
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
        let alert_reject_ratio = check_alert_ratio(&raw.alerts, &mut review);
        let fresh_within = check_freshness(raw.freshness.as_ref(), &mut review);

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
                alert_reject_ratio,
                fresh_within,
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

/// The ratio above which people are told, if the feed gives none: one row in twenty.
const ALERT_REJECT_RATIO: f64 = 0.05;

fn check_alert_ratio(raw: &RawAlerts, review: &mut Review<'_>) -> f64 {
    let Some(ratio) = &raw.reject_ratio else {
        return ALERT_REJECT_RATIO;
    };
    let help = "write the share of rejected rows above which an alert is sent: `0.05` is one in \
                twenty; `1` never sends one";
    check_ratio(ratio, help, review);
    ratio.value
}

fn check_freshness(raw: Option<&RawFreshness>, review: &mut Review<'_>) -> Option<Duration> {
    let within = &raw?.within;
    let window = window(&within.value);
    if window.is_none() {
        let help = "write a number of hours or days, from 1 hour to 3660 days: `24h`, `7d`";
        let message = format!("`{}` is not a span of time", within.value.escape_debug());
        review.refuse(within, message, "expected hours or days", help);
    }
    window
}

/// `36h` or `7d`. Shorter spans than an hour are below what a feed's clock is looked at for.
fn window(text: &str) -> Option<Duration> {
    const HOURS_MAX: u64 = 3660 * 24;
    let (number, hours_each) = match (text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(hours), _) => (hours, 1),
        (_, Some(days)) => (days, 24),
        _ => return None,
    };
    // `parse` would take a sign.
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours = number.parse::<u64>().ok()?.checked_mul(hours_each)?;
    (1..=HOURS_MAX)
        .contains(&hours)
        .then(|| Duration::from_secs(hours * 60 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_hours_or_days() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        for (text, expected) in [
            ("1h", hours(1)),
            ("24h", hours(24)),
            ("7d", hours(168)),
            ("3660d", hours(3660 * 24)),
            ("3661d", None),
            ("0h", None),
            ("24", None),
            ("h", None),
            ("+1h", None),
            ("1.5h", None),
            ("1 h", None),
            ("90m", None),
            ("99999999999999999999d", None),
            ("999999999999999999d", None),
        ] {
            assert_eq!(window(text), expected, "{text}");
        }
    }
}
