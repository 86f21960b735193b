//! From the file's text and the environment to one checked value for each setting.

use std::ops::Range;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::check::{Wrong, without_password};
use super::error::Mistake;
use super::{ConfigurationError, Environment, Origin, Setting, ShownSetting};

type Raw = Option<Spanned<Value>>;

/// The file's sections and keys; any other is a mistake, which names those that there are.
macro_rules! raw_file {
    ($($section:ident as $name:ident { $($key:ident),+ $(,)? })+) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct RawFile {
            $($section: $name,)+
        }

        $(
            #[derive(Debug, Default, Deserialize)]
            #[serde(deny_unknown_fields, default)]
            struct $name {
                $($key: Raw,)+
            }
        )+

        impl RawFile {
            fn take(&mut self, key: &str) -> Raw {
                $($(
                    if key == concat!(stringify!($section), ".", stringify!($key)) {
                        return self.$section.$key.take();
                    }
                )+)+
                None
            }
        }
    };
}

raw_file! {
    metadata as RawMetadata { url }
    objects as RawObjects { url }
    inbox as RawInbox { prefix, group_by_depth, quiescence_minutes, classifier, listing_minutes }
    work as RawWork { lease_seconds, attempts, retry_seconds, submitter_limit }
    parallel as RawParallel { inbox_discovery, parse, validate, submitter_gold, canonical_rebuild }
    schedules as RawSchedules { inbox_discovery, parse, validate, submitter_gold, canonical_rebuild }
    daemon as RawDaemon { orchestrator, poll_seconds }
    http as RawHttp { listen, certificate, key }
    alerts as RawAlerts { check_hours }
    lineage as RawLineage { file }
    gold as RawGold { retention_hours }
    exchange as RawExchange {
        raw_objects, issuer, audience, algorithm, jwks, idempotency_key_length_min,
        idempotency_key_days, body_kilobytes, kafka, topic_v1, topic_v2, dead_letters,
        dead_letters_v1, dead_letters_v2
    }
}

/// Reads one setting after another and keeps every mistake.
pub(super) struct Reader<'a> {
    text: &'a str,
    file: RawFile,
    environment: Environment<'a>,
    mistakes: Vec<Mistake>,
    shown: Vec<ShownSetting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        text: &'a str,
        environment: Environment<'a>,
    ) -> Result<Self, ConfigurationError> {
        let file = toml::from_str(text)
            .map_err(|error| ConfigurationError::Mistakes(vec![Mistake::in_toml(text, &error)]))?;
        Ok(Self {
            text,
            file,
            environment,
            mistakes: Vec::new(),
            shown: Vec::new(),
        })
    }

    /// The setting's value: the environment's, else the file's, else the default.
    pub(super) fn read<T>(
        &mut self,
        setting: Setting,
        check: impl FnOnce(&str, Origin) -> Result<T, Wrong>,
    ) -> Option<T> {
        let in_file = self.file.take(setting.key);
        let of_environment = setting
            .variable
            .and_then(|name| Some((name, (self.environment)(name)?)));
        let (text, origin, span) = match (of_environment, in_file) {
            (Some((name, text)), _) => (text, Origin::Variable(name), None),
            (None, Some(value)) => {
                let span = value.span();
                let origin = Origin::File {
                    line: line(self.text, &span),
                };
                match plain(setting, value.get_ref()) {
                    Ok(text) => (text, origin, Some(span)),
                    Err(wrong) => {
                        self.mistake(setting, origin, Some(span), wrong);
                        return None;
                    }
                }
            }
            (None, None) => (setting.default.to_owned(), Origin::Default, None),
        };
        match check(&text, origin) {
            Ok(value) => {
                let value_shown = if setting.is_secret && !text.is_empty() {
                    "***".to_owned()
                } else {
                    without_password(&text)
                };
                let origin = origin.to_string();
                self.shown.push(ShownSetting {
                    setting: setting.key,
                    value: value_shown,
                    origin,
                });
                Some(value)
            }
            Err(wrong) => {
                self.mistake(setting, origin, span, wrong);
                None
            }
        }
    }

    fn mistake(
        &mut self,
        setting: Setting,
        origin: Origin,
        span: Option<Range<usize>>,
        wrong: Wrong,
    ) {
        self.mistakes
            .push(Mistake::new(self.text, setting.key, origin, span, wrong));
    }

    pub(super) fn finish(self) -> Result<Vec<ShownSetting>, ConfigurationError> {
        if self.mistakes.is_empty() {
            Ok(self.shown)
        } else {
            Err(ConfigurationError::Mistakes(self.mistakes))
        }
    }
}

/// The value as the environment would spell it, if it is of the setting's kind.
fn plain(setting: Setting, value: &Value) -> Result<String, Wrong> {
    match (setting.is_number, value) {
        (false, Value::String(text)) => Ok(text.clone()),
        (true, Value::Integer(number)) => Ok(number.to_string()),
        (true, Value::Float(number)) => Ok(number.to_string()),
        (is_number, other) => {
            let expected = if is_number {
                "a number"
            } else {
                "a text in quotes"
            };
            let problem = format!(
                "is of type {}, and {expected} is expected",
                other.type_str()
            );
            let default = setting.default;
            let example = if is_number {
                default.to_owned()
            } else {
                format!("\"{default}\"")
            };
            let key = setting.key.rsplit('.').next().unwrap_or(setting.key);
            Err(Wrong::new(
                problem,
                format!("write for example `{key} = {example}`"),
            ))
        }
    }
}

/// The line (from 1) where a span begins.
pub(super) fn line(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start).unwrap_or(text).matches('\n').count() + 1
}
