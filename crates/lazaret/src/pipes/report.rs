//! What an answer becomes in Dagster: metadata of an asset, checks, and whether the asset is
//! there at all. What *stands* counts, not who made it: a job that was not due because somebody
//! else had done it reports the same as one that did it.

use serde_json::{Map, Value, json};

/// What Dagster is told of one command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(super) answer: Value,
    /// The asset's metadata; `None` where what the asset is does not exist.
    pub(super) stands: Option<Value>,
    /// Equal versions are equal data.
    pub(super) data_version: Option<String>,
    pub(super) checks: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) passed: bool,
    pub(super) metadata: Value,
}

/// Where objects of a piece of work lie: a name (`silver`, `quarantine`, `gold`) and the folder's
/// path or URL.
pub(crate) type Places = Vec<(&'static str, String)>;

const HAS_SILVER: [&str; 4] = [
    "PARSED",
    "VALIDATED",
    "VALIDATED_WITH_WARNINGS",
    "VALIDATION_FAILED",
];
const HAS_VERDICT: [&str; 3] = ["VALIDATED", "VALIDATED_WITH_WARNINGS", "VALIDATION_FAILED"];

impl Report {
    /// `lazaret heartbeat`.
    pub(crate) fn of_heartbeat(answer: Value) -> Self {
        let mut metadata = Metadata::default();
        metadata.every_field_of(&answer);
        Self::new(answer, Some(metadata))
    }

    /// `lazaret registry sync`.
    pub(crate) fn of_registry(answer: Value) -> Self {
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        let (changes, problems) = (&answer["changes"], &answer["problems"]);
        let mut metadata = Metadata::default();
        metadata.integer("documents_changed", &json!(count(changes)));
        metadata.json("changes", changes);
        let mut wrong = Metadata::default();
        wrong.integer("problems", &json!(count(problems)));
        wrong.json("mappings", problems);
        let fits = count(problems) == 0;
        let mut report = Self::new(answer, fits.then_some(metadata));
        report.check("mappings_fit", fits, wrong);
        report
    }

    /// `lazaret job launch`. `stands` is what the store says of the subject afterwards: the
    /// submission, the winner with what submitter gold holds, the month's last build.
    pub(crate) fn of_job(answer: Value, stands: &Value, places: &Places) -> Self {
        let mut metadata = Metadata::default();
        for field in ["job", "subject", "outcome", "run_id"] {
            metadata.text(field, &answer[field]);
        }
        metadata.every_field_of(&answer["counts"]);
        for (name, place) in places {
            metadata.path(name, place);
        }
        let job = answer["job"].as_str().unwrap_or_default().to_owned();
        let mut report = Self::new(answer, None);
        match job.as_str() {
            "stage" => report.raw(stands, metadata),
            "parse" => report.silver(stands, metadata),
            "validate" => report.verdict(stands, metadata),
            "compete" => report.months(stands, metadata),
            "submitter_gold" => report.submitter_gold(stands, metadata),
            "canonical_rebuild" => report.canonical(stands, metadata),
            // `register` makes a submission, which no asset's partition is yet.
            _ => {}
        }
        report
    }

    fn new(answer: Value, stands: Option<Metadata>) -> Self {
        Self {
            answer,
            stands: stands.map(Metadata::into_json),
            data_version: None,
            checks: Vec::new(),
        }
    }

    fn stand(&mut self, metadata: Metadata) {
        self.stands = Some(metadata.into_json());
    }

    fn check(&mut self, name: &'static str, passed: bool, metadata: Metadata) {
        self.checks.push(Check {
            name,
            passed,
            metadata: metadata.into_json(),
        });
    }

    fn raw(&mut self, submission: &Value, mut metadata: Metadata) {
        metadata.whose(submission);
        metadata.integer("bytes", &submission["bytes_in"]);
        if !submission["staged_at"].is_null() {
            self.data_version = submission["content_hash"].as_str().map(str::to_owned);
            self.stand(metadata);
        }
    }

    fn silver(&mut self, submission: &Value, mut metadata: Metadata) {
        let state = submission["state"].as_str().unwrap_or_default();
        metadata.whose(submission);
        metadata.rows(submission);
        metadata.json("months", &submission["months"]);
        let rows = |field: &str| submission[field].as_i64();
        if let (Some(rows_in), Some(accepted), Some(rejected)) = (
            rows("rows_in"),
            rows("rows_accepted"),
            rows("rows_rejected"),
        ) {
            let mut counted = Metadata::default();
            counted.rows(submission);
            self.check("rows_reconcile", rows_in == accepted + rejected, counted);
        }
        if state == "PARSE_FAILED" || HAS_SILVER.contains(&state) {
            let mut judged = Metadata::default();
            judged.text("state", &submission["state"]);
            judged.text("reason", &submission["state_reason"]);
            judged.rows(submission);
            self.check("rejects_within_limit", state != "PARSE_FAILED", judged);
        }
        if HAS_SILVER.contains(&state) {
            self.stand(metadata);
        }
    }

    fn verdict(&mut self, submission: &Value, mut metadata: Metadata) {
        let state = submission["state"].as_str().unwrap_or_default();
        metadata.whose(submission);
        metadata.integer("warnings", &submission["warnings"]);
        if HAS_VERDICT.contains(&state) {
            let mut judged = Metadata::default();
            judged.text("state", &submission["state"]);
            judged.text("reason", &submission["state_reason"]);
            self.check("validated", state != "VALIDATION_FAILED", judged);
            self.stand(metadata);
        }
    }

    fn months(&mut self, submission: &Value, mut metadata: Metadata) {
        metadata.whose(submission);
        metadata.json("months", &submission["months"]);
        metadata.text("competed_at", &submission["competed_at"]);
        if !submission["competed_at"].is_null() {
            self.stand(metadata);
        }
    }

    fn submitter_gold(&mut self, winner: &Value, mut metadata: Metadata) {
        let held = &winner["gold_submission_id"];
        metadata.integer("rows", &winner["gold_rows"]);
        metadata.text("submission_id", held);
        metadata.text("chosen_because", &winner["reason"]);
        if !held.is_null() && *held == winner["submission_id"] {
            self.data_version = held.as_str().map(str::to_owned);
            self.stand(metadata);
        }
    }

    fn canonical(&mut self, build: &Value, mut metadata: Metadata) {
        let status = build["status"].as_str().unwrap_or_default();
        metadata.integer("rows", &build["rows_now"]);
        metadata.integer("delta_version", &build["delta_version"]);
        metadata.integer("submitters", &build["submitters"]);
        metadata.json("layouts", &build["layouts"]);
        metadata.text("build", &build["status"]);
        let ended = ["SUCCEEDED", "SKIPPED", "FAILED"].contains(&status);
        if ended {
            let mut built = Metadata::default();
            built.text("build", &build["status"]);
            built.text("reason", &build["reason"]);
            self.check("month_built", status != "FAILED", built);
        }
        if ended && status != "FAILED" && !build["rows_now"].is_null() {
            self.data_version = build["fingerprint"].as_str().map(str::to_owned);
            self.stand(metadata);
        }
    }
}

/// Typed values, as Dagster shows them. What is null is left out.
#[derive(Debug, Default)]
struct Metadata(Map<String, Value>);

impl Metadata {
    fn set(&mut self, name: &str, kind: &str, value: &Value) {
        if !value.is_null() {
            let typed = json!({ "type": kind, "raw_value": value });
            self.0.insert(name.to_owned(), typed);
        }
    }

    fn integer(&mut self, name: &str, value: &Value) {
        self.set(name, "int", value);
    }

    fn text(&mut self, name: &str, value: &Value) {
        self.set(name, "text", value);
    }

    fn json(&mut self, name: &str, value: &Value) {
        self.set(name, "json", value);
    }

    fn path(&mut self, name: &str, place: &str) {
        self.set(name, "path", &json!(place));
    }

    /// Whose a submission is and what it became.
    fn whose(&mut self, submission: &Value) {
        for field in [
            "grouping_key",
            "submitter_id",
            "file_type",
            "state",
            "state_reason",
        ] {
            self.text(field, &submission[field]);
        }
        self.integer("layout_version", &submission["layout_version"]);
    }

    fn rows(&mut self, counted: &Value) {
        for field in ["rows_in", "rows_accepted", "rows_rejected", "warnings"] {
            self.integer(field, &counted[field]);
        }
    }

    fn every_field_of(&mut self, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            match value {
                Value::Number(number) if number.is_i64() || number.is_u64() => {
                    self.integer(name, value);
                }
                Value::Number(_) => self.set(name, "float", value),
                Value::Bool(_) => self.set(name, "bool", value),
                Value::String(_) => self.text(name, value),
                Value::Array(_) | Value::Object(_) => self.json(name, value),
                Value::Null => {}
            }
        }
    }

    fn into_json(self) -> Value {
        Value::Object(self.0)
    }
}
