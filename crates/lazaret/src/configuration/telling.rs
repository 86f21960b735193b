//! Who is told what goes wrong, and where rows come from and go. Addresses may hold secrets, so
//! they come from the environment.

use std::path::Path;
use std::time::Duration;

use pipeline::{AlertSettings, LineageSettings};
use url::Url;

use super::check::{Wrong, whole_number};
use super::raw::Reader;
use super::{Setting, in_file, number, secret};

const CHECK_HOURS: Setting = number("alerts.check_hours", None, "4");
const WEBHOOK_URL: Setting = secret("ALERT_WEBHOOK_URL");
const SLACK_URL: Setting = secret("ALERT_SLACK_URL");
const PAGERDUTY_ROUTING_KEY: Setting = secret("ALERT_PAGERDUTY_ROUTING_KEY");
const PAGERDUTY_URL: Setting = secret("ALERT_PAGERDUTY_URL");
const LINEAGE_FILE: Setting = in_file("lineage.file", "");
const LINEAGE_URL: Setting = secret("OPENLINEAGE_URL");
const LINEAGE_KEY: Setting = secret("OPENLINEAGE_API_KEY");

pub(super) fn alerts(reader: &mut Reader<'_>, source: Option<&String>) -> Option<AlertSettings> {
    let check_hours = reader.read(CHECK_HOURS, |text, _| whole_number(text, 1, 168));
    let webhook_url = reader.read(WEBHOOK_URL, |text, _| address(text));
    let slack_url = reader.read(SLACK_URL, |text, _| address(text));
    let routing_key = reader.read(PAGERDUTY_ROUTING_KEY, |text, _| Ok(some(text)));
    let pagerduty_url = reader.read(PAGERDUTY_URL, |text, _| address(text));
    let defaults = AlertSettings::default();
    Some(AlertSettings {
        webhook_url: webhook_url?,
        slack_url: slack_url?,
        pagerduty_routing_key: routing_key?,
        pagerduty_url: pagerduty_url?.unwrap_or(defaults.pagerduty_url),
        source: format!("lazaret {}", source?),
        check_every: Duration::from_secs(3_600 * check_hours?),
    })
}

pub(super) fn lineage(project: &Path, reader: &mut Reader<'_>) -> Option<LineageSettings> {
    let file = reader.read(LINEAGE_FILE, |text, _| Ok(some(text)));
    let url = reader.read(LINEAGE_URL, |text, _| address(text));
    let api_key = reader.read(LINEAGE_KEY, |text, _| Ok(some(text)));
    Some(LineageSettings {
        url: url?,
        api_key: api_key?,
        file: file?.map(|file| project.join(file)),
        ..LineageSettings::default()
    })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// An address of HTTP, or none. The text is not repeated: it may hold a secret.
fn address(text: &str) -> Result<Option<String>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(Wrong::new(
            "is no address of HTTP",
            "write for example `https://alerts.example.org/lazaret`, or remove it",
        )),
    }
}
